import {
  applyVex,
  checkInputs,
  checkOmissions,
  cvssScore,
  encodeBundle,
  encodeEnvelope,
  encodeStatement,
  familyOf,
  formatOf,
  isProvenanceType,
  jwtStatement,
  jwtValidity,
  osvAffects,
  parseAttestation,
  parseBundle,
  parseCycloneDx,
  parseEnvelope,
  parseJws,
  parseJwt,
  parseOpenVex,
  parseSimpleSigning,
  parseSpdx,
  parseStatement,
  readApproval,
  readOsv,
  readPredicate,
  readProvenance,
  readSeverity,
  sourceRefsOf,
  splitAttestations,
  type Finding,
} from '#attestation'
import { parseJson, type Json, type JsonObject } from '#document'
import { at, inputs, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const attestation = (op: string) => (): readonly Buffer[] => inputs(vectors('attestation', op))
const predicate =
  (op: string, ...path: readonly string[]) =>
  (): readonly Buffer[] =>
    at(vectors('predicates', op), 'in', ...path)
const json = (input: Buffer): Json => parseJson(input, { what: 'fuzz' })
const statements = (): readonly Buffer[] => [
  ...predicate('readPredicate', 'statement')(),
  ...attestation('readProvenance')(),
  ...attestation('readApproval')(),
]
/** Documents that are not inside a statement, taken out of those that are. */
const bodies = (part: string) => (): readonly Buffer[] =>
  vectors('predicates', 'readPredicate').flatMap((vector) => {
    const { predicateType, predicate: body } = (vector['in'] as JsonObject)[
      'statement'
    ] as JsonObject
    const isOne = typeof predicateType === 'string' && predicateType.includes(part)
    return isOne && body !== undefined ? [Buffer.from(JSON.stringify(body))] : []
  })

const leftPad = 'pkg:npm/left-pad@1.3.0'
const found = { severity: 'high', fixedIn: [], package: { purl: leftPad } } as const
const known: readonly Finding[] = [
  { ...found, id: 'CVE-2026-0001', aliases: ['GHSA-1'] },
  { ...found, id: 'CVE-1', aliases: [] },
]

function listAt(value: Json, key: string): readonly Json[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  const list = (value as JsonObject)[key]
  return Array.isArray(list) ? (list as readonly Json[]).slice(0, 20) : []
}

export const attestationTargets: readonly Target[] = [
  {
    name: 'attestation.parseStatement',
    covers: ['#attestation.parseStatement'],
    form: 'json',
    seeds: attestation('parseStatement'),
    run: (input) => {
      const again = encodeStatement(parseStatement(input))
      if (!Buffer.from(encodeStatement(parseStatement(again))).equals(Buffer.from(again)))
        throw new Error('a statement reads as something else once it is written')
    },
  },
  {
    name: 'attestation.parseEnvelope',
    covers: ['#attestation.parseEnvelope'],
    form: 'json',
    seeds: attestation('parseEnvelope'),
    run: (input) => parseEnvelope(encodeEnvelope(parseEnvelope(input))),
  },
  {
    name: 'attestation.parseBundle',
    covers: ['#attestation.parseBundle'],
    form: 'json',
    seeds: attestation('parseBundle'),
    run: (input) => parseBundle(encodeBundle(parseBundle(input))),
  },
  {
    name: 'attestation.parseAttestation',
    covers: ['#attestation.parseAttestation'],
    form: 'json',
    seeds: () => [...attestation('parseAttestation')(), ...attestation('parseBundle')()],
    run: (input) => parseAttestation(input),
  },
  {
    name: 'attestation.parseJwt',
    covers: ['#attestation.parseJwt', '#attestation.parseJws'],
    form: 'text',
    seeds: attestation('readJwt'),
    run: (input) => {
      parseJws(input)
      const jwt = parseJwt(input)
      jwtValidity(jwt)
      readProvenance(jwtStatement(jwt))
    },
  },
  {
    name: 'attestation.splitAttestations',
    covers: ['#attestation.splitAttestations'],
    form: 'text',
    seeds: () => [...attestation('splitAttestations')(), ...attestation('readJwt')()],
    run: (input) => splitAttestations(input),
  },
  {
    name: 'attestation.readPredicate',
    covers: ['#attestation.readPredicate'],
    form: 'json',
    seeds: statements,
    run: (input) => {
      const statement = parseStatement(input)
      formatOf(statement.predicateType)
      familyOf(statement.predicateType)
      statement.subject.forEach((one) => sourceRefsOf(one))
      readPredicate(statement)
    },
  },
  {
    name: 'attestation.readProvenance',
    covers: ['#attestation.readProvenance', '#attestation.readApproval'],
    form: 'json',
    seeds: () => [...attestation('readProvenance')(), ...attestation('checkOmissions')()],
    run: (input) => {
      const statement = parseStatement(input)
      if (!isProvenanceType(statement.predicateType)) return readApproval(statement)
      const provenance = readProvenance(statement)
      return [checkInputs(provenance), checkOmissions(provenance)]
    },
  },
  {
    name: 'attestation.parseCycloneDx',
    covers: ['#attestation.parseCycloneDx'],
    form: 'json',
    seeds: bodies('cyclonedx'),
    run: (input) => parseCycloneDx(input),
  },
  {
    name: 'attestation.parseSpdx',
    covers: ['#attestation.parseSpdx'],
    form: 'json',
    seeds: bodies('spdx'),
    run: (input) => parseSpdx(input),
  },
  {
    name: 'attestation.parseOpenVex',
    covers: ['#attestation.parseOpenVex'],
    form: 'json',
    seeds: bodies('openvex'),
    run: (input) => parseOpenVex(input),
  },
  {
    name: 'attestation.parseSimpleSigning',
    covers: ['#attestation.parseSimpleSigning'],
    form: 'json',
    seeds: predicate('parseSimpleSigning', 'text'),
    run: (input) => parseSimpleSigning(input),
  },
  {
    name: 'attestation.readOsv',
    covers: ['#attestation.readOsv'],
    form: 'json',
    seeds: predicate('osvAffects', 'advisory'),
    run: (input) => {
      const advisory = readOsv(json(input), 'fuzz')
      osvAffects(advisory, { ecosystem: 'npm', name: 'left-pad', version: '1.3.0' })
      osvAffects(advisory, { ecosystem: 'Debian:12', name: 'openssl', version: '1:3.0.2~rc1-1' })
    },
  },
  {
    name: 'attestation.applyVex',
    covers: [],
    form: 'json',
    seeds: predicate('applyVex'),
    run: (input) => {
      const predicates = listAt(json(input), 'statements').map((one) =>
        readPredicate(parseStatement(Buffer.from(JSON.stringify(one)))),
      )
      const vexes = predicates.flatMap((one) => (one.kind === 'vex' ? [one.vex] : []))
      const scans = predicates.flatMap((one) => (one.kind === 'scan' ? [one.scan] : []))
      const findings = [...scans.flatMap((scan) => scan.findings), ...known]
      applyVex(findings, vexes, { digests: { sha256: 'ab'.repeat(32) }, purls: [leftPad] })
    },
  },
  {
    name: 'attestation.readSeverity',
    covers: ['#attestation.readSeverity'],
    form: 'text',
    seeds: () => [...predicate('readSeverity', 'text')(), ...predicate('cvssScore', 'text')()],
    run: (input) => {
      readSeverity(input.toString())
      const score = cvssScore(input.toString())
      if (score !== undefined && !(score >= 0 && score <= 10)) throw new Error(`score ${score}`)
    },
  },
]
