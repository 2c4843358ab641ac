// What the command line points at: artifacts by their digests, attestations by their bytes.
import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cosignBundle, isCosignKeyless, splitAttestations, type DigestSet } from '#attestation'
import type { Evidence, EvidenceItem } from '#decision'
import { sha256Hex } from '#document'
import { npmPackage, type Asked } from './options.ts'
import { Refusal } from './refusal.ts'

export interface Artifact {
  readonly name: string
  readonly digest: DigestSet
}

export function readArtifacts(asked: Asked): readonly Artifact[] {
  const { command, artifacts } = asked
  if (command === 'verify-vsa') return asked.vsa.subjects.map(subjectOf)
  if (artifacts.length === 0) throw new Refusal('ErrorInvalidFormat', 'no artifact')
  if (command === 'verify-image') return artifacts.map(imageOf)
  return artifacts.map(fileOf).map((artifact) => ({ ...artifact, ...packageOf(asked) }))
}

/** As a package that was asked for by its name and version, an artifact has to be released as such. */
function packageOf({ packageName, packageVersion }: Asked): Partial<Artifact> {
  if (packageName === undefined) return {}
  const version = packageVersion === undefined ? '' : `@${encodeURIComponent(packageVersion)}`
  return { name: `${npmPackage(packageName)}${version}` }
}

function fileOf(name: string): Artifact {
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(name) ?? []
  if (sha256 !== undefined) return { name: 'artifact', digest: { sha256 } }
  const bytes = readFileSync(name)
  const digest = { sha256: hash('sha256', bytes, 'hex'), sha512: hash('sha512', bytes, 'hex') }
  return { name: basename(name), digest }
}

/** What a platform names once and for all is as good as a digest, where the policy says so. */
function subjectOf(subject: string): Artifact {
  const [, name, value] = /^([a-zA-Z0-9_]+):(\S+)$/.exec(subject) ?? []
  if (name === undefined || value === undefined) {
    throw new Refusal('ErrorMissingSubjectDigest', `${subject} is no digest`)
  }
  return { name: subject, digest: { [name]: value } }
}

/** Only a digest says which image is meant; a tag may mean another one tomorrow. */
function imageOf(name: string): Artifact {
  const [, sha256] = /@sha256:([0-9a-f]{64})$/.exec(name) ?? []
  if (sha256 === undefined) throw new Refusal('ErrorMutableImage', `${name} has no digest`)
  return { name, digest: { sha256 } }
}

export function readEvidence(asked: Asked): Evidence {
  const { attestations, ociLayout } = asked
  if (attestations !== undefined) {
    const bytes = Uint8Array.from(readFileSync(attestations))
    const parts =
      asked.command === 'verify-npm-package' ? npmParts(bytes) : splitAttestations(bytes)
    return evidenceOf(parts, attestations)
  }
  if (ociLayout === undefined) throw new Refusal('ErrorRekorSearch', 'nothing is asked online')
  return evidenceOf(layoutParts(ociLayout), ociLayout)
}

function evidenceOf(parts: readonly Uint8Array[], source: string): Evidence {
  const items = parts.map((bytes): EvidenceItem => ({ digest: sha256Hex(bytes), source, bytes }))
  return { items, sources: [{ name: source, outcome: items.length === 0 ? 'absent' : 'found' }] }
}

interface NpmAttestation {
  readonly bundle?: unknown
}

/** `{attestations: [{predicateType, bundle}]}`, as the npm registry answers, or the list alone. */
function npmParts(bytes: Uint8Array): readonly Uint8Array[] {
  const answer = json(bytes) as
    { readonly attestations?: readonly NpmAttestation[] } | readonly NpmAttestation[]
  const list = 'attestations' in answer ? answer.attestations : answer
  if (!Array.isArray(list)) throw new Refusal('ErrorInvalidFormat', 'no list of attestations')
  return (list as readonly NpmAttestation[]).map(({ bundle }) =>
    Uint8Array.from(Buffer.from(JSON.stringify(bundle ?? null))),
  )
}

interface Descriptor {
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** The attestations that cosign has saved beside an image. */
function layoutParts(folder: string): readonly Uint8Array[] {
  const { manifests } = json(readFileSync(join(folder, 'index.json'))) as {
    manifests: readonly Descriptor[]
  }
  return manifests
    .filter(({ annotations }) => annotations?.['kind'] === 'dev.cosignproject.cosign/atts')
    .flatMap(({ digest }) => {
      const { layers } = json(blob(folder, digest)) as { layers: readonly Descriptor[] }
      return layers.map((layer) => partOf(blob(folder, layer.digest), layer.annotations ?? {}))
    })
}

function partOf(bytes: Uint8Array, annotations: Readonly<Record<string, string>>): Uint8Array {
  return isCosignKeyless(annotations) ? cosignBundle(bytes, annotations) : bytes
}

function blob(folder: string, digest: string): Uint8Array {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? []
  const path = join(folder, 'blobs/sha256', hex ?? '')
  if (hex === undefined || !existsSync(path)) {
    throw new Refusal('ErrorInvalidFormat', `no blob ${digest}`)
  }
  const bytes = Uint8Array.from(readFileSync(path))
  if (sha256Hex(bytes) === hex) return bytes
  throw new Refusal('ErrorInvalidFormat', `the blob ${digest} has another digest`)
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString())
}
