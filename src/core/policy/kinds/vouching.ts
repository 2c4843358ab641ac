import {
  formatOf,
  isProvenanceType,
  predicateTypes,
  type PredicateKind,
  type Release,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import type { EvidenceKind } from '../rule.ts'
import { shellName } from '../shell-name.ts'
import { approvalKind } from './approval.ts'
import { readOnce } from './predicate-kinds.ts'
import { provenanceKind } from './provenance.ts'

/** A statement taken for the fact that it was made, and under which names it was made. */
export interface Vouching {
  /** What the signer calls the artifact; empty when it calls it nothing that means anything. */
  readonly names: readonly string[]
  /** Of a release: what was published, and as which files. */
  readonly release?: Release & { readonly files: readonly string[] }
  /** Of a signature of an image: the name under which it is meant to be found. */
  readonly reference?: string
}

/** Statements that cannot say no: that they were made is what they say. Others have a rule of their own, which reads them. */
const vouching: Partial<Record<PredicateKind, string>> = {
  provenance: 'provenance',
  approval: 'approval',
  release: 'release',
  signature: 'signature of the image',
  link: 'link',
  scai: 'attribute report',
  reference: 'reference',
}

/** Whether a statement of this type, made by somebody who is believed, means yes. */
export function isVouchingType(type: string): boolean {
  return nameOf(type) !== undefined
}

function nameOf(type: string): string | undefined {
  const kind = formatOf(type)?.kind
  return kind === undefined ? undefined : vouching[kind]
}

/** Statements of exactly these types. They must be well-formed all the same. */
export function vouchingKind(types: readonly string[]): EvidenceKind<Vouching> {
  const names = [...new Set(types.flatMap((type) => nameOf(type) ?? []))]
  const [first = ''] = names
  const known = [provenanceKind, approvalKind].find(({ name }) => names.includes(name))
  return {
    name: names.length <= 2 ? names.join(' or ') : `${first} or another of ${names.length} kinds`,
    missing: known?.missing ?? 'STATEMENT_MISSING',
    predicateTypes: new Set(types),
    read: readVouching,
    obtain: (request, by) => known?.obtain(request, by) ?? obtain(names, request.artifact.name, by),
  }
}

function readVouching(statement: Statement, subjects: readonly ResourceDescriptor[]): Vouching {
  const { predicateType } = statement
  if (isProvenanceType(predicateType)) {
    return { names: provenanceKind.read(statement, subjects)?.names ?? [] }
  }
  const predicate = readOnce(statement)
  if (predicate.kind === 'release') return ofRelease(predicate.release, subjects)
  if (predicate.kind !== 'signature') {
    return { names: subjects.flatMap(({ uri, name }) => [uri ?? [], name ?? []].flat()) }
  }
  const { reference } = predicate
  return reference === undefined ? { names: [] } : { names: namesOf(reference), reference }
}

function ofRelease(release: Release, subjects: readonly ResourceDescriptor[]): Vouching {
  const { purl } = release
  const files = subjects.flatMap(({ name = [] }) => name)
  return { names: purl === undefined ? files : [purl], release: { ...release, files } }
}

/** The repository that a reference means, with the host and as a package URL of its last part. */
function namesOf(reference: string): readonly string[] {
  const repository = reference.replace(/@.*$/s, '').replace(/:[^/]*$/s, '')
  const last = repository.slice(repository.lastIndexOf('/') + 1).toLowerCase()
  return repository === '' ? [] : [repository, `pkg:oci/${last}`]
}

function obtain(names: readonly string[], artifact: string, by: readonly string[]): string {
  const who = by.join(' or ')
  if (names.includes('signature of the image')) {
    return `Have ${who} sign the image by its digest (\`cosign sign\`), and look for evidence in its registry`
  }
  return `Have ${who} sign a ${names.join(' or ')} of it, and put that beside ${shellName(artifact)} or pass it with --bundle`
}

/** What `signed` takes for a signature where a policy does not say. */
export const defaultVouching: readonly string[] = [...provenanceKind.predicateTypes]

/** Types of images' signatures, for policies and trust files. */
export const imageSignatureTypes: readonly string[] = [
  predicateTypes.simpleSigning,
  'https://sigstore.dev/cosign/sign/v1',
]

const inToto = 'https://in-toto.io/attestation'

/** What has no rule of its own, as a trust file names it: one kind for each. */
export const vouchingKinds: readonly EvidenceKind<Vouching>[] = [
  [
    `${inToto}/release/v0.1`,
    `${inToto}/release/v0.2`,
    'https://github.com/npm/attestation/tree/main/specs/publish/v0.1',
    'https://docs.pypi.org/attestations/publish/v1',
  ],
  imageSignatureTypes,
  [`${inToto}/link/v0.3`, 'https://in-toto.io/Link/v1'],
  [`${inToto}/scai/v0.3`, `${inToto}/scai/attribute-report/v0.2`],
  [`${inToto}/reference/v0.1`],
].map((types) => ({
  ...vouchingKind(types),
  isOf: (type) => formatOf(type)?.kind === formatOf(types[0] ?? '')?.kind,
}))
