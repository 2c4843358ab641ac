import { Pieces } from '#document'
import { quote, SallyportError } from '#error'
import { openDeadline, type Deadline, type HttpClient } from '#evidence'
import type { Binding } from './binding.ts'
import type { Take } from './budget.ts'
import { packumentUrl, type PackageName } from './name.ts'
import { parsePackument, type Packument } from './packument.ts'

type Answer = Awaited<ReturnType<HttpClient['send']>>
type Stream = Awaited<ReturnType<HttpClient['stream']>>
type Limit = Answer['limit']

/** What a registry said of a package, and how far inside the tarballs that it names may lie. */
export interface Described {
  readonly packument: Packument
  readonly limit: Limit
  readonly bytes: number
}

export interface Asking {
  readonly http: HttpClient
  readonly binding: Binding
  readonly name: PackageName
}

export type Form = 'abbreviated' | 'full'

/** A packument as it came. */
export interface Fetched {
  readonly body: Uint8Array
  readonly limit: Limit
}

export interface Bounds {
  readonly maxBytes: number
  /** Within which the whole answer must have come. */
  readonly ms: number
}

/**
 * Asks the one registry of a package for its packument, whose bytes are taken as they come: a registry that is slow
 * holds no more than it has sent. The client's own credentials are never passed on.
 *
 * @throws SallyportError NPM_NOT_FOUND, NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function fetchPackument(
  asking: Asking,
  form: Form,
  bounds: Bounds & { readonly take: Take },
): Promise<Fetched> {
  const fetched = await fetchUpTo(Infinity, asking, form, bounds)
  if (fetched === 'large') throw new TypeError('nothing is larger than without bound')
  return fetched
}

/**
 * The same, unless it is larger than `most`: of such a one no more is read.
 *
 * @throws SallyportError as above
 */
export async function fetchSmallPackument(
  asking: Asking,
  form: Form,
  bounds: Bounds & { readonly most: number },
): Promise<Described | 'large'> {
  const fetched = await fetchUpTo(bounds.most, asking, form, { ...bounds, take: () => undefined })
  return fetched === 'large' ? 'large' : describedIn(fetched, asking.name)
}

async function fetchUpTo(
  most: number,
  asking: Asking,
  form: Form,
  { maxBytes, ms, take }: Bounds & { readonly take: Take },
): Promise<Fetched | 'large'> {
  using deadline = openDeadline(ms)
  const { signal } = deadline
  const question = { ...questionOf(asking, form), maxBytes, signal }
  const answer = await asking.http.stream(urlOf(asking), question)
  expectOk(answer, asking)
  const body = await gatherUpTo(most, answer, { take, deadline })
  return body === 'large' ? body : { body, limit: answer.limit }
}

/** What comes, unless it is more than `most`. The time in which there is no room for it does not count. */
async function gatherUpTo(
  most: number,
  { headers, content }: Stream,
  { take, deadline }: { readonly take: Take; readonly deadline: Deadline },
): Promise<Uint8Array | 'large'> {
  const announced = Number(headers['content-length'] ?? 0)
  const pieces = new Pieces(announced)
  for await (const chunk of content ?? []) {
    if (announced > most || pieces.size + chunk.length > most) return 'large'
    const room = take(chunk.length)
    if (room !== undefined) await deadline.pause(room)
    pieces.add(chunk)
  }
  return pieces.whole()
}

/** @throws SallyportError NPM_UPSTREAM when it is none */
export function describedIn({ body, limit }: Fetched, { full }: PackageName): Described {
  return { packument: parsePackument(body, full), limit, bytes: body.length }
}

function urlOf({ binding: { registry }, name }: Asking): URL {
  return packumentUrl(registry.url, name)
}

function questionOf({ binding: { registry }, name }: Asking, form: Form) {
  return {
    what: whatOf(name),
    accept:
      form === 'full'
        ? 'application/json'
        : 'application/vnd.npm.install-v1+json, application/json;q=0.8',
    ...authorizationOf(registry),
  }
}

function whatOf({ full }: PackageName): string {
  return `the versions of ${quote(full, 220)}`
}

function expectOk({ status, url }: Answer, { binding: { registry }, name }: Asking): void {
  if (status === 404 || status === 410) throw notFound(name.full, registry.url)
  if (status !== 200) throw upstreamFailed(url.host, whatOf(name), `status ${status}`)
}

/**
 * Fetches a tarball, from wherever the registry says; how deep inside that may lie is bounded by where the registry lies.
 *
 * @throws SallyportError NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function fetchTarball(
  { http, binding: { registry }, name }: Asking,
  address: string,
  { maxBytes, ms, limit, take }: Bounds & { readonly limit: Limit; readonly take: Take },
): Promise<Uint8Array> {
  const url = new URL(address)
  const what = `a tarball of ${quote(name.full, 220)}`
  const isOwn = url.origin === new URL(registry.url).origin
  using deadline = openDeadline(ms)
  const answer = await http.stream(url, {
    what,
    accept: '*/*',
    maxBytes,
    limit,
    signal: deadline.signal,
    ...(isOwn ? authorizationOf(registry) : {}),
  })
  const { status, url: from } = answer
  if (status !== 200) throw upstreamFailed(from.host, what, `status ${status}`)
  const bytes = await gatherUpTo(maxBytes, answer, { take, deadline })
  if (bytes === 'large') throw upstreamFailed(from.host, what, `more than ${maxBytes} bytes`)
  return bytes
}

export function notFound(wanted: string, registry: string): SallyportError {
  return new SallyportError({
    code: 'NPM_NOT_FOUND',
    where: quote(wanted, 250),
    expected: `a package or version that ${quote(new URL(registry).host, 200)} has`,
    found: 'none',
    fix: 'Correct the name or the version, or publish it to that registry',
  })
}

export function upstreamFailed(host: string, what: string, found: string): SallyportError {
  return new SallyportError({
    code: 'NPM_UPSTREAM',
    where: quote(host, 200),
    expected: what,
    found,
    fix: `Ask again; if it stays so, ask the operator of ${quote(host, 200)}, or check its credentials in proxies.npm`,
  })
}

function authorizationOf({ authorization }: Binding['registry']): { authorization?: string } {
  return authorization === undefined ? {} : { authorization }
}
