import {
  applyVex,
  breakglassStatement,
  coversLevel,
  cvssScore,
  formatOf,
  osvAffects,
  parseSimpleSigning,
  parseStatement,
  readOsv,
  readPredicate,
  readSeverity,
  reviewStatement,
  sourceRefsOf,
  svrStatement,
  vsaStatement,
  type Breakglass,
  type Finding,
  type NewVsa,
  type OsvPackage,
  type ResourceDescriptor,
  type Review,
  type Svr,
  type VexTarget,
} from '#attestation'
import type { Json, JsonObject } from '#document'

/** What goes into a case; each operation uses what it needs. */
export interface Input {
  readonly text: string
  readonly levels: readonly string[]
  readonly statement: JsonObject
  readonly statements: readonly JsonObject[]
  readonly findings: readonly Finding[]
  readonly target: VexTarget
  readonly advisory: Json
  readonly package: OsvPackage
  readonly descriptor: ResourceDescriptor
  readonly subject: readonly ResourceDescriptor[]
  readonly facts: unknown
}

/** What can be asked in a vector. */
export const operations = {
  formatOf: ({ text }: Input) => formatOf(text)?.kind ?? null,
  readPredicate: ({ statement }: Input) => read(statement),
  applyVex: ({ statements, findings, target }: Input) => {
    const vexes = statements.flatMap((statement) => vexOf(statement))
    return applyVex(findings, vexes, target).map(({ status }) => status ?? null)
  },
  osvAffects: ({ advisory, package: found }: Input) =>
    osvAffects(readOsv(advisory, 'advisory'), found) ?? null,
  cvssScore: ({ text }: Input) => cvssScore(text) ?? null,
  readSeverity: ({ text }: Input) => readSeverity(text),
  coversLevel: ({ levels, text }: Input) => coversLevel(levels, text),
  sourceRefsOf: ({ descriptor }: Input) => sourceRefsOf(descriptor),
  parseSimpleSigning: ({ text }: Input) => parseSimpleSigning(Buffer.from(text)),
  vsaStatement: ({ subject, facts }: Input) => vsaStatement(subject, facts as NewVsa).predicate,
  svrStatement: ({ subject, facts }: Input) =>
    svrStatement(subject, facts as Omit<Svr, 'version'>).predicate,
  reviewStatement: ({ subject, facts }: Input) =>
    reviewStatement(subject, facts as Review).predicate,
  breakglassStatement: ({ subject, facts }: Input) =>
    breakglassStatement(subject, facts as Breakglass).predicate,
} as const

function read(statement: JsonObject) {
  return readPredicate(parseStatement(Buffer.from(JSON.stringify(statement))))
}

function vexOf(statement: JsonObject) {
  const predicate = read(statement)
  if (predicate.kind === 'vex') return [predicate.vex]
  return predicate.kind === 'sbom' && predicate.vex !== undefined ? [predicate.vex] : []
}
