/** A repository as somebody asks for it. */
export interface Place {
  /** The registry behind the proxy, by the name that images have: `docker.io`. */
  readonly upstream: string
  /** Without the registry: `library/nginx`. */
  readonly repository: string
  /** Both: what targets are assigned to, and how decisions call it. */
  readonly name: string
}

/** What is asked for (OCI distribution-spec v1.1, end-1, 2, 3, 8, 12). */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'manifest'; readonly place: Place; readonly reference: string }
  | { readonly kind: 'blob'; readonly place: Place; readonly sha256: string }
  | { readonly kind: 'tags'; readonly place: Place; readonly query: URLSearchParams }
  | {
      readonly kind: 'referrers'
      readonly place: Place
      readonly sha256: string
      readonly query: URLSearchParams
    }

/** Why there is nothing at an address, in the words of the spec. */
export interface NoRoute {
  readonly kind: 'none'
  readonly code: 'NAME_UNKNOWN' | 'NAME_INVALID' | 'DIGEST_INVALID' | 'TAG_INVALID' | 'UNSUPPORTED'
  readonly message: string
}

const ofThings = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/
const ofTags = /^\/v2\/(.+)\/(tags)\/list$/
const component = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*'
const repositoryName = new RegExp(`^${component}(?:/${component})*$`)
const tagName = /^\w[\w.-]{0,127}$/
const digest = /^sha256:([0-9a-f]{64})$/
const maxUrl = 4096
const maxRepository = 255

/**
 * Reads the address of a request. The registry is what containerd says in `?ns=`, else the first part of the name.
 * Nothing that is not of the form of the spec gets any further: names become parts of addresses of the registry behind.
 */
export function routeOf(url: string, upstreams: ReadonlySet<string>): Route | NoRoute {
  const [path, search] = split(url)
  if (path === '/v2' || path === '/v2/') return { kind: 'base' }
  const [, name, kind, reference = ''] = ofThings.exec(path) ?? ofTags.exec(path) ?? []
  if (name === undefined) return none('UNSUPPORTED', nothing)
  const query = new URLSearchParams(search)
  const place = placeOf(name, query.get('ns'), upstreams)
  if ('code' in place) return place
  if (kind === 'tags') return { kind, place, query }
  return kind === 'manifests'
    ? manifestRoute(place, reference)
    : contentRoute(kind === 'blobs' ? 'blob' : 'referrers', { place, reference, query })
}

function manifestRoute(place: Place, reference: string): Route | NoRoute {
  if (tagName.test(reference) || digest.test(reference)) {
    return { kind: 'manifest', place, reference }
  }
  return reference.includes(':')
    ? noDigest
    : none('TAG_INVALID', 'a tag has at most 128 letters, digits and . _ -')
}

function contentRoute(
  kind: 'blob' | 'referrers',
  { place, reference, query }: { place: Place; reference: string; query: URLSearchParams },
): Route | NoRoute {
  const [, sha256] = digest.exec(reference) ?? []
  if (sha256 === undefined) return noDigest
  return kind === 'blob' ? { kind, place, sha256 } : { kind, place, sha256, query }
}

const nothing =
  'there is nothing at this address; fix: pull an image by its name, HOST/REGISTRY/REPOSITORY'

const noDigest = none(
  'DIGEST_INVALID',
  'a digest is sha256: and 64 hexadecimal digits in lower case',
)

function split(url: string): readonly [string, string] {
  if (url.length > maxUrl) return ['', '']
  const at = url.indexOf('?')
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

function placeOf(
  name: string,
  namespace: string | null,
  upstreams: ReadonlySet<string>,
): Place | NoRoute {
  const slash = name.indexOf('/')
  const [upstream, repository] =
    namespace === null
      ? [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)]
      : [namespace, name]
  if (!upstreams.has(upstream)) {
    const known = [...upstreams].slice(0, 8).join(', ')
    const how = namespace === null ? 'the first part of the name' : '?ns='
    const fix = 'correct the name, or have the registry added to proxies.oci.upstreams'
    return none(
      'NAME_UNKNOWN',
      `${how} is no registry of this proxy, which has ${known}; fix: ${fix}`,
    )
  }
  if (!repositoryName.test(repository) || repository.length > maxRepository) {
    return none('NAME_INVALID', 'a repository has lower-case letters, digits and . _ - between "/"')
  }
  // Docker's own images have a name of one part only where people write it.
  const isShort = upstream === 'docker.io' && !repository.includes('/')
  const whole = isShort ? `library/${repository}` : repository
  return { upstream, repository: whole, name: `${upstream}/${whole}` }
}

function none(code: NoRoute['code'], message: string): NoRoute {
  return { kind: 'none', code, message }
}
