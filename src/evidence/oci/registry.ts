import { sha256Hex } from '#document'
import type { ByteCache } from '../cache.ts'
import type { HttpAnswer, HttpClient } from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { expectOk, isAbsent, openAsk, type Ask } from './ask.ts'
import type { Credentials } from './credentials.ts'
import { manifestTypes, readManifest, type Descriptor, type FetchedManifest } from './manifest.ts'
import { listReferrers, type Referrers } from './referrers.ts'
import type { Reference } from './reference.ts'

export interface RepositoryOptions {
  readonly http: HttpClient
  readonly credentials: Credentials
  readonly cache?: ByteCache
  readonly signal: AbortSignal
}

/** One repository of a registry. Undefined means that the registry says it has no such thing; a failure throws. */
export interface Repository {
  /** `host/repository`, as people write it. */
  readonly name: string
  /** By tag, or by the hex of its sha256: then nothing else is taken for it. */
  manifest(tagOrDigest: string): Promise<FetchedManifest | undefined>
  /** The content of a descriptor, compared with its digest. */
  blob(descriptor: Descriptor): Promise<Uint8Array | undefined>
  /** What names the manifest as its subject; undefined when the registry has no such API. */
  referrers(sha256: string, artifactType?: string): Promise<Referrers | undefined>
}

const maxManifestBytes = 4 * 1024 * 1024

/** Opens a repository. Every answer is bounded, and is believed only when its digest is the one asked for. */
export function openRepository(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  options: RepositoryOptions,
): Repository {
  const base = baseOf({ registry, repository }, options.http)
  const ask = openAsk(base, registry, repository, options)
  return {
    name: `${registry}/${repository}`,
    manifest: (tagOrDigest) => fetchManifest(tagOrDigest, ask, options.cache),
    blob: (descriptor) => fetchBlob(descriptor, ask, options.cache),
    referrers: (sha256, artifactType) => listReferrers(sha256, artifactType, ask),
  }
}

/** The address below which a registry has a repository. */
export function baseOf(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  http: Pick<HttpClient, 'schemeOf'>,
): string {
  // Docker's hub answers at another name than the one people write.
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return `${http.schemeOf(host)}//${host}/v2/${repository}`
}

async function fetchManifest(
  tagOrDigest: string,
  ask: Ask,
  cache: ByteCache | undefined,
): Promise<FetchedManifest | undefined> {
  const isDigest = /^[0-9a-f]{64}$/.test(tagOrDigest)
  const reference = isDigest ? `sha256:${tagOrDigest}` : tagOrDigest
  const what = `manifest ${reference}`
  const cached = isDigest ? fromCache(tagOrDigest, cache) : undefined
  if (cached !== undefined) return manifestOf(tagOrDigest, cached)
  const request = { what, accept: manifestTypes.join(', '), maxBytes: maxManifestBytes }
  const answer = await ask(`/manifests/${reference}`, request)
  if (isAbsent(answer)) return undefined
  expectOk(answer, what)
  const digest = sha256Hex(answer.body)
  const said = answer.headers['docker-content-digest']
  const stated = typeof said === 'string' && said.startsWith('sha256:') ? said.slice(7) : digest
  const wanted = isDigest ? tagOrDigest : stated
  if (digest !== wanted) throw otherDigest(answer, what, wanted, digest)
  cache?.put(answer.body)
  return manifestOf(digest, answer.body)
}

async function fetchBlob(
  { digest, size }: Descriptor,
  ask: Ask,
  cache: ByteCache | undefined,
): Promise<Uint8Array | undefined> {
  const cached = fromCache(digest, cache)
  if (cached !== undefined) return cached
  const what = `blob sha256:${digest}`
  const answer = await ask(`/blobs/sha256:${digest}`, { what, accept: '*/*', maxBytes: size })
  if (isAbsent(answer)) return undefined
  expectOk(answer, what)
  const found = sha256Hex(answer.body)
  if (found !== digest) throw otherDigest(answer, what, digest, found)
  cache?.put(answer.body)
  return answer.body
}

function fromCache(digest: string, cache: ByteCache | undefined): Uint8Array | undefined {
  const bytes = cache?.get(digest)
  return bytes !== undefined && sha256Hex(bytes) === digest ? bytes : undefined
}

function manifestOf(digest: string, bytes: Uint8Array): FetchedManifest {
  const manifest = readManifest(bytes)
  return manifest === undefined ? { digest, bytes } : { digest, bytes, manifest }
}

function otherDigest({ url }: HttpAnswer, what: string, wanted: string, found: string): Error {
  return unavailable(
    url.host,
    `${what} with the digest sha256:${wanted}`,
    `bytes with sha256:${found}`,
  )
}
