import { quote, SallyportError } from '#error'

/** Where an artifact lies in an OCI registry. It has a tag, a digest, or both; then the digest says which it is. */
export interface Reference {
  /** Host, or host and port, in lower case. */
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  /** Lower-case hex sha256 of the manifest. */
  readonly digest?: string
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const host = new RegExp(
  `^(?:${label}(?:\\.${label}){0,31}|\\[[0-9a-f:.]{2,45}\\])(?::[1-9][0-9]{0,4})?$`,
)
const component = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/
const tagName = /^\w[\w.-]{0,127}$/
const maxText = 1024
const maxRepository = 255

/**
 * Parses `host[:port]/repository[:tag][@sha256:digest]`, with or without `oci://` before it. Nothing is made up: the
 * registry must be named, and so must a tag or a digest.
 *
 * @throws SallyportError EVIDENCE_REFERENCE
 */
export function parseReference(text: string): Reference {
  const bare = text.startsWith('oci://') ? text.slice('oci://'.length) : text
  if (bare.length > maxText) {
    throw refuse(text, `at most ${maxText} characters`, 'Shorten the reference')
  }
  const [named = '', digest, ...rest] = bare.split('@')
  if (rest.length > 0) throw refuse(text, 'at most one "@"', 'Leave one digest in the reference')
  const slash = named.indexOf('/')
  const registry = checkHost(named.slice(0, Math.max(slash, 0)).toLowerCase(), text)
  const [path = '', tag, ...more] = named.slice(slash + 1).split(':')
  if (more.length > 0) throw refuse(text, 'at most one tag', 'Leave one tag in the reference')
  if (tag === undefined && digest === undefined) {
    const fix = 'Add @sha256: and the digest of the artifact, or : and its tag'
    throw refuse(text, 'a digest or a tag', fix)
  }
  return {
    registry,
    repository: checkRepository(registry, path, text),
    ...(tag === undefined ? {} : { tag: checkTag(tag, text) }),
    ...(digest === undefined ? {} : { digest: checkDigest(digest, text) }),
  }
}

/** The reference as people write it. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const name = `${registry}/${repository}`
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@sha256:${digest}`}`
}

/** The registry's name where credentials are kept and images are named: Docker's hub answers at another one. */
export function registryOf({ host }: URL): string {
  return host === 'registry-1.docker.io' ? 'docker.io' : host
}

// The first part is a host when nothing else could be meant: with a dot, a port, or the one name of this machine.
function checkHost(registry: string, text: string): string {
  if (host.test(registry) && (/[.:]/.test(registry) || registry === 'localhost')) return registry
  const fix = 'Name the registry before the first "/", such as docker.io/library/nginx:1.29'
  throw refuse(text, 'a registry (host[:port]) and a repository', fix)
}

function checkRepository(registry: string, path: string, text: string): string {
  const isName = path.split('/').every((part) => component.test(part))
  if (!isName || path.length > maxRepository) {
    const expected = `a repository of at most ${maxRepository} lower-case letters, digits and . _ - between "/"`
    throw refuse(text, expected, 'Write the repository as the registry lists it')
  }
  // Docker's own images have a name of one part only where people write it.
  return registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path
}

function checkTag(tag: string, text: string): string {
  if (tagName.test(tag)) return tag
  const expected = 'a tag of at most 128 letters, digits and . _ -'
  throw refuse(text, expected, 'Write the tag as the registry lists it')
}

function checkDigest(digest: string, text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest.slice('sha256:'.length)
  const expected = 'a digest: sha256: and 64 hexadecimal digits in lower case'
  throw refuse(text, expected, 'Copy the whole sha256 digest from the registry')
}

function refuse(text: string, expected: string, fix: string): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_REFERENCE',
    where: quote(text, 200),
    expected,
    found: quote(text, 200),
    fix,
  })
}
