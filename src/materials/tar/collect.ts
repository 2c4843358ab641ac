import { SallyportError, quote } from '#error'
import {
  linkDestination,
  unsafePath,
  type TreeEntry,
  type TreeFile,
  type TreeSymlink,
} from './entry.ts'
import { readTar, type ArchiveEntry, type TarLimits } from './read.ts'
import type { Spool } from './spool.ts'
import { conflict, unsafeName } from './write.ts'

export interface CollectOptions {
  readonly what: string
  readonly spool: Spool
  readonly limits?: TarLimits
  /** The path an entry gets in the tree; undefined leaves it out. */
  readonly place: (path: string) => string | undefined
  /** `inside`: a symlink that leads out of the tree is refused. `any`: it is kept as written. */
  readonly symlinks: 'inside' | 'any'
}

/**
 * Reads an archive into a tree: content goes to the spool, hard links become files of their own, modes become 0755 or
 * 0644 (setuid, setgid and sticky bits are dropped), and a name that could leave the tree is refused.
 */
export async function collectTree(
  chunks: AsyncIterable<Uint8Array>,
  options: CollectOptions,
): Promise<TreeEntry[]> {
  const tree = new Map<string, TreeEntry>()
  await readTar(chunks, {
    what: options.what,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onEntry: (entry) => {
      const path = placeOf(entry.path, options)
      if (path === undefined) return undefined
      const made = madeOf(entry, path, tree, options)
      const earlier = tree.get(path)
      if (earlier !== undefined && (earlier.kind !== 'directory' || made.kind !== 'directory'))
        throw conflict(path, 'one entry for each path', 'the path twice', options.what)
      tree.set(path, made)
      return entry.kind === 'file' ? (chunk) => options.spool.append(chunk) : undefined
    },
  })
  return [...tree.values()]
}

function placeOf(written: string, options: CollectOptions): string | undefined {
  const path = written.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
  if (path === '' || path === '.') return undefined
  const unsafe = unsafePath(path)
  if (unsafe !== undefined) throw unsafeName(written, unsafe, options.what)
  const placed = options.place(path)
  return placed === '' ? undefined : placed
}

function madeOf(
  entry: ArchiveEntry,
  path: string,
  tree: ReadonlyMap<string, TreeEntry>,
  options: CollectOptions,
): TreeEntry {
  switch (entry.kind) {
    case 'directory':
      return { kind: 'directory', path, mode: 0o755 }
    case 'symlink':
      return symlink(path, entry.target, options)
    case 'hardlink':
      return copyOf(entry, path, tree, options)
    case 'file':
      return {
        kind: 'file',
        path,
        mode: (entry.mode & 0o111) === 0 ? 0o644 : 0o755,
        size: entry.size,
        content: options.spool.content(options.spool.length, entry.size),
      }
  }
}

function symlink(path: string, target: string, options: CollectOptions): TreeSymlink {
  const escapes = options.symlinks === 'inside' && linkDestination(path, target) === undefined
  // oxlint-disable-next-line no-control-regex
  if (escapes || target === '' || /[\u0000-\u001f\u007f]/.test(target) || target.length > 4096)
    throw linkRefused(path, target, options.what)
  return { kind: 'symlink', path, target }
}

function copyOf(
  entry: ArchiveEntry,
  path: string,
  tree: ReadonlyMap<string, TreeEntry>,
  options: CollectOptions,
): TreeFile {
  const target = placeOf(entry.target, options)
  const original = target === undefined ? undefined : tree.get(target)
  if (original?.kind !== 'file') throw linkRefused(path, entry.target, options.what)
  return { ...original, path }
}

function linkRefused(path: string, target: string, what: string): SallyportError {
  return new SallyportError({
    code: 'TREE_LINK_UNSAFE',
    where: `${what}: ${quote(path)}`,
    expected: 'links that stay inside the tree',
    found: `a link to ${quote(target)}`,
    fix: `Remove the link ${quote(path)} where the archive is made`,
  })
}
