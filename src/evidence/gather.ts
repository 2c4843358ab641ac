import type { DigestSet } from '#attestation'
import type { Evidence, EvidenceItem, EvidenceSource, RelatedIndex } from '#decision'
import { isSha256 } from '#document'
import { SallyportError } from '#error'
import { readAnnotation, type Annotation } from './annotation.ts'
import { findBesideFile } from './beside-file.ts'
import type { ByteCache } from './cache.ts'
import { openDeadline } from './deadline.ts'
import { findInDirectory } from './directory.ts'
import { findInHttpStore } from './http-store.ts'
import { openHttp, type HttpClient, type HttpOptions } from './http/client.ts'
import { findInNpmRegistry, type NpmPackage } from './npm-registry.ts'
import type { Credentials } from './oci/credentials.ts'
import { findInRegistry } from './oci/find.ts'
import { formatReference, parseReference } from './oci/reference.ts'
import type { AttachedDocument } from './oci/place.ts'
import { nameOfSource } from './source-name.ts'
import { mergeEvidence, nothingAt, type SourceOptions } from './source-options.ts'
import { detailOf } from './unavailable.ts'

/** A place where evidence may lie. */
export type Source =
  | { readonly kind: 'beside'; readonly artifact: string; readonly bundles?: readonly string[] }
  | {
      readonly kind: 'registry'
      /** Where the artifact lies; a tag in it leads to the index that lists the artifact, and never to another artifact. */
      readonly reference: string
    }
  | ({ readonly kind: 'npm' } & NpmPackage)
  | { readonly kind: 'directory'; readonly folder: string }
  | {
      readonly kind: 'http'
      readonly base: string
      /** Sent to that server only, and never told. */
      readonly authorization?: string
    }
  | ({ readonly kind: 'annotation' } & Annotation)

