import { createHash } from 'node:crypto'
import { canonicalJson, encodeCanonical, sha256Hex, type Json } from '#document'
import { quote, SallyportError } from '#error'
import type { StoredBlob } from '../blob-store.ts'
import { treeTime } from '../npm/tree.ts'
import { comparePaths, type TreeEntry, type TreeFile } from '../tar/entry.ts'
import { createTar } from '../tar/write.ts'
import { storeChunks, type Storage } from '../workspace.ts'
import { generatedEntries, rootRule } from './root-rule.ts'

/** The files that one package brings into a root. */
export interface PackageTree {
  readonly name: string
  readonly entries: readonly TreeEntry[]
}

export interface AssembledRoot {
  readonly tar: StoredBlob
  /** A list of every path with package, mode and digest, canonical JSON in the blob store. */
  readonly manifest: StoredBlob
  /** A digest over the list of each package's paths, by package name. */
  readonly packageDigests: ReadonlyMap<string, string>
}

interface Listed {
  readonly path: string
  readonly package: string
  readonly [key: string]: Json
}

/**
 * Puts packages and the generated files together as one deterministic tar. Two packages may share a folder, never a
 * file, unless it is the same file; a generated file replaces a package's.
 *
 * @throws SallyportError ROOT_CONFLICT, TREE_*
 */
export async function assembleTree(
  packages: readonly PackageTree[],
  storage: Storage,
): Promise<AssembledRoot> {
  const tree = new Map<string, { entry: TreeEntry; owner: string }>()
  for (const { name, entries } of packages) for (const entry of entries) place(tree, entry, name)
  const packaged = [...tree.values()].map(({ entry }) => entry)
  for (const entry of generatedEntries(packaged)) tree.set(entry.path, { entry, owner: '' })
  const listed: Listed[] = []
  const entries = [...tree.values()].map(({ entry, owner }) =>
    entry.kind === 'file' ? hashed(entry, owner, listed) : list(entry, owner, listed),
  )
  const tar = await storeChunks(createTar(entries, { mtime: treeTime, what: 'the root' }), storage)
  listed.sort((a, b) => comparePaths(a.path, b.path))
  const manifest = await storage.blobs.put(encodeCanonical({ rule: rootRule, entries: listed }))
  return { tar, manifest, packageDigests: digestsOf(listed) }
}

function place(
  tree: Map<string, { entry: TreeEntry; owner: string }>,
  entry: TreeEntry,
  owner: string,
): void {
  const earlier = tree.get(entry.path)
  if (earlier === undefined) tree.set(entry.path, { entry, owner })
  else if (!isSame(earlier.entry, entry)) throw rootConflict(entry.path, earlier.owner, owner)
}

function isSame(a: TreeEntry, b: TreeEntry): boolean {
  if (a.kind === 'directory' || b.kind === 'directory') return a.kind === b.kind
  return a.kind === 'symlink' && b.kind === 'symlink' && a.target === b.target
}

function hashed(file: TreeFile, owner: string, listed: Listed[]): TreeFile {
  return {
    ...file,
    content: async function* () {
      const hash = createHash('sha256')
      for await (const chunk of file.content()) {
        hash.update(chunk)
        yield chunk
      }
      const { path, mode, size } = file
      listed.push({ path, package: owner, mode, size, sha256: hash.digest('hex') })
    },
  }
}

function list(entry: Exclude<TreeEntry, TreeFile>, owner: string, listed: Listed[]): TreeEntry {
  const { path } = entry
  listed.push(
    entry.kind === 'symlink'
      ? { path, package: owner, target: entry.target }
      : { path, package: owner, mode: entry.mode },
  )
  return entry
}

function digestsOf(listed: readonly Listed[]): ReadonlyMap<string, string> {
  const byPackage = Map.groupBy(listed, (item) => item.package)
  return new Map(
    [...byPackage].map(([name, items]) => [name, sha256Hex(canonicalJson(items))] as const),
  )
}

function rootConflict(path: string, first: string, second: string): SallyportError {
  return new SallyportError({
    code: 'ROOT_CONFLICT',
    where: quote(`/${path}`),
    expected: 'one package for each file',
    found: `${first} and ${second}`,
    fix: `Take ${first} or ${second} out of the recipe's root.debian`,
  })
}
