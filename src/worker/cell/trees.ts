import { mkdirSync } from 'node:fs'

import { furnishRoot, type Folders } from './folders.ts'
import { CellError, unpackProblem } from './problems.ts'
import type { CellSpec } from './protocol.ts'
import { unpackAside } from './unpack-aside.ts'
import type { UnpackJob } from './unpack-thread.ts'
import { unpackTar, type OpenBlob, type Unpacked } from './unpack.ts'

/** What was unpacked, as far as it matters afterwards. */
export interface Trees {
  /** Folders of programs among the mounted tools. */
  readonly toolFolders: readonly string[]
  readonly source: Unpacked
}

interface Tree extends UnpackJob {
  readonly what: string
}

// They belong to nobody in a sandbox, and look like a find to anybody who searches.
const secretFiles = new Set(['etc/shadow', 'etc/shadow-', 'etc/gshadow', 'etc/gshadow-'])
const nothing: Unpacked = { entries: new Map() }
/** Starting a thread takes as long as unpacking this much. */
const worthAThread = 16 << 20

/** Unpacks root, tools, inputs and source, verified, and makes the places where they meet. */
export async function unpackTrees(spec: CellSpec, folders: Folders): Promise<Trees> {
  const tree = treesOf(spec, folders)
  const all = [tree.root, ...tree.mounts, tree.source].filter((one) => one !== undefined)
  const unpacked = await unpackAll(all)
  const entriesOf = (one: Tree | undefined): Unpacked =>
    (one === undefined ? undefined : unpacked.get(one)) ?? nothing
  const places = spec.mounts.map(({ at }) => at.slice(1))
  if (spec.without.includes('hidden-host')) places.push('host')
  try {
    furnishRoot(folders.root, entriesOf(tree.root).entries, places)
  } catch (error) {
    throw unpackProblem('the root', '', error)
  }
  const source = entriesOf(tree.source)
  checkCwd(spec.cwd, source)
  const tools = tree.mounts.filter(
    (one) => one.what.startsWith('/tool/') && entriesOf(one).entries.get('bin') === 'directory',
  )
  return { toolFolders: tools.map(({ what }) => `${what}/bin`), source }
}

function treesOf(
  { root, source, mounts, payloadUid, without }: CellSpec,
  folders: Folders,
): { root: Tree | undefined; mounts: readonly Tree[]; source: Tree | undefined } {
  const hashUncheckedUnsafe = without.includes('material-hash')
  const tree = (what: string, blob: OpenBlob, folder: string, owner: number): Tree => ({
    what,
    blob,
    folder,
    options: {
      owner,
      hashUncheckedUnsafe,
      ...(what === 'the root' ? { without: secretFiles } : {}),
    },
  })
  return {
    root: root && tree('the root', root, folders.root, 0),
    mounts: mounts.map(({ at, tree: blob }, index) => {
      const folder = `${folders.trees}/${index}`
      mkdirSync(folder)
      return tree(at, blob, folder, 0)
    }),
    source: source && tree('the source', source, folders.build, payloadUid),
  }
}

/** The largest tree in a thread of its own, the others here meanwhile. */
async function unpackAll(trees: readonly Tree[]): Promise<ReadonlyMap<Tree, Unpacked>> {
  const bySize = trees.toSorted((a, b) => b.blob.size - a.blob.size)
  const [largest, ...others] = bySize
  const unpacked = new Map<Tree, Unpacked>()
  if (largest === undefined) return unpacked
  const aside = largest.blob.size >= worthAThread
  const apart = aside ? unpackAside(largest) : undefined
  apart?.catch(() => {}) // Awaited below; what fails here is told first.
  for (const tree of aside ? others : bySize)
    unpacked.set(
      tree,
      await named(tree, async () => unpackTar(tree.blob, tree.folder, tree.options)),
    )
  if (apart !== undefined) unpacked.set(largest, await named(largest, () => apart))
  return unpacked
}

async function named(tree: Tree, unpack: () => Promise<Unpacked>): Promise<Unpacked> {
  try {
    return await unpack()
  } catch (error) {
    const { sha256, size } = tree.blob
    throw unpackProblem(tree.what, `sha256 ${sha256}, ${size} bytes`, error)
  }
}

function checkCwd(cwd: string, source: Unpacked): void {
  const folder = cwd.slice('/build/'.length)
  if (folder === '' || source.entries.get(folder) === 'directory') return
  throw new CellError({
    code: 'WORKER_SPEC',
    where: 'cwd',
    expected: 'a directory of the source',
    found: `${cwd}, which the source does not have`,
    fix: 'Add the directory to the source, or name another "cwd" in the recipe.',
  })
}
