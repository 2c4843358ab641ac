import { withFolder } from '../workspace.ts'
import type { DebEntry, LockedRoot } from '../lock/lock.ts'
import { rootDigestOf } from '../lock/lock.ts'
import { openArchive } from './archive.ts'
import { makeChain, rememberChain } from './chain.ts'
import { closureOf } from './closure.ts'
import { debianArchitecture, machineCodename } from './host.ts'
import { debId, debPurl } from './name.ts'
import type { IndexedPackage } from './packages-index.ts'
import { fetchDebs, type PinnedRootOptions } from './follow.ts'

export interface LockRootOptions extends PinnedRootOptions {
  /** The packages that are asked for. */
  readonly debian: readonly string[]
  readonly platform: string
}

/**
 * Resolves Debian packages and all that they depend on to exact versions: from this machine's archive, from the release
 * suite alone, because what is there stays longest. Every .deb is downloaded once, verified and kept.
 *
 * @throws SallyportError ROOT_*, PINNED_ROOT_UNAVAILABLE
 */
export async function lockRoot(
  options: LockRootOptions,
): Promise<{ readonly root: LockedRoot; readonly entries: readonly DebEntry[] }> {
  const architecture = debianArchitecture(options.platform)
  const suite = options.archive?.codename ?? (await machineCodename())
  const root = { debian: [...new Set(options.debian)].toSorted(), suite, architecture }
  return withFolder(options.workspace, async (folder) => {
    const archive = await openArchive(
      { suites: [suite], architecture, folder },
      options.archive ?? {},
    )
    const [index] = archive.indexes
    if (index === undefined) throw new TypeError('an archive was opened without an index')
    const chosen = closureOf(root.debian, index.packages)
    const entries = chosen.map(entryOf)
    const absent: DebEntry[] = []
    for (const entry of entries) if (!(await options.blobs.has(entry.sha256))) absent.push(entry)
    await fetchDebs(absent, archive, options)
    const sorted = entries.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const { chain } = await makeChain(archive, sorted, options)
    await rememberChain(options, rootDigestOf(root, sorted), chain)
    return { root, entries: sorted }
  })
}

function entryOf(item: IndexedPackage): DebEntry {
  const { name, version, architecture, sha256, size } = item
  return {
    type: 'deb',
    id: debId(name, version),
    name,
    version,
    architecture,
    purl: debPurl(name, version, architecture),
    sha256,
    size,
    roles: ['root'],
  }
}
