/** What a statement says, whatever the version of its format. */
export type PredicateKind =
  | 'provenance'
  | 'vsa'
  | 'svr'
  | 'test-result'
  | 'scan'
  | 'vex'
  | 'cyclonedx'
  | 'spdx'
  | 'source-provenance'
  | 'release'
  | 'link'
  | 'scai'
  | 'reference'
  | 'review'
  | 'approval'
  | 'breakglass'
  | 'signature'

/** A format that is known, in a version that is known. */
export interface Format {
  readonly kind: PredicateKind
  /** Which reader: the family of the predicate type, with the version where it matters. */
  readonly format: string
}

interface Family {
  readonly kind: PredicateKind
  readonly format: string
  /** Versions that are read: `1` stands for 1.x, `0.2` for 0.2.x. Empty text: a type without version. */
  readonly versions: readonly string[]
}

const inToto = 'https://in-toto.io/attestation'
const sallyport = 'https://sallyport.dev/attestation'
const sourceTools = [
  'https://github.com/slsa-framework/slsa-source-poc',
  'https://github.com/slsa-framework/source-tool',
]

/** By the predicate type without its version. Where one family has several forms, there are several entries. */
const families: readonly (readonly [string, Family])[] = [
  [
    'https://slsa.dev/provenance',
    { kind: 'provenance', format: 'slsa', versions: ['1', '0.2', '0.1'] },
  ],
  [`${sallyport}/jwt-provenance`, { kind: 'provenance', format: 'jwt', versions: ['1'] }],
  ['https://slsa.dev/verification_summary', { kind: 'vsa', format: 'vsa-v1', versions: ['1'] }],
  ['https://slsa.dev/verification_summary', { kind: 'vsa', format: 'vsa-v0.2', versions: ['0.2'] }],
  [`${inToto}/svr`, { kind: 'svr', format: 'svr-v0.1', versions: ['0.1'] }],
  [`${inToto}/svr`, { kind: 'svr', format: 'svr-v0.2', versions: ['0.2'] }],
  [`${inToto}/test-result`, { kind: 'test-result', format: 'test-result', versions: ['0.1'] }],
  [`${inToto}/vulns`, { kind: 'scan', format: 'vulns', versions: ['', '0.1', '0.2'] }],
  [
    'https://cosign.sigstore.dev/attestation/vuln',
    { kind: 'scan', format: 'cosign-vuln', versions: ['1'] },
  ],
  ['https://ossf.github.io/osv-schema/results', { kind: 'scan', format: 'osv', versions: ['1'] }],
  ['https://openvex.dev/ns', { kind: 'vex', format: 'openvex', versions: ['', '0.0', '0.2'] }],
  ['https://cyclonedx.org/bom', { kind: 'cyclonedx', format: 'cyclonedx', versions: ['', '1'] }],
  ['https://cyclonedx.org/schema', { kind: 'cyclonedx', format: 'cyclonedx', versions: ['', '1'] }],
  ['https://cyclonedx.org/vex', { kind: 'cyclonedx', format: 'cyclonedx', versions: ['', '1'] }],
  [
    'https://spdx.dev/Document',
    { kind: 'spdx', format: 'spdx', versions: ['', '2.2', '2.3', '3', '3.0'] },
  ],
  ...sourceTools.flatMap((tool): (readonly [string, Family])[] => [
    [
      `${tool}/source-provenance`,
      { kind: 'source-provenance', format: 'source', versions: ['1', '1-draft'] },
    ],
    [
      `${tool}/tag-provenance`,
      { kind: 'source-provenance', format: 'tag', versions: ['1', '1-draft'] },
    ],
  ]),
  [`${inToto}/release`, { kind: 'release', format: 'release', versions: ['', '0.1', '0.2'] }],
  [
    'https://github.com/npm/attestation/tree/main/specs/publish',
    { kind: 'release', format: 'npm', versions: ['0.1'] },
  ],
  [
    'https://docs.pypi.org/attestations/publish',
    { kind: 'release', format: 'pypi', versions: ['1'] },
  ],
  [`${inToto}/link`, { kind: 'link', format: 'link', versions: ['0.3'] }],
  ['https://in-toto.io/Link', { kind: 'link', format: 'link', versions: ['0.2', '1'] }],
  [`${inToto}/scai`, { kind: 'scai', format: 'scai', versions: ['0.2', '0.3'] }],
  [`${inToto}/scai/attribute-report`, { kind: 'scai', format: 'scai', versions: ['0.2', '0.3'] }],
  [`${inToto}/reference`, { kind: 'reference', format: 'reference', versions: ['0.1'] }],
  [`${sallyport}/review`, { kind: 'review', format: 'review', versions: ['1'] }],
  [`${sallyport}/approval`, { kind: 'approval', format: 'approval', versions: ['1'] }],
  [
    'https://sigstore.dev/cosign/sign',
    { kind: 'signature', format: 'cosign-sign', versions: ['1'] },
  ],
  [`${sallyport}/simple-signing`, { kind: 'signature', format: 'simple-signing', versions: ['1'] }],
  [`${sallyport}/breakglass`, { kind: 'breakglass', format: 'breakglass', versions: ['1'] }],
]

const byBase = Map.groupBy(families, ([base]) => base)

/** Formats whose specification demands the exact type; ours do too. */
const exact = new Set([
  'simple-signing',
  'slsa',
  'jwt',
  'vsa-v1',
  'vsa-v0.2',
  'review',
  'approval',
  'breakglass',
])

/** The format that a predicate type names; undefined when the family or its version is not known. */
export function formatOf(predicateType: string): Format | undefined {
  const { base, version } = splitType(predicateType)
  const found = byBase.get(base)?.find(([, family]) => isRead(family, version))
  if (found === undefined) return undefined
  const { kind, format } = found[1]
  const isOther = exact.has(format) && predicateType !== `${base}/v${version}`
  return isOther ? undefined : { kind, format }
}

/** The kinds that a family of types has, known version or not: to tell "another version" from "something else". */
export function familyOf(predicateType: string): PredicateKind | undefined {
  return byBase.get(splitType(predicateType).base)?.[0]?.[1].kind
}

/** `BASE/v1.2.3`, `BASE@v1`, `BASE/1.4`. */
function splitType(predicateType: string): { readonly base: string; readonly version: string } {
  const [, base = predicateType, version = ''] =
    /^(https:\/\/[^@]{1,200}?)[/@]v?(\d{1,4}(?:\.\d{1,4}){0,2}(?:-draft)?)$/.exec(predicateType) ??
    []
  return { base, version }
}

function isRead({ versions, format }: Family, version: string): boolean {
  if (versions.includes(version)) return true
  if (exact.has(format) || version === '') return false
  return versions.some((known) => known !== '' && version.startsWith(`${known}.`))
}
