import {
  isProvenanceType,
  predicateTypes,
  readProvenance,
  type Provenance,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import { timeIn, type Json, type JsonObject } from '#document'
import type { EvidenceKind } from '../rule.ts'
import { imageNamed, whereToPut } from '../where-to-put.ts'

/** A value that provenance may state: stated, missing, or stated in a way nobody can read. */
export type Stated<T> =
  | { readonly state: 'stated'; readonly value: T }
  | { readonly state: 'missing' }
  | { readonly state: 'malformed'; readonly found: Json }

/** What provenance says, as rules ask for it. Where each fact stands is written in src/core/decision/README.md. */
export interface ProvenanceFacts {
  readonly provenance: Provenance
  /** What the builder calls the artifact: `uri` (a package URL) and `name` of its subject. */
  readonly names: readonly string[]
  /** The version of the product, of the subject's annotation `version`. */
  readonly version: Stated<string>
  /** The commit that was built, in hex. */
  readonly commit?: string
  /** The time of the commit, of the source's annotation `committedAt`. */
  readonly committedAt: Stated<Date>
  readonly builtAt: Stated<Date>
  readonly isolation: Isolation
}

/** How the build was isolated, as its orchestrator saw it. */
export interface Isolation {
  readonly backend: Stated<string>
  readonly root: Stated<'pinned' | 'measured'>
  readonly network: Stated<string>
  readonly networkMode: Stated<string>
  readonly networkAttempts: Stated<number>
  readonly probesPassed: Stated<number>
  readonly probesFailed: Stated<number>
}

/** Every predicate type that is provenance. */
const types = [
  predicateTypes.slsaProvenanceV1,
  predicateTypes.slsaProvenanceV02,
  predicateTypes.slsaProvenanceV01,
  predicateTypes.jwtProvenance,
].filter(isProvenanceType)

export const provenanceKind: EvidenceKind<ProvenanceFacts> = {
  name: 'provenance',
  missing: 'PROVENANCE_MISSING',
  predicateTypes: new Set(types),
  read: readFacts,
  obtain: ({ artifact }, by) =>
    imageNamed(artifact.name) === undefined
      ? `Build the artifact with ${by.join(' or ')} (\`sallyport build\`), which writes its provenance beside it; or, if it was built so, put that provenance beside ${JSON.stringify(artifact.name)} or pass it with --bundle`
      : `Build the image with ${by.join(' or ')}; if it was built so, ${whereToPut('its provenance', artifact.name)}`,
}

/** Provenance is frozen and shared between decisions, and reading it again would give the same. */
const known = new WeakMap<Statement, Provenance>()

function readFacts(statement: Statement, subjects: readonly ResourceDescriptor[]): ProvenanceFacts {
  const provenance = known.get(statement) ?? readProvenance(statement)
  known.set(statement, provenance)
  const { source, finishedOn, startedOn, internalParameters } = provenance
  const commit = source?.digest['gitCommit'] ?? source?.digest['sha1']
  return {
    provenance,
    names: namesOf(subjects),
    version: only(subjects.map(({ annotations }) => stated(annotations?.['version'], asText))),
    ...(commit === undefined ? {} : { commit }),
    committedAt: stated(source?.annotations?.['committedAt'], asTime),
    builtAt: stated(finishedOn ?? startedOn, asTime),
    isolation: readIsolation(internalParameters),
  }
}

function namesOf(subjects: readonly ResourceDescriptor[]): readonly string[] {
  const names = subjects.flatMap(({ uri = '', name = '' }) => [uri, name])
  return [...new Set(names)].filter((name) => name !== '')
}

function readIsolation(internal: JsonObject): Isolation {
  const sandbox = internal['sallyport_sandbox']
  const network = internal['sallyport_network']
  const probes = internal['sallyport_probes']
  return {
    backend: stated(member(sandbox, 'backend'), asText),
    root: stated(member(sandbox, 'root'), (value) =>
      value === 'pinned' || value === 'measured' ? value : undefined,
    ),
    network: stated(member(sandbox, 'network'), asText),
    networkMode: stated(member(network, 'mode'), asText),
    networkAttempts: stated(member(network, 'attempts'), asCount),
    probesPassed: stated(member(probes, 'passed'), asCount),
    probesFailed: stated(member(probes, 'failed'), asCount),
  }
}

/** SLSA (V10): null, empty and unset are the same. */
function stated<T>(value: Json | undefined, read: (value: Json) => T | undefined): Stated<T> {
  if (value === undefined || value === null || value === '') return { state: 'missing' }
  const known = read(value)
  return known === undefined
    ? { state: 'malformed', found: value }
    : { state: 'stated', value: known }
}

/** What several descriptions of one artifact agree on. */
function only<T>(values: readonly Stated<T>[]): Stated<T> {
  const [first = { state: 'missing' as const }, ...rest] = values.filter(
    ({ state }) => state !== 'missing',
  )
  const contradiction = rest.find((other) => JSON.stringify(other) !== JSON.stringify(first))
  if (contradiction === undefined) return first
  return { state: 'malformed', found: 'two different values' }
}

function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
}

function asText(value: Json): string | undefined {
  return typeof value === 'string' && value.length <= 200 ? value : undefined
}

function asCount(value: Json): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function asTime(value: Json): Date | undefined {
  return typeof value === 'string' ? timeIn(value) : undefined
}
