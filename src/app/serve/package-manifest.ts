import type { PackageManifest } from '#chokepoint'
import { quote, SallyportError } from '#error'
import { readTar, type ArchiveEntry } from '#materials'

const limits = { maxEntries: 200_000, maxBytes: 1e9 }
const maxBytes = 8_000_000

/**
 * What the package.json of an npm package says it is, read as npm reads it. Whoever made the archive is not trusted: two
 * files that could become the one package.json are refused, because which of them counts depends on who unpacks. So is what
 * could lead one there: links, of which npm packs none and some unpack them, and paths that climb.
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
    if (kind === 'symlink' || kind === 'hardlink')
      throw unreadable(`a ${kind} at ${quote(path, 200)}`, 'files, and no links')
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
