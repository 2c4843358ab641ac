import type { Evidence, EvidenceItem, EvidenceSource } from '#decision'
import { quote, SallyportError } from '#error'
import type { ByteCache } from '../cache.ts'
import { Collection } from '../collection.ts'
import { openDeadline } from '../deadline.ts'
import { openHttp, type HttpClient, type HttpOptions } from '../http/client.ts'
import { anonymous, type Credentials } from './credentials.ts'
import type { FetchedManifest } from './manifest.ts'
import { Place, type AttachedDocument, type Basket } from './place.ts'
import { formatReference, parseReference, type Reference } from './reference.ts'
import { takeReferrers } from './referring.ts'
import { openRepository, type Repository } from './registry.ts'
import { findRelated, type RelatedManifest } from './related.ts'
import { unavailable } from '../unavailable.ts'

export interface RegistryOptions {
  /**
   * The registries (`host` or `host:port`) that may be asked. A reference comes from whoever wants to deploy: it may
   * choose among these, and can make nobody speak to another host.
   */
  readonly registries: readonly string[]
  readonly credentials?: Credentials
  /** How to speak to them; an open client may be passed on, and then belongs to the caller. */
  readonly http?: HttpOptions | HttpClient
  readonly cache?: ByteCache
  /** For everything together; default 30 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** What a reference means: from here on the digest is the artifact. */
export interface ResolvedArtifact {
  /** `host/repository@sha256:…`, with the tag when one was given. */
  readonly name: string
  /** Lower-case hex sha256 of the manifest. */
  readonly digest: string
}

/** Evidence from a registry, about an artifact and what it belongs to. */
export interface RegistryEvidence extends Evidence {
  readonly artifact: ResolvedArtifact
  /** Platform images of the index that the artifact is, and indexes that list it; each with the bytes that say so. */
  readonly related: readonly RelatedManifest[]
  /** Simple Signing signatures: one JSON document each, {mediaType, payload, annotations}. */
  readonly signatures: readonly EvidenceItem[]
  /** What is attached unsigned; it counts for nothing unless a signed statement names its digest. */
  readonly documents: readonly AttachedDocument[]
}

const tagSuffixes = ['.att', '.sig', '.sbom'] as const
const defaultTimeoutMs = 30_000

/**
 * Says which artifact a reference means. A tag is asked for once.
 *
 * @throws SallyportError EVIDENCE_REFERENCE, EVIDENCE_REGISTRY_NOT_ALLOWED, EVIDENCE_ARTIFACT_MISSING when the registry
 *   has no such tag, or EVIDENCE_SOURCE_UNAVAILABLE
 */
export function resolveInRegistry(
  reference: string,
  options: RegistryOptions,
): Promise<ResolvedArtifact> {
  return withRepository(reference, options, async (parsed, repository) => {
    const { digest } = await resolve(parsed, repository)
    return artifactOf(parsed, digest)
  })
}

/**
 * Finds the evidence about an artifact in its registry: the referrers API or the tags that stand for it, and cosign's
 * tags; for the artifact, and for the index or the platform images that it belongs to. Each place is a source.
 *
 * With a digest in the reference this fails only for mistakes of the caller: what cannot be reached is `unavailable`.
 *
 * @throws SallyportError as `resolveInRegistry`, where a tag must be resolved
 */
export function findInRegistry(
  reference: string,
  options: RegistryOptions,
): Promise<RegistryEvidence> {
  return withRepository(reference, options, async (parsed, repository) => {
    const basket: Basket = {
      repository,
      collection: new Collection(),
      signatures: new Map(),
      documents: new Map(),
      others: { bytes: 0 },
    }
    const known = parsed.digest === undefined ? await resolve(parsed, repository) : undefined
    const digest = parsed.digest ?? known?.digest ?? ''
    const itself = new Place(`${repository.name}@sha256:${digest}`, basket)
    const [related, rows] = await Promise.all([
      findRelated({ digest, known: known?.manifest, tag: parsed.tag }, itself),
      lookAt(digest, basket),
    ])
    const others = await Promise.all(related.map((one) => lookAt(one.digest, basket)))
    return {
      artifact: artifactOf(parsed, digest),
      related,
      items: basket.collection.items,
      signatures: [...basket.signatures.values()],
      documents: [...basket.documents.values()],
      sources: [...ownRow(itself), ...rows, ...others.flat()],
    }
  })
}

/** What it takes to ask a registry, for as long as `withRepository` lasts. */
export interface Connection {
  readonly http: HttpClient
  readonly credentials: Credentials
  readonly signal: AbortSignal
}

/** Opens the repository of a reference, in a registry that is allowed, for as long as something is done with it. */
export async function withRepository<T>(
  text: string,
  options: RegistryOptions,
  work: (reference: Reference, repository: Repository, connection: Connection) => Promise<T>,
): Promise<T> {
  const { registries, credentials = anonymous, cache, timeoutMs = defaultTimeoutMs } = options
  const reference = parseReference(text)
  if (!registries.includes(reference.registry)) throw notAllowed(reference, registries)
  const { http: given } = options
  const passed = given !== undefined && 'send' in given ? given : undefined
  const http = passed ?? openHttp(given as HttpOptions | undefined)
  using deadline = openDeadline(timeoutMs, options.signal)
  try {
    const connection = { http, credentials, signal: deadline.signal }
    const repository = openRepository(reference, {
      ...connection,
      ...(cache === undefined ? {} : { cache }),
    })
    return await work(reference, repository, connection)
  } finally {
    if (passed === undefined) http.close()
  }
}

interface Resolved {
  readonly digest: string
  readonly manifest?: FetchedManifest
}

async function resolve(reference: Reference, repository: Repository): Promise<Resolved> {
  const { digest, tag = '' } = reference
  if (digest !== undefined) return { digest }
  const manifest = await repository.manifest(tag)
  // No digest says what it should be: a page of a proxy has one, too, and is nothing that could run.
  if (manifest !== undefined && manifest.manifest === undefined) {
    throw unavailable(
      reference.registry,
      `a manifest under the tag ${quote(tag)}`,
      'something else',
    )
  }
  if (manifest !== undefined) return { digest: manifest.digest, manifest }
  throw new SallyportError({
    code: 'EVIDENCE_ARTIFACT_MISSING',
    where: formatReference(reference),
    expected: `the tag ${quote(tag)} in ${repository.name}`,
    found: 'no such tag, or no leave to see it',
    fix: 'Push the artifact, correct the tag, or log in to the registry with docker login',
  })
}

function artifactOf(reference: Reference, digest: string): ResolvedArtifact {
  return { name: formatReference({ ...reference, digest }), digest }
}

/** Looks at every place where evidence about one digest may lie, at the same time. */
function lookAt(digest: string, basket: Basket): Promise<readonly EvidenceSource[]> {
  const { name } = basket.repository
  const looks = [
    look(`${name}@sha256:${digest} (referrers)`, basket, (place) => takeReferrers(digest, place)),
    ...tagSuffixes.map((suffix) => {
      const tag = `sha256-${digest}${suffix}`
      return look(`${name}:${tag}`, basket, async (place) => {
        const manifest = await basket.repository.manifest(tag)
        if (manifest !== undefined) await place.takeManifest(manifest, `${name}:${tag}`)
      })
    }),
  ]
  return Promise.all(looks)
}

async function look(
  name: string,
  basket: Basket,
  work: (place: Place) => Promise<void>,
): Promise<EvidenceSource> {
  const place = new Place(name, basket)
  await place.attempt(() => work(place))
  return place.row()
}

// The manifest itself is no evidence: it is a row only when it keeps something from being found.
function ownRow(place: Place): readonly EvidenceSource[] {
  const row = place.row()
  return row.outcome === 'absent' && row.detail === undefined ? [] : [row]
}

function notAllowed({ registry }: Reference, registries: readonly string[]): SallyportError {
  const shown = registries.slice(0, 8).map((one) => quote(one, 100))
  return new SallyportError({
    code: 'EVIDENCE_REGISTRY_NOT_ALLOWED',
    where: quote(registry, 200),
    expected: shown.length === 0 ? 'no registry at all' : `one of ${shown.join(', ')}`,
    found: quote(registry, 200),
    fix: `Push the artifact to a registry that is allowed, or allow ${quote(registry, 100)}`,
  })
}
