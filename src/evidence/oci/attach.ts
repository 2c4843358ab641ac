import { parseJson, sha256Hex, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'
import { openAsk, type Ask } from './ask.ts'
import { withRepository, type RegistryOptions } from './find.ts'
import type { FetchedManifest } from './manifest.ts'
import { formatReference } from './reference.ts'
import { maxReferrers } from './referrers.ts'
import { baseOf, type Repository } from './registry.ts'

/** One attestation, as it is to lie in a registry. */
export interface AttachedEvidence {
  readonly bytes: Uint8Array
  /** Media type of the layer, and of the manifest that refers to the artifact. */
  readonly mediaType: string
  readonly annotations: Readonly<Record<string, string>>
}

/** What a registry has now. */
export interface Attached {
  /** Lower-case hex sha256 of the manifest that refers to the artifact. */
  readonly manifest: string
  /** By the referrers API, or by the tag that stands for it where the registry has none. */
  readonly by: 'referrers' | 'tag'
}

const imageType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const emptyType = 'application/vnd.oci.empty.v1+json'
const empty = Buffer.from('{}')
const maxAnswer = 64 * 1024
const attempts = 4

/**
 * Attaches attestations to an artifact in its registry: each as a manifest that names the artifact as its subject (OCI
 * distribution-spec v1.1, "Pushing manifests with subject"). Doing it again changes nothing.
 *
 * @throws SallyportError EVIDENCE_REFERENCE, EVIDENCE_REGISTRY_NOT_ALLOWED, EVIDENCE_ARTIFACT_MISSING,
 *   EVIDENCE_NOT_ATTACHED when the registry refuses, EVIDENCE_SOURCE_UNAVAILABLE
 */
export function attachToRegistry(
  text: string,
  evidence: readonly AttachedEvidence[],
  options: RegistryOptions,
): Promise<readonly Attached[]> {
  return withRepository(text, options, async (reference, repository, connection) => {
    const { registry, repository: name, digest } = reference
    if (digest === undefined) throw new TypeError('attaching takes a digest')
    const subject = await repository.manifest(digest)
    if (subject?.manifest === undefined) throw missing(formatReference(reference), repository)
    const base = baseOf(reference, connection.http)
    const ask = openAsk(base, registry, name, { ...connection, actions: 'pull,push' })
    const attached: Attached[] = []
    for (const one of evidence) attached.push(await attach(one, subject, { repository, ask }))
    return attached
  })
}

interface Target {
  readonly repository: Repository
  readonly ask: Ask
}

async function attach(
  { bytes, mediaType, annotations }: AttachedEvidence,
  subject: FetchedManifest,
  target: Target,
): Promise<Attached> {
  await pushBlob(empty, target)
  await pushBlob(bytes, target)
  const manifest = encode({
    schemaVersion: 2,
    mediaType: imageType,
    artifactType: mediaType,
    config: { mediaType: emptyType, digest: digestOf(empty), size: empty.length },
    layers: [{ mediaType, digest: digestOf(bytes), size: bytes.length }],
    subject: {
      mediaType: mediaTypeOf(subject),
      digest: `sha256:${subject.digest}`,
      size: subject.bytes.length,
    },
    annotations,
  })
  const answer = await pushManifest(digestOf(manifest), manifest, imageType, target)
  const by = answer.headers['oci-subject'] === `sha256:${subject.digest}` ? 'referrers' : 'tag'
  if (by === 'tag') {
    const size = manifest.length
    const own = { mediaType: imageType, digest: digestOf(manifest), size, artifactType: mediaType }
    await addToTag(`sha256-${subject.digest}`, { ...own, annotations }, target)
  }
  return { manifest: sha256Hex(manifest), by }
}

/**
 * Adds to the index that stands for the referrers API (OCI distribution-spec v1.1, "Referrers Tag Schema"). Two who add at
 * the same time may overwrite each other: it is read again until it lists what was added.
 */
async function addToTag(tag: string, own: JsonObject, target: Target): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const manifests = await listed(tag, target)
    if (manifests.some(({ digest }) => digest === own['digest'])) return
    if (manifests.length >= maxReferrers) {
      throw refused(target, `at most ${maxReferrers} referrers of one artifact`, 'as many already')
    }
    const index = { schemaVersion: 2, mediaType: indexType, manifests: [...manifests, own] }
    await pushManifest(tag, encode(index), indexType, target)
  }
  const manifests = await listed(tag, target)
  if (manifests.some(({ digest }) => digest === own['digest'])) return
  throw refused(
    target,
    `the tag ${tag} to list what was added`,
    'that others overwrote it each time',
  )
}

async function listed(tag: string, { repository, ask }: Target): Promise<readonly JsonObject[]> {
  const fetched = await repository.manifest(tag)
  if (fetched === undefined) return []
  if (fetched.manifest?.kind !== 'index') {
    throw refused({ repository, ask }, `an image index under the tag ${tag}`, 'something else')
  }
  // As it was written, with what is not known here: nothing of others is lost.
  const { manifests } = parseJson(fetched.bytes, { what: 'index' }) as { manifests: JsonObject[] }
  return manifests
}

async function pushBlob(bytes: Uint8Array, { ask, repository }: Target): Promise<void> {
  const what = 'leave to push a blob'
  const common = { what, accept: '*/*', maxBytes: maxAnswer }
  const opened = await ask('/blobs/uploads/', {
    ...common,
    content: { method: 'POST', type: 'application/octet-stream', bytes: new Uint8Array() },
  })
  const location = URL.parse(opened.headers.location ?? '', opened.url.href)
  if (opened.status !== 202 || location === null) {
    throw refused({ ask, repository }, `${what} (status 202)`, `status ${opened.status}`)
  }
  location.searchParams.set('digest', digestOf(bytes))
  const ended = await ask(location.href, {
    ...common,
    content: { method: 'PUT', type: 'application/octet-stream', bytes },
  })
  if (ended.status !== 201) {
    throw refused(
      { ask, repository },
      'a pushed blob to be taken (status 201)',
      `status ${ended.status}`,
    )
  }
}

async function pushManifest(reference: string, bytes: Uint8Array, type: string, target: Target) {
  const answer = await target.ask(`/manifests/${reference}`, {
    what: 'leave to push a manifest',
    accept: '*/*',
    maxBytes: maxAnswer,
    content: { method: 'PUT', type, bytes },
  })
  if (answer.status === 201) return answer
  throw refused(target, 'a pushed manifest to be taken (status 201)', `status ${answer.status}`)
}

/** What the manifest calls itself; old ones do not. */
function mediaTypeOf({ bytes, manifest }: FetchedManifest): string {
  const json = parseJson(bytes, { what: 'manifest' }) as JsonObject
  const said = json['mediaType']
  if (typeof said === 'string' && said.length < 256) return said
  return manifest?.kind === 'index' ? indexType : imageType
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${sha256Hex(bytes)}`
}

function encode(json: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(json))
}

function refused({ repository }: Target, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_NOT_ATTACHED',
    where: repository.name,
    expected,
    found,
    fix: `Log in to the registry with leave to push to ${quote(repository.name, 200)} (docker login), and try again`,
  })
}

function missing(where: string, { name }: Repository): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_ARTIFACT_MISSING',
    where,
    expected: `the artifact in ${name}`,
    found: 'no such manifest, or no leave to see it',
    fix: 'Push the artifact first, correct the digest, or log in to the registry with docker login',
  })
}
