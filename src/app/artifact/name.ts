import { formatPurl, parsePurl, type Purl } from '#package'
import { isSha256 } from '#document'
import { quote, SallyportError } from '#error'
import { formatReference, parseReference, type Reference } from '#evidence'

/** What a person calls an artifact by, at a command line. */
export type ArtifactName =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'digest'; readonly sha256: string }
  | { readonly kind: 'oci'; readonly reference: Reference }
  | {
      readonly kind: 'npm'
      /** The package URL in its canonical form. */
      readonly purl: string
      /** `name` or `@scope/name`. */
      readonly name: string
      readonly version: string
    }

/**
 * Reads what names an artifact: a path, `sha256:HEX`, `oci://HOST/NAME[:TAG][@sha256:HEX]` or `pkg:npm/NAME@VERSION`. What
 * looks like anything else is refused and never taken for a path; a file of such a name is `./NAME`.
 *
 * @throws SallyportError EVIDENCE_REFERENCE, PACKAGE_URL
 */
export function parseArtifactName(text: string): ArtifactName {
  if (text.startsWith('sha256:')) return digestOf(text)
  if (text.startsWith('oci://')) return { kind: 'oci', reference: parseReference(text) }
  if (text.startsWith('pkg:')) return packageOf(text)
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? transport.exec(text) ?? []
  if (scheme !== undefined) throw otherScheme(text, scheme.toLowerCase())
  return { kind: 'file', path: text }
}

/** What skopeo and podman write before the name of an image. */
const transport =
  /^(docker|docker-daemon|docker-archive|oci|oci-archive|containers-storage|registry):/i
const forms =
  'a path, sha256:HEX, oci://HOST/NAME:TAG, oci://HOST/NAME@sha256:HEX or pkg:npm/NAME@VERSION'

function digestOf(text: string): ArtifactName {
  const sha256 = text.slice('sha256:'.length)
  if (isSha256(sha256)) return { kind: 'digest', sha256 }
  throw refuse(text, 'sha256: and 64 hexadecimal digits in lower case', 'Copy the whole digest')
}

function packageOf(text: string): ArtifactName {
  const purl = parsePurl(text)
  const { type, namespace, name, version, qualifiers, subpath } = purl
  if (type !== 'npm') throw otherPackage(text, purl)
  if (version === undefined) {
    throw refuse(text, 'one version', `Add the version, such as ${quote(`${text}@1.2.3`, 200)}`)
  }
  if (qualifiers !== undefined || subpath !== undefined) {
    const fix =
      'Leave out everything after the version; which registry is asked is configured in sallyport.yaml (evidence.npm.registry)'
    throw refuse(text, 'a package URL with name and version only', fix)
  }
  const full = namespace === undefined ? name : `${namespace}/${name}`
  return { kind: 'npm', purl: formatPurl(purl), name: full, version }
}

function otherPackage(text: string, { type, version, qualifiers = {} }: Purl): SallyportError {
  const { repository_url: repository = '', tag } = qualifiers
  if (type !== 'oci' || repository === '' || (version ?? tag) === undefined) {
    const fix = 'Download the package, and name its file'
    return refuse(text, `${forms}; of packages, those of npm`, fix)
  }
  const own = version === undefined ? `:${tag}` : `@${version}`
  return refuse(text, forms, `Write ${quote(`oci://${repository}${own}`, 400)}`)
}

function otherScheme(text: string, scheme: string): SallyportError {
  const rest = text.slice(text.indexOf(':') + 1).replace(/^\/\//, '')
  if (scheme === 'file') return refuse(text, forms, `Write the path: ${quote(rest, 400)}`)
  if (scheme === 'docker' || scheme === 'registry' || scheme === 'oci') {
    return refuse(text, forms, `Write ${quote(`oci://${withRegistry(rest)}`, 400)}`)
  }
  if (scheme === 'http' || scheme === 'https') {
    return refuse(
      text,
      forms,
      'Download it and name the file; for an image in a registry, write oci:// before its name',
    )
  }
  return refuse(
    text,
    forms,
    'Push the image to a registry, and name it there as oci://HOST/NAME@sha256:HEX',
  )
}

/** Docker makes up a registry and a tag where none is written; here they are shown, for the reader to agree to. */
function withRegistry(rest: string): string {
  const [first = '', ...more] = rest.split('/')
  const isHost = more.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const named = isHost ? rest : `docker.io/${more.length === 0 ? 'library/' : ''}${rest}`
  const last = named.slice(named.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? named : `${named}:latest`
}

/** The reference that a person may have meant by a path; undefined when it could be none. */
export function meantReference(path: string): string | undefined {
  try {
    return `oci://${formatReference(parseReference(path))}`
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
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
