import { longKey, maxLongKeys } from '#document'
import { quote, SallyportError } from '#error'
import { isVersionText } from './name.ts'
import { weigh } from './weight.ts'

export type Fields = Readonly<Record<string, unknown>>

/** One version, as the registry describes it. */
export interface VersionRecord {
  readonly version: string
  /** What npm is told of it, as the registry wrote it. */
  readonly manifest: Fields
  readonly tarball?: string
  /** Lower-case hex of every sha512 that `dist.integrity` lists. */
  readonly sha512: readonly string[]
  readonly deprecated?: string
  /** RFC 3339, as the registry says. */
  readonly published?: string
}

/** What a registry says about a package. Nothing of it is believed but as far as it is checked. */
export interface Packument {
  readonly name: string
  readonly fields: Fields
  readonly distTags: ReadonlyMap<string, string>
  readonly versions: ReadonlyMap<string, VersionRecord>
  readonly times: ReadonlyMap<string, string>
  /** About how much memory it takes. */
  readonly weight: number
}

const maxVersions = 50_000
/** What packages are described with weighs three to six times as much as its text. */
const mostWeight = 8
const fewBytes = 1_000_000
const maxDepth = 200
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a packument. Registries cut texts in the middle of a character, so this is more lenient about texts than other
 * JSON here; what is handed on is written anew from what was read, and means the same to everybody.
 *
 * @throws SallyportError NPM_UPSTREAM when it is none, or is about another package
 */
export function parsePackument(bytes: Uint8Array, name: string): Packument {
  const { bytes: weight, longKeys } = weigh(bytes)
  if (longKeys > maxLongKeys)
    throw unreadable(name, `${longKeys} names of more than ${longKey} bytes`)
  if (weight > mostWeight * bytes.length + fewBytes)
    throw unreadable(
      name,
      `${bytes.length} bytes, which take more than ${mostWeight} times as much when they are read`,
    )
  const fields = objectOf(parse(bytes, name))
  if (fields === undefined) throw unreadable(name, 'something else')
  const said = textOf(fields['name'])
  if (said !== name) throw unreadable(name, `one of ${quote(said ?? '', 220)}`)
  const entries = Object.entries(objectOf(fields['versions']) ?? {})
  if (entries.length > maxVersions) throw unreadable(name, `${entries.length} versions`)
  const times = textsOf(fields['time'])
  return {
    name,
    fields,
    distTags: textsOf(fields['dist-tags']),
    times,
    weight,
    versions: new Map(
      entries.map(([version, value]) => [
        version,
        recordOf(version, objectOf(value) ?? {}, times.get(version)),
      ]),
    ),
  }
}

function parse(bytes: Uint8Array, name: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw unreadable(name, 'no JSON in UTF-8', cause)
  }
  if (isDeeper(value, maxDepth)) throw unreadable(name, `more than ${maxDepth} levels of nesting`)
  return value
}

/** Reading does not mind, but writing anew is recursive: whoever publishes could make it fail. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

function recordOf(version: string, manifest: Fields, published: string | undefined): VersionRecord {
  const dist = objectOf(manifest['dist']) ?? {}
  const tarball = textOf(dist['tarball'])
  const deprecated = manifest['deprecated']
  return {
    version,
    manifest,
    sha512: sha512Of(textOf(dist['integrity']) ?? ''),
    ...(tarball === undefined ? {} : { tarball }),
    // npm takes any text but an empty one for a deprecation, and so did `true` of old.
    ...(deprecated === undefined || deprecated === '' || deprecated === false
      ? {}
      : { deprecated: textOf(deprecated) ?? 'yes' }),
    ...(published === undefined ? {} : { published }),
  }
}

/** Subresource Integrity, as npm writes it. */
function sha512Of(integrity: string): readonly string[] {
  if (integrity.length > 4000) return []
  return integrity.split(/\s+/).flatMap((part) => {
    const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)(?:\?.*)?$/.exec(part) ?? []
    return base64 === undefined ? [] : [Buffer.from(base64, 'base64').toString('hex')]
  })
}

/** Whether the version is called what it is filed under, by a name that is a version. */
export function isConsistent(name: string, { version, manifest }: VersionRecord): boolean {
  return isVersionText(version) && manifest['version'] === version && manifest['name'] === name
}

export function objectOf(value: unknown): Fields | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Fields) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function textsOf(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(objectOf(value) ?? {})
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function unreadable(name: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'NPM_UPSTREAM',
      where: quote(name, 220),
      expected: 'the packument of this package, with at most 50000 versions, mostly of text',
      found,
      fix: 'Ask the operator of the registry behind the proxy, or correct its address in proxies.npm',
    },
    { cause },
  )
}
