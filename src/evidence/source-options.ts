import type { Evidence, EvidenceItem, EvidenceSource } from '#decision'
import type { ByteCache } from './cache.ts'
import { Collection, noRoom } from './collection.ts'
import type { HttpClient } from './http/client.ts'
import { detailOf } from './unavailable.ts'

/** What a source that is asked over HTTP needs. */
export interface SourceOptions {
  readonly http: HttpClient
  readonly cache?: ByteCache
  readonly signal?: AbortSignal
}

/** The address of a place as it may be shown: without name, password and query. */
export function placeOf(base: string): string {
  const url = URL.parse(base)
  return url === null
    ? 'an address that is none'
    : `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** Evidence of one place: every one of `parts`, or none and why. */
export function evidenceAt(name: string, parts: readonly Uint8Array[], detail?: string): Evidence {
  const collection = new Collection()
  const hasRoom = parts.map((part) => collection.add(part, name)).every(Boolean)
  if (!hasRoom) return nothingAt(name, 'unavailable', noRoom)
  const outcome = parts.length === 0 ? 'absent' : 'found'
  return { items: collection.items, sources: [rowOf(name, outcome, detail)] }
}

/** A place where nothing was found. */
export function nothingAt(
  name: string,
  outcome: 'absent' | 'unavailable',
  detail?: string,
): Evidence {
  return { items: [], sources: [rowOf(name, outcome, detail)] }
}

/** Looks at one place; what fails is unavailable, and says why. */
export async function lookSafely(name: string, look: () => Promise<Evidence>): Promise<Evidence> {
  try {
    return await look()
  } catch (error) {
    return nothingAt(name, 'unavailable', detailOf(error))
  }
}

/** Everything that several places gave, each attestation once, within bounds. */
export function mergeEvidence(parts: readonly Evidence[]): Evidence {
  const collection = new Collection()
  const sources: EvidenceSource[] = []
  for (const { items, sources: rows } of parts) {
    const hasRoom = items.map((item: EvidenceItem) => collection.add(item.bytes, item.source))
    sources.push(...(hasRoom.includes(false) ? rows.map(crowded) : rows))
  }
  return { items: collection.items, sources }
}

// Of what found no room nobody can tell what it would have changed.
function crowded(row: EvidenceSource): EvidenceSource {
  return row.outcome === 'found' ? rowOf(row.name, 'unavailable', noRoom) : row
}

function rowOf(
  name: string,
  outcome: EvidenceSource['outcome'],
  detail: string | undefined,
): EvidenceSource {
  return { name, outcome, ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }) }
}
