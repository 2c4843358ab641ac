import { quote, SallyportError } from '#error'
import type { HttpClient } from '#evidence'
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

/**
 * Asks the one registry of a package for its packument. The client's own credentials are never passed on.
 *
 * @throws SallyportError NPM_NOT_FOUND, NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function fetchPackument(
  { http, binding: { registry }, name }: Asking,
  form: 'abbreviated' | 'full',
  maxBytes: number,
): Promise<Described> {
  const what = `the versions of ${quote(name.full, 220)}`
  const answer = await http.send(packumentUrl(registry.url, name), {
    what,
    accept:
      form === 'full'
        ? 'application/json'
        : 'application/vnd.npm.install-v1+json, application/json;q=0.8',
    maxBytes,
    ...authorizationOf(registry),
  })
  const { status, url, body, limit } = answer
  if (status === 404 || status === 410) throw notFound(name.full, registry.url)
  if (status !== 200) throw upstreamFailed(url.host, what, `status ${status}`)
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
