import { opendir, stat } from 'node:fs/promises'
import { SallyportError, quote } from '#error'
import { unavailable } from './unavailable.ts'

const maxEntries = 100_000
const maxFolders = 16
/** A folder that changed so lately may change again within the same tick of its clock, which may be another one's. */
const settledNs = 10_000_000_000n

/** The files of a folder that are named after a digest, by that digest. */
type Listing = ReadonlyMap<string, readonly string[]>

interface Kept {
  readonly mark: string
  readonly listing: Listing
}

/** Of this process, the folder that was asked for longest ago first. Names only: files are read whenever they are asked for. */
const kept = new Map<string, Kept>()

/**
 * The names of the files of a folder that begin with a digest and a dot, in order; undefined when there is no such folder.
 * A folder of ten thousand is listed once, and again when it has changed.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function filesAbout(
  folder: string,
  sha256: string,
  now: () => number,
): Promise<readonly string[] | undefined> {
  const before = await markOf(folder, now())
  if (before === undefined) return undefined
  const known = kept.get(folder)
  if (known?.mark === before.text) return known.listing.get(sha256) ?? []
  kept.delete(folder)
  const names = await list(folder)
  if (names === undefined) return undefined
  const listing = byDigest(names)
  if (before.isSettled && (await markOf(folder, now()))?.text === before.text) {
    kept.set(folder, { mark: before.text, listing })
    for (const oldest of kept.keys()) if (kept.size > maxFolders) kept.delete(oldest)
  }
  return listing.get(sha256) ?? []
}

/** What changes whenever something comes into the folder or leaves it. */
async function markOf(
  folder: string,
  time: number,
): Promise<{ text: string; isSettled: boolean } | undefined> {
  try {
    const { dev, ino, mtimeNs, ctimeNs } = await stat(folder, { bigint: true })
    const now = BigInt(time) * 1_000_000n
    const last = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
    return { text: [dev, ino, mtimeNs, ctimeNs].join(), isSettled: now - last > settledNs }
  } catch (cause) {
    return asAbsent(folder, cause)
  }
}

/** The files of a folder, in order; undefined when there is no such folder. */
export async function list(folder: string): Promise<readonly string[] | undefined> {
  const names: string[] = []
  let seen = 0
  try {
    for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
      seen += 1
      if (seen > maxEntries) throw unavailable(folder, `at most ${maxEntries} entries`, 'more')
      if (!entry.isDirectory() && !entry.name.startsWith('.')) names.push(entry.name)
    }
  } catch (cause) {
    return asAbsent(folder, cause)
  }
  return names.sort()
}

function asAbsent(folder: string, cause: unknown): undefined {
  if (cause instanceof SallyportError) throw cause
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return undefined
  throw unavailable(folder, 'a folder that can be read', quote(code ?? 'an error'), cause)
}

function byDigest(names: readonly string[]): Listing {
  const listing = new Map<string, string[]>()
  for (const name of names) {
    const [, sha256] = /^([0-9a-f]{64})\./.exec(name) ?? []
    if (sha256 === undefined) continue
    const same = listing.get(sha256)
    if (same === undefined) listing.set(sha256, [name])
    else same.push(name)
  }
  return listing
}