export interface GatherOptions {
  /** What evidence is looked for; sha256 is what places are asked about. */
  readonly artifact: { readonly digest: DigestSet }
  /** At most 32. */
  readonly sources: readonly Source[]
  /** Registries that a reference may choose; default none. */
  readonly registries?: readonly string[]
  readonly credentials?: Credentials
  /** How to speak to servers; an open client may be passed on, and then belongs to the caller. */
  readonly http?: HttpOptions | HttpClient
  readonly cache?: ByteCache
  /** For everything together; default 30 s. What has not answered by then is unavailable. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** All that was found in all sources. */
export interface Gathered extends Evidence {
  /** See `RegistryEvidence`. */
  readonly related: readonly RelatedIndex[]
  readonly signatures: readonly EvidenceItem[]
  readonly documents: readonly AttachedDocument[]
}

type Part = Evidence & Partial<Pick<Gathered, 'documents'>>

const maxSources = 32
const defaultTimeoutMs = 30_000

/**
 * Looks for evidence about an artifact in all sources at the same time, and ends in time whatever they do. Each source is
 * one row: `unavailable` when any part of it could not be looked at, else `found` or `absent`. What one source fails at
 * takes nothing from the others.
 *
 * @throws SallyportError EVIDENCE_FILE_MISSING for a file that the user named
 * @throws TypeError for more than 32 sources, or an artifact without sha256
 */
export async function gatherEvidence(options: GatherOptions): Promise<Gathered> {
  const { sources, timeoutMs = defaultTimeoutMs, http: given } = options
  const sha256 = options.artifact.digest['sha256'] ?? ''
  if (!isSha256(sha256)) throw new TypeError('the artifact needs a sha256 digest')
  if (sources.length > maxSources) throw new TypeError(`more than ${maxSources} sources`)
  const passed = given !== undefined && 'send' in given ? given : undefined
  const http = passed ?? openHttp(given as HttpOptions | undefined)
  using deadline = openDeadline(timeoutMs, options.signal)
  const { signal } = deadline
  try {
    const parts = await Promise.all(
      sources.map((source) => {
        const name = nameOfSource(source)
        const looking = look(source, sha256, { ...options, http, signal })
        return inTime(name, looking, signal).then((part) => oneRow(name, part))
      }),
    )
    return {
      ...mergeEvidence(parts),
      related: parts.flatMap(({ related = [] }) => related),
      signatures: parts.flatMap(({ signatures = [] }) => signatures),
      documents: parts.flatMap(({ documents = [] }) => documents),
    }
  } finally {
    if (passed === undefined) http.close()
  }
}

type LookOptions = Omit<GatherOptions, 'http' | 'signal'> &
  SourceOptions & { readonly signal: AbortSignal }

async function look(source: Source, sha256: string, options: LookOptions): Promise<Part> {
  switch (source.kind) {
    case 'beside': {
      const { bundles } = source
      return findBesideFile(source.artifact, bundles === undefined ? {} : { bundles })
    }
    case 'registry':
      return lookInRegistry(source.reference, sha256, options)
    case 'npm':
      return findInNpmRegistry(source, options)
    case 'directory':
      return findInDirectory(source.folder, sha256)
    case 'http':
      return findInHttpStore(source, sha256, options)
    case 'annotation':
      return readAnnotation(source)
  }
}

async function lookInRegistry(
  text: string,
  sha256: string,
  { registries = [], ...options }: LookOptions,
): Promise<Part> {
  try {
    const reference = formatReference({ ...parseReference(text), digest: sha256 })
    return await findInRegistry(reference, { ...options, registries })
  } catch (error) {
    // Whoever asks chose the reference. A place where nobody may look holds nothing: it is no outage, or it would be the
    // way around a policy that lets outages through.
    if (!(error instanceof SallyportError) || !isRefused(error)) throw error
    return nothingAt(text, 'absent', `not looked at: ${detailOf(error)}`)
  }
}

function isRefused({ code }: SallyportError): boolean {
  return code === 'EVIDENCE_REFERENCE' || code === 'EVIDENCE_REGISTRY_NOT_ALLOWED'
}

/** Waits for a source, and not for longer than there is time: a folder may lie on a disk that hangs. */
async function inTime(name: string, looking: Promise<Part>, signal: AbortSignal): Promise<Part> {
  const over = Promise.withResolvers<Part>()
  const late = (): void => {
    const detail = 'expected an answer, found none within the time given'
    // Those who speak HTTP hear of it themselves, and know more to tell.
    setTimeout(() => over.resolve(nothingAt(name, 'unavailable', detail)), 50)
  }
  if (signal.aborted) late()
  else signal.addEventListener('abort', late, { once: true })
  const isMistake = (error: unknown): boolean =>
    error instanceof SallyportError && error.code === 'EVIDENCE_FILE_MISSING'
  const found = looking.catch((error: unknown) => {
    if (isMistake(error)) throw error
    return nothingAt(name, 'unavailable', detailOf(error))
  })
  try {
    return await Promise.race([over.promise, found])
  } finally {
    signal.removeEventListener('abort', late)
  }
}

/** One row for one source: what could not be looked at comes before what was found, and that before what is absent. */
function oneRow(name: string, part: Part): Part {
  const rows = part.sources
  const worst =
    rows.find(({ outcome }) => outcome === 'unavailable') ??
    rows.find(({ outcome }) => outcome === 'found')
  const outcome = worst?.outcome ?? 'absent'
  const details = rows
    .filter((row) => row.outcome === outcome && row.detail !== undefined)
    .map((row) => (row.name === name ? row.detail : `${row.name}: ${row.detail}`))
  const [first = '', ...more] = new Set(details)
  // A registry that is down is so in every place: one tells what all would.
  const others = outcome === 'unavailable' && more.length > 0 ? [`and ${more.length} more`] : more
  const detail = [first, ...others].slice(0, 4).join('; ').slice(0, 1000)
  const row: EvidenceSource = { name, outcome, ...(detail === '' ? {} : { detail }) }
  return { ...part, sources: [row] }
}
