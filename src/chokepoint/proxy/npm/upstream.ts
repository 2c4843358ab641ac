import { quote, SallyportError } from '#error'
import { openDeadline, type HttpClient } from '#evidence'
import type { Binding } from './binding.ts'
import { packumentUrl, type PackageName } from './name.ts'
import { parsePackument, type Packument } from './packument.ts'

type Limit = Awaited<ReturnType<HttpClient['send']>>['limit']

/** What a registry said of a package, and how far inside the tarballs that it names may lie. */
export interface Described {
  readonly packument: Packument
  readonly limit: Limit
  readonly bytes: number
}

interface Asking {
  readonly http: HttpClient
  readonly binding: Binding
  readonly name: PackageName
}

type Form = 'abbreviated' | 'full'

/**
 * Asks the one registry of a package for its packument. The client's own credentials are never passed on.
 *
 * @throws SallyportError NPM_NOT_FOUND, NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function fetchPackument(
  asking: Asking,
  form: Form,
  maxBytes: number,
): Promise<Described> {
  const answer = await asking.http.send(urlOf(asking), { ...questionOf(asking, form), maxBytes })
  expectOk(answer, asking)
  return describedIn(answer, answer.body, asking)
}

/**
 * The same, unless it is larger than `most`: of such a one no more is read.
 *
 * @throws SallyportError as above
 */
export async function fetchSmallPackument(
  asking: Asking,
  form: Form,
  { most, maxBytes, ms }: { readonly most: number; readonly maxBytes: number; readonly ms: number },
): Promise<Described | 'large'> {
  using deadline = openDeadline(ms)
  const { signal } = deadline
  const question = { ...questionOf(asking, form), maxBytes, signal }
  const answer = await asking.http.stream(urlOf(asking), question)
  expectOk(answer, asking)
  const announced = Number(answer.headers['content-length'] ?? 0)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.content ?? []) {
    size += chunk.length
    if (announced > most || size > most) return 'large'
    chunks.push(chunk)
  }
  return describedIn(answer, Buffer.concat(chunks), asking)
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

type Answer = Awaited<ReturnType<HttpClient['send']>>

function expectOk({ status, url }: Answer, { binding: { registry }, name }: Asking): void {
  if (status === 404 || status === 410) throw notFound(name.full, registry.url)
  if (status !== 200) throw upstreamFailed(url.host, whatOf(name), `status ${status}`)
}

function describedIn({ limit }: Answer, body: Uint8Array, { name }: Asking): Described {
  return { packument: parsePackument(body, name.full), limit, bytes: body.length }
}

/**
 * Fetches a tarball, from wherever the registry says; how deep inside that may lie is bounded by where the registry lies.
 *
 * @throws SallyportError NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function fetchTarball(
  { http, binding: { registry }, name }: Asking,
  address: string,
  { maxBytes, limit }: { readonly maxBytes: number; readonly limit: Limit },
): Promise<Uint8Array> {
  const url = new URL(address)
  const what = `a tarball of ${quote(name.full, 220)}`
  const isOwn = url.origin === new URL(registry.url).origin
  const answer = await http.send(url, {
    what,
    accept: '*/*',
    maxBytes,
    limit,
    ...(isOwn ? authorizationOf(registry) : {}),
  })
  if (answer.status !== 200) throw upstreamFailed(answer.url.host, what, `status ${answer.status}`)
  return answer.body
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
