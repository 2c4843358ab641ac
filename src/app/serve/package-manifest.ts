import type { PackageManifest } from '#chokepoint'
import { quote, SallyportError } from '#error'
import { readTar, type ArchiveEntry } from '#materials'

const limits = { maxEntries: 200_000, maxBytes: 1e9 }
const maxBytes = 8_000_000

/**
 * What the package.json of an npm package says it is, read as npm reads it. Whoever made the archive is not trusted: two
 * files that could become the one package.json are refused, because which of them counts depends on who unpacks. So is what
 * could lead one there: symbolic links, which some unpack, paths that climb, and hard links to or from it. npm packs other
 * hard links where the files of the publisher are such.
 *
 * @throws SallyportError TAR_MALFORMED, TAR_TOO_LARGE, TAR_ENTRY_TYPE, NPM_CONTENT_MISMATCH
 */
export async function readPackageManifest(tarball: Uint8Array): Promise<PackageManifest> {
  const chunks: Uint8Array[] = []
  let files = 0
  let size = 0
  const onEntry = (entry: ArchiveEntry): ((chunk: Uint8Array) => void) | undefined => {
    const { path, kind } = entry
    const parts = partsOf(path)
    if (parts.some((part) => climbs.test(part)))
      throw unreadable(`the path ${quote(path, 200)}`, 'paths without ".."')
    if (kind === 'symlink') throw linked(entry, 'a symbolic link')
    if (kind === 'hardlink' && !isHarmless(entry)) throw linked(entry, 'a hard link')
    if (!couldBeManifest(path, parts)) return undefined
    files += 1
    if (!isManifest.test(path)) throw unreadable(`a package.json at ${quote(path, 200)}`)
    if (kind !== 'file') throw unreadable(`a ${kind}`)
    return (chunk) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
    }
  }
  await readTar(once(tarball), { what: 'the tarball', limits, onEntry })
  if (files !== 1) throw unreadable(`${files} files that are a package.json`)
  if (size > maxBytes) throw unreadable(`a package.json of ${size} bytes`)
  return parse(Buffer.concat(chunks).toString('utf8'))
}

/** npm takes off the first folder, whatever it is called: this is what it reads, and the rest of them is for nobody. */
const isManifest = /^[^/\\:]+\/package\.json$/

/** Some file systems leave out dots and spaces at an end. */
const climbs = /^\.\.[. ]*$/

/** What file systems without long names, and those of Windows beside them, call it: `PACKAG~1.JSO`, or with a hash. */
const isManifestName = /^(?:package\.json|p[^~]*~[^.]*\.jso)$/

/**
 * Whether somebody could write an entry to the one package.json. npm takes off the first part, which may be empty or a
 * dot, and then everything that is a root anywhere, such as `/`, `C:` or `\\server\share`. Some file systems do not tell upper
 * case or forms of a letter, and leave out dots and spaces at an end; for those of Windows, what follows a colon is a stream of the file.
 */
function couldBeManifest(path: string, parts: readonly string[]): boolean {
  const named = parts.map((part) => part.replace(/[. ]+$/, '')).filter((part) => part !== '')
  if (/[\\:]/.test(path.normalize('NFKC'))) return named.some((part) => isManifestName.test(part))
  return named.length <= 2 && isManifestName.test(named.at(-1) ?? '')
}

/** Some unpack hard links, and write to what a link leads to: to nothing outside, and not to the package.json. */
function isHarmless({ path, target, size }: ArchiveEntry): boolean {
  const climbing = partsOf(target).some((part) => climbs.test(part))
  // A link has no content, and not everybody passes over one that has.
  if (size > 0 || climbing || !isInside.test(target)) return false
  return [path, target].every((name) => !couldBeManifest(name, partsOf(name)))
}

const isInside = /^[^/\\:][^\\:]*$/

/** HFS+, and ext4 where it does not tell upper case, leave out what is not shown. */
function partsOf(path: string): readonly string[] {
  return path
    .normalize('NFKC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .split(/[/\\:]/)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function parse(text: string): PackageManifest {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    throw unreadable('a package.json that is no JSON')
  }
  const { name, version } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof name === 'string' && typeof version === 'string') return { name, version }
  throw unreadable('a package.json without name or version')
}

function linked({ path, target }: ArchiveEntry, what: string): SallyportError {
  return new SallyportError({
    code: 'NPM_CONTENT_MISMATCH',
    where: 'the tarball',
    expected:
      'files, and no links but hard links to other files in it than its package.json: what others lead to is not what was decided',
    found: `${what} at ${quote(path, 200)} to ${quote(target, 200)}`,
    fix: 'Have whoever publishes it pack files in place of links, or use a version without them',
  })
}

function unreadable(
  found: string,
  expected = 'one package.json with name and version, in one folder',
): SallyportError {
  return new SallyportError({
    code: 'NPM_CONTENT_MISMATCH',
    where: 'the tarball',
    expected,
    found,
    fix: 'Do not install it from anywhere; tell the registry that this version is not what it says',
  })
}
