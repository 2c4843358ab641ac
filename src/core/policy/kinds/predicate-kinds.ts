import {
  formatOf,
  isProvenanceType,
  predicateTypes,
  readPredicate,
  sourceRefsOf,
  type Predicate,
  type PredicateKind,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import type { ProblemCode } from '#error'
import type { EvidenceKind } from '../rule.ts'
import { whereToPut } from '../where-to-put.ts'

interface Parts<T> {
  readonly name: string
  readonly missing: ProblemCode
  readonly formats: readonly PredicateKind[]
  /** The types that a trust file would name. */
  readonly types: readonly string[]
  readonly pick: (predicate: Predicate, subjects: readonly ResourceDescriptor[]) => T | undefined
  readonly obtain: string
}

/** Statements are frozen and shared between decisions, and reading one again would give the same. */
const known = new WeakMap<Statement, Predicate>()

export function readOnce(statement: Statement): Predicate {
  const predicate = known.get(statement) ?? readPredicate(statement)
  known.set(statement, predicate)
  return predicate
}

function kindOf<T>({ name, missing, formats, types, pick, obtain }: Parts<T>): EvidenceKind<T> {
  return {
    name,
    missing,
    predicateTypes: new Set(types),
    isOf: (type) => {
      const kind = isProvenanceType(type) ? undefined : formatOf(type)?.kind
      return kind !== undefined && formats.includes(kind)
    },
    read: (statement, subjects) => pick(readOnce(statement), subjects),
    obtain: ({ artifact }, by) =>
      `Have ${by.join(' or ')} ${obtain}, and ${whereToPut('what it signs', artifact.name)}`,
  }
}

const inToto = 'https://in-toto.io/attestation'
const cycloneDx = [
  'https://cyclonedx.org/bom',
  ...['1.2', '1.3', '1.4', '1.5', '1.6', '1.7'].map(
    (version) => `https://cyclonedx.org/bom/v${version}`,
  ),
]
const spdx = [
  'https://spdx.dev/Document',
  ...['2.2', '2.3', '3', '3.0'].map((version) => `https://spdx.dev/Document/v${version}`),
]

/** The kinds that `#attestation` reads into facts. All of these are the signer's claims. */
export const predicateKinds = {
  review: kindOf({
    name: 'review',
    missing: 'REVIEW_MISSING',
    formats: ['review'],
    types: [predicateTypes.review],
    pick: (predicate) => (predicate.kind === 'review' ? predicate.review : undefined),
    obtain: 'review the commit',
  }),
  sourceProvenance: kindOf({
    name: 'source provenance',
    missing: 'REVIEW_MISSING',
    formats: ['source-provenance'],
    types: [
      'https://github.com/slsa-framework/slsa-source-poc/source-provenance/v1-draft',
      'https://github.com/slsa-framework/source-tool/source-provenance/v1',
    ],
    pick: (predicate) =>
      predicate.kind === 'source-provenance' ? predicate.sourceProvenance : undefined,
    obtain: 'record how the commit came to its branch',
  }),
  vsa: kindOf({
    name: 'verification summary',
    missing: 'SUMMARY_MISSING',
    formats: ['vsa'],
    // Step 3 of the specification: exactly this type.
    types: [predicateTypes.vsa],
    pick: (predicate, subjects) =>
      predicate.kind === 'vsa' && predicate.vsa.version === 'v1'
        ? { ...predicate.vsa, sourceRefs: subjects.flatMap((subject) => sourceRefsOf(subject)) }
        : undefined,
    obtain: 'verify it',
  }),
  svr: kindOf({
    name: 'verification result',
    missing: 'SUMMARY_MISSING',
    formats: ['svr'],
    types: [predicateTypes.svr, `${inToto}/svr/v0.1`],
    pick: (predicate) => (predicate.kind === 'svr' ? predicate.svr : undefined),
    obtain: 'verify it',
  }),
  testResult: kindOf({
    name: 'test result',
    missing: 'TEST_MISSING',
    formats: ['test-result'],
    types: [`${inToto}/test-result/v0.1`],
    pick: (predicate) => (predicate.kind === 'test-result' ? predicate.testResult : undefined),
    obtain: 'run the tests',
  }),
  scan: kindOf({
    name: 'vulnerability scan',
    missing: 'SCAN_MISSING',
    formats: ['scan'],
    types: [
      `${inToto}/vulns/v0.2`,
      `${inToto}/vulns/v0.1`,
      'https://cosign.sigstore.dev/attestation/vuln/v1',
      'https://ossf.github.io/osv-schema/results@v1',
    ],
    pick: (predicate) => (predicate.kind === 'scan' ? predicate.scan : undefined),
    obtain: 'scan the artifact',
  }),
  vex: kindOf({
    name: 'VEX document',
    missing: 'VEX_MISSING',
    formats: ['vex', 'cyclonedx'],
    types: [
      'https://openvex.dev/ns',
      'https://openvex.dev/ns/v0.2.0',
      ...cycloneDx,
      'https://cyclonedx.org/vex',
    ],
    pick: (predicate) =>
      predicate.kind === 'vex' || predicate.kind === 'sbom' ? predicate.vex : undefined,
    obtain: 'say which vulnerabilities do not affect it',
  }),
  sbom: kindOf({
    name: 'SBOM',
    missing: 'SBOM_MISSING',
    formats: ['spdx', 'cyclonedx'],
    types: [...spdx, ...cycloneDx],
    pick: (predicate) => (predicate.kind === 'sbom' ? predicate.sbom : undefined),
    obtain: 'write down what is inside',
  }),
} as const
