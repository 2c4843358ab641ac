import { quote, SallyportError } from '#error'
import { comparePaths, unsafePath, type TreeEntry, type TreeFile } from './entry.ts'
import { entryHeader } from './header.ts'

/** How a tree is written. */
export interface CreateTarOptions {
  /** Seconds since 1970: the one time that every entry gets. */
  readonly mtime: number
  /** What the tree is, for messages. */
  readonly what: string
  /** Called before a file's content is given: where in the archive it begins. */
  readonly onFile?: (file: TreeFile, offset: number) => void
}

const block = 512

/**
 * Writes a tree as a tar archive that is a function of nothing but the tree: POSIX ustar with PAX records where ustar
 * has no room, entries sorted bytewise, every folder present and before what is in it, owner 0:0 without names, one
 * time for all. Refuses names that could leave the folder they are unpacked in, and anything below a symlink.
 *
 * @throws SallyportError TREE_PATH_UNSAFE, TREE_CONFLICT, TREE_CONTENT
 */
export async function* createTar(
  entries: Iterable<TreeEntry>,
  options: CreateTarOptions,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (const entry of arrange(entries, options.what)) {
    const header = entryHeader(entry, options.mtime)
    yield header
    offset += header.length
    if (entry.kind !== 'file') continue
    options.onFile?.(entry, offset)
    yield* contentOf(entry, options.what)
    const padding = (block - (entry.size % block)) % block
    if (padding > 0) yield new Uint8Array(padding)
    offset += entry.size + padding
  }
  yield new Uint8Array(2 * block)
}

/** Sorts, adds the folders that are implied, and refuses trees that no file system could hold. */
export function arrange(entries: Iterable<TreeEntry>, what: string): TreeEntry[] {
  const tree = new Map<string, TreeEntry>()
  for (const entry of entries) {
    const unsafe = unsafePath(entry.path)
    if (unsafe !== undefined) throw unsafeName(entry.path, unsafe, what)
    const earlier = tree.get(entry.path)
    if (earlier !== undefined && !(earlier.kind === 'directory' && entry.kind === 'directory'))
      throw conflict(
        entry.path,
        'one entry for each path',
        `${earlier.kind} and ${entry.kind}`,
        what,
      )
    tree.set(entry.path, entry)
  }
  for (const path of tree.keys()) addParents(path, tree, what)
  return [...tree.values()].sort((a, b) => comparePaths(a.path, b.path))
}

function addParents(path: string, tree: Map<string, TreeEntry>, what: string): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = path.slice(0, end)
    const found = tree.get(parent)
    if (found === undefined) tree.set(parent, { kind: 'directory', path: parent, mode: 0o755 })
    else if (found.kind === 'directory') return
    else throw conflict(path, `a folder at ${quote(parent)}`, `a ${found.kind} there`, what)
  }
}

async function* contentOf(file: TreeFile, what: string): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const chunk of file.content()) {
    length += chunk.length
    if (length > file.size) break
    yield chunk
  }
  if (length === file.size) return
  throw new SallyportError({
    code: 'TREE_CONTENT',
    where: `${what}: ${quote(file.path)}`,
    expected: `${file.size} bytes`,
    found: length > file.size ? 'more' : `${length} bytes`,
    fix: 'Run the command again; a file changed while it was read',
  })
}

export function unsafeName(path: string, reason: string, what: string): SallyportError {
  return new SallyportError({
    code: 'TREE_PATH_UNSAFE',
    where: what,
    expected: 'relative names that stay inside their folder',
    found: `${reason}: ${quote(path)}`,
    fix: `Remove or rename ${quote(path)} where the tree is made`,
  })
}

export function conflict(
  path: string,
  expected: string,
  found: string,
  what: string,
): SallyportError {
  return new SallyportError({
    code: 'TREE_CONFLICT',
    where: `${what}: ${quote(path)}`,
    expected,
    found,
    fix: `Remove one of the two where the tree is made`,
  })
}
