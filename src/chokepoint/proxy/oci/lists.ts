import { SallyportError } from '#error'
import { openDeadline, queryOfTagPage, readTagPage, type UpstreamRepository } from '#evidence'
import { refusalOf, type Refusal } from './errors.ts'
import type { Call } from './context.ts'
import { assigned } from './manifests.ts'
import type { Place } from './route.ts'
import { sendBytes } from './send.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'

/** Tags, as the registry lists them now. Names only: what a tag leads to is decided when it is asked for. */
export async function serveTags(
  place: Place,
  query: URLSearchParams,
  call: Call,
): Promise<Refusal | undefined> {
  const target = await assigned(place, call)
  if ('status' in target) return target
  const page = readTagPage(query)
  if (page === undefined) return noPage()
  const found = await ask(place, call, (repository) => repository.tags(page))
  if (found === undefined) return nameUnknown(place)
  // The name as the client wrote it.
  const name = query.has('ns') ? place.repository : place.name
  // Who wants none is told none, and of no page that follows (OCI distribution-spec v1.1, "Listing Tags").
  const isNone = /^0+$/.test(query.get('n') ?? '')
  const { tags, next, isCut } = isNone ? { tags: [], next: undefined, isCut: false } : found
  if (isCut) throw nextUnknown(place)
  if (next !== undefined) {
    const more = queryOfTagPage(next)
    if (query.has('ns')) more.set('ns', place.upstream)
    call.response.setHeader('link', `</v2/${name}/tags/list?${more.toString()}>; rel="next"`)
  }
  const body = Buffer.from(JSON.stringify({ name, tags }))
  sendBytes(call.response, body, { 'content-type': 'application/json' })
  return undefined
}

function noPage(): Refusal {
  return refusalOf({
    code: 'REQUEST_PARAMETER',
    where: 'last, next_page',
    expected: 'a page as the link of the one before names it',
    found: 'one that is too long, or not printable',
    fix: 'Follow the link of the page before as it is, or begin with the first page',
  })
}

/** What names a manifest as its subject. Each of them is decided when it is asked for, like any manifest. */
export async function serveReferrers(
  place: Place,
  { sha256, query }: { readonly sha256: string; readonly query: URLSearchParams },
  call: Call,
): Promise<Refusal | undefined> {
  const target = await assigned(place, call)
  if ('status' in target) return target
  const type = query.get('artifactType')?.slice(0, 255)
  const found = await ask(place, call, (repository) => repository.referrers(sha256, type))
  // Without that API a client goes on with the tag that stands for it.
  if (found === undefined) return nameUnknown(place)
  if (found.isCut) throw tooMany(`${place.name}@sha256:${sha256}`, found.descriptors.length, place)
  const manifests = found.descriptors.map(
    ({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest: `sha256:${digest}`,
      size,
      artifactType,
      annotations,
    }),
  )
  const index = { schemaVersion: 2, mediaType: indexType, manifests }
  if (found.isFiltered) call.response.setHeader('oci-filters-applied', 'artifactType')
  sendBytes(call.response, Buffer.from(JSON.stringify(index)), { 'content-type': indexType })
  return undefined
}

function nextUnknown({ upstream, name }: Place): SallyportError {
  return new SallyportError({
    code: 'PROXY_UPSTREAM',
    where: upstream,
    expected: `a next page of tags of ${name} that is named by n, last and next_page`,
    found: 'one that is named in another way, or at too great length',
    fix: 'Ask for more tags at once, so that there is no next page (?n=1000), or ask the registry itself',
  })
}

/** A list with an end that is none would hide what was attached later. */
function tooMany(image: string, seen: number, { upstream }: Place): SallyportError {
  return new SallyportError({
    code: 'PROXY_UPSTREAM',
    where: upstream,
    expected: `so few referrers of ${image} that all are listed`,
    found: `more than ${seen}`,
    fix: 'Ask for those of one artifactType, where that registry filters, or ask the registry itself',
  })
}

/** As long as the client is there, and no longer than an answer may take. */
async function ask<T>(
  { upstream, repository }: Place,
  { registries, limits, gone }: Call,
  question: (repository: UpstreamRepository) => Promise<T>,
): Promise<T | undefined> {
  const registry = registries.get(upstream)
  if (registry === undefined) return undefined
  using deadline = openDeadline(limits.askMs, gone)
  return await question(registry.upstream.repository(repository, deadline.signal))
}

function nameUnknown({ name }: Place): Refusal {
  const message = `${name} has no such list at its registry`
  return { status: 404, code: 'NAME_UNKNOWN', message, problems: [] }
}
