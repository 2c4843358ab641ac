import { quote } from '#error'
import type { HttpAnswer } from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { readManifest, type Descriptor } from './manifest.ts'
import { expectOk, type Ask } from './ask.ts'

export interface Referrers {
  readonly descriptors: readonly Descriptor[]
  /** The registry did leave out what was not asked for. */
  readonly isFiltered: boolean
  /** There are more, which were not looked at. */
  readonly isCut: boolean
}

const maxPages = 16
export const maxReferrers = 512
const maxPageBytes = 4 * 1024 * 1024
const indexType = 'application/vnd.oci.image.index.v1+json'
/** What registries answer that never heard of the referrers API. */
const withoutApi = new Set([400, 404, 405, 406, 501])

/** Lists what names a manifest as its subject (OCI distribution-spec v1.1, "Listing Referrers"), page by page. */
export async function listReferrers(
  sha256: string,
  artifactType: string | undefined,
  ask: Ask,
): Promise<Referrers | undefined> {
  const what = `referrers of sha256:${sha256}`
  const query =
    artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`
  const descriptors: Descriptor[] = []
  let next: string | undefined = `/referrers/sha256:${sha256}${query}`
  let isFiltered = artifactType !== undefined
  for (let page = 0; next !== undefined; page += 1) {
    if (page === maxPages || descriptors.length > maxReferrers) break
    const answer: HttpAnswer = await ask(next, { what, accept: indexType, maxBytes: maxPageBytes })
    if (page === 0 && withoutApi.has(answer.status)) return undefined
    expectOk(answer, what)
    const index = readManifest(answer.body)
    if (index?.kind !== 'index') {
      throw unavailable(answer.url.host, `an image index of ${what}`, 'something else')
    }
    descriptors.push(...index.manifests)
    isFiltered &&= filtersOf(answer).includes('artifactType')
    next = nextOf(answer, what)
  }
  return {
    descriptors: descriptors.slice(0, maxReferrers),
    isFiltered,
    isCut: next !== undefined || descriptors.length > maxReferrers,
  }
}

function filtersOf({ headers }: HttpAnswer): readonly string[] {
  return String(headers['oci-filters-applied'] ?? '')
    .split(',')
    .map((name) => name.trim())
}

/** RFC 8288, as registries write it: `</v2/…?n=2>; rel="next"`. That it is at the same registry is seen to when it is asked. */
function nextOf({ headers, url }: HttpAnswer, what: string): string | undefined {
  const link = String(headers['link'] ?? '').slice(0, 4096)
  const [, target] = /<([^<>]*)>\s*;[^,]*\brel="?next"?/.exec(link) ?? []
  if (target === undefined) return undefined
  const next = URL.parse(target, url.href)
  if (next === null) throw unavailable(url.host, `the next page of ${what}`, quote(target, 200))
  return next.href
}
