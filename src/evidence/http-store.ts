import { splitAttestations } from '#attestation'
import type { Evidence } from '#decision'
import { evidenceAt, lookSafely, nothingAt, placeOf, type SourceOptions } from './source-options.ts'
import { unavailable } from './unavailable.ts'

const maxBytes = 32 * 1024 * 1024

export interface HttpStore {
  readonly base: string
  /** Sent to that server only, and never told. */
  readonly authorization?: string
}

/**
 * Asks a store of attestations: `GET base/sha256/<hex>` answers with the attestations of that digest as JSON lines, or one
 * JSON document, or tokens; 404 means that there are none.
 */
export async function findInHttpStore(
  { base, authorization }: HttpStore,
  sha256: string,
  { http, signal }: SourceOptions,
): Promise<Evidence> {
  const place = `${placeOf(base)}/sha256/${sha256}`
  return lookSafely(place, async () => {
    const answer = await http.send(new URL(place), {
      what: 'attestations',
      accept: 'application/jsonl, application/json, text/plain',
      maxBytes,
      ...(authorization === undefined ? {} : { authorization }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.status === 404 || answer.status === 410) return nothingAt(place, 'absent')
    if (answer.status !== 200) {
      throw unavailable(answer.url.host, 'attestations', `status ${answer.status}`)
    }
    const parts = splitAttestations(answer.body)
    // A page that is meant for people is no store: whoever is asked there did not look.
    if (parts.some((part) => part[0] === 0x3c)) {
      throw unavailable(answer.url.host, 'attestations', 'a page that begins with "<"')
    }
    return evidenceAt(place, parts)
  })
}
