import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { quote, SallyportError, type Problem } from '#error'
import type { Progress } from '../fetch.ts'
import { hashFile } from '../hash.ts'
import type { DebEntry, LockedRoot } from '../lock/lock.ts'
import { withFolder, type Storage } from '../workspace.ts'
import { openArchive, type Archive, type ArchiveOptions } from './archive.ts'
import { makeChain, recallChain, rememberChain, type ArchiveChain } from './chain.ts'

/** What `pinnedRoot` needs; `archive` replaces this machine's own apt sources and keys. */
export interface PinnedRootOptions extends Storage {
  readonly archive?: ArchiveOptions
  readonly onProgress?: (progress: Progress) => void
}

/** The .debs of a locked root, and the digest of both. */
export interface LockedDebs {
  readonly debs: readonly DebEntry[]
  readonly root: LockedRoot
  readonly digest: string
}

/** How the .debs were followed. */
export interface Followed {
  readonly chain: ArchiveChain
  /** SHA-256 of the .debs that were not in the store before. */
  readonly fetched: ReadonlySet<string>
}

/**
 * Sees to it that every .deb is in the store and was once listed by an index that the archive signed.
 *
 * @throws SallyportError PINNED_ROOT_UNAVAILABLE, ROOT_ARCHIVE_UNREACHABLE, ROOT_ARCHIVE_UNTRUSTED
 */
export async function followToArchive(
  wanted: LockedDebs,
  options: PinnedRootOptions,
): Promise<Followed> {
  const { debs, root, digest } = wanted
  const known = await recallChain(options, digest)
  const present = await Promise.all(debs.map(({ sha256 }) => options.blobs.has(sha256)))
  const missing = debs.filter((_, index) => !present[index])
  if (known !== undefined && missing.length === 0) return { chain: known, fetched: new Set() }
  // Where a package has left the release suite, it may still be in the one that it came from.
  const others = [`${root.suite}-updates`, `${root.suite}-security`]
  const first = await follow([root.suite], wanted, missing, options)
  if (first.unlisted.length === 0) return first
  const second = await follow([root.suite, ...others], wanted, missing, options)
  SallyportError.throwAll(second.unlisted.map(goneFromArchive))
  return second
}

async function follow(
  suites: readonly string[],
  { debs, root, digest }: LockedDebs,
  missing: readonly DebEntry[],
  options: PinnedRootOptions,
): Promise<Followed & { readonly unlisted: readonly DebEntry[] }> {
  const fetched = new Set(missing.map(({ sha256 }) => sha256))
  return withFolder(options.workspace, async (folder) => {
    const { architecture } = root
    const archive = await openArchive({ suites, architecture, folder }, options.archive ?? {})
    const { chain, unlisted } = await makeChain(archive, debs, options)
    if (unlisted.length > 0) return { chain, unlisted, fetched }
    await fetchDebs(missing, archive, options)
    await rememberChain(options, digest, chain)
    return { chain, unlisted, fetched }
  })
}

/** Downloads .debs with the archive's own apt into the blob store, each with the digest that is wanted. */
export async function fetchDebs(
  debs: readonly DebEntry[],
  archive: Archive,
  options: PinnedRootOptions,
): Promise<void> {
  if (debs.length === 0) return
  await withFolder(options.workspace, async (into) => {
    const names = debs.map(({ name, version, architecture }) =>
      architecture === 'all' ? `${name}=${version}` : `${name}:${architecture}=${version}`,
    )
    const { failure } = await archive.apt.download(names, into)
    const found = new Map<string, string>()
    for (const file of await readdir(into)) {
      const path = join(into, file)
      found.set((await hashFile(path)).sha256, path)
    }
    SallyportError.throwAll(
      debs.filter(({ sha256 }) => !found.has(sha256)).map((deb) => notFetched(deb, failure)),
    )
    for (const [index, { id, sha256, size }] of debs.entries()) {
      await options.blobs.putFile(found.get(sha256) ?? '', sha256)
      const provenience = { from: 'archive' } as const
      options.onProgress?.({ id, done: index + 1, total: debs.length, size, provenience })
    }
  })
}

export const renewRoot = 'Run `sallyport lock --root`, review what changed, and commit the lock'

function goneFromArchive({ id, name, version, architecture, sha256 }: DebEntry): Problem {
  return {
    code: 'PINNED_ROOT_UNAVAILABLE',
    where: id,
    expected: `${name} ${version} for ${architecture} (sha256 ${sha256}) in an index that Debian signs today`,
    found: 'no index that lists it: the archive has moved on',
    fix: `${renewRoot}; until then, run \`sallyport build --root measured\``,
  }
}

function notFetched(deb: DebEntry, failure: string | undefined): Problem {
  return {
    ...goneFromArchive(deb),
    found: failure === undefined ? 'other bytes under that name' : quote(failure, 300),
  }
}
