import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { quote, SallyportError } from '#error'
import {
  comparePaths,
  createTar,
  storeChunks,
  type Storage,
  type StoredBlob,
  type TreeEntry,
} from '#materials'
import { openContents, type Contents } from './contents.ts'
import type { Git } from './git.ts'
import type { GitEntry } from './tree.ts'

/** A tree of source as a deterministic tar in the blob store, and where each file lies in it. */
export interface SourceArchive {
  readonly blob: StoredBlob
  readonly file: (path: string) => Promise<Uint8Array | undefined>
}

interface Place {
  readonly offset: number
  readonly size: number
  readonly sha256: string
}

/** Writes the tree into the blob store and remembers where each file is, so that git is not needed again. */
export async function archiveTree(
  git: Git,
  entries: readonly GitEntry[],
  mtime: number,
  storage: Storage,
): Promise<SourceArchive> {
  const targets = await readTargets(git, entries)
  const files = entries
    .filter(({ kind }) => kind !== 'symlink')
    .toSorted((a, b) => comparePaths(a.path, b.path))
  const contents = openContents(git, files)
  const places = new Map<string, { offset: number; size: number; sha256: string }>()
  const tree = [...targets, ...files.map((entry) => treeFile(entry, contents, places))]
  const blob = await storeChunks(
    createTar(tree, {
      mtime,
      what: 'the source tree',
      onFile: ({ path, size }, offset) => places.set(path, { offset, size, sha256: '' }),
    }),
    storage,
  )
  await contents.close()
  const links = new Set(targets.map(({ path }) => path))
  return { blob, file: (path) => readFrom(path, places, links, storage.blobs.path(blob.sha256)) }
}

function treeFile(entry: GitEntry, contents: Contents, places: Map<string, Place>): TreeEntry {
  return {
    kind: 'file',
    path: entry.path,
    mode: entry.kind === 'executable' ? 0o755 : 0o644,
    size: entry.size,
    content: async function* () {
      const hash = createHash('sha256')
      for await (const chunk of contents.next(entry)) {
        hash.update(chunk)
        yield chunk
      }
      const place = places.get(entry.path)
      if (place !== undefined) places.set(entry.path, { ...place, sha256: hash.digest('hex') })
    },
  }
}

async function readTargets(git: Git, entries: readonly GitEntry[]): Promise<TreeEntry[]> {
  const links = entries.filter(({ kind }) => kind === 'symlink')
  const contents = openContents(git, links)
  const tree: TreeEntry[] = []
  for (const link of links) {
    if (link.size > 4096) throw badTarget(link, `${link.size} bytes`)
    const target = (await wholeOf(contents.next(link))).toString()
    // oxlint-disable-next-line no-control-regex
    if (target === '' || /[\u0000-\u001f\u007f\ufffd]/.test(target))
      throw badTarget(link, quote(target))
    tree.push({ kind: 'symlink', path: link.path, target })
  }
  await contents.close()
  return tree
}

async function wholeOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const gathered: Uint8Array[] = []
  for await (const chunk of chunks) gathered.push(chunk)
  return Buffer.concat(gathered)
}

// A recipe, a lock, a list of packages: nothing the orchestrator itself reads is larger.
const largestRead = 64 * 1024 ** 2

async function readFrom(
  path: string,
  places: ReadonlyMap<string, Place>,
  links: ReadonlySet<string>,
  archive: string,
): Promise<Uint8Array | undefined> {
  if (links.has(path)) throw notAFile(path)
  const place = places.get(path)
  if (place === undefined) return undefined
  if (place.size > largestRead) throw tooLarge(path, place.size)
  const bytes = Buffer.alloc(place.size)
  const file = await open(archive)
  try {
    await file.read(bytes, 0, place.size, place.offset)
  } finally {
    await file.close()
  }
  if (createHash('sha256').update(bytes).digest('hex') !== place.sha256) throw altered(path)
  return bytes
}

function badTarget(link: GitEntry, found: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_PATH_UNSAFE',
    where: quote(link.path),
    expected: 'a link whose target is a plain name of at most 4096 bytes',
    found,
    fix: `Remove the link ${quote(link.path)} from the repository`,
  })
}

function notAFile(path: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_FILE_TYPE',
    where: quote(path),
    expected: 'a regular file',
    found: 'a symbolic link',
    fix: `Replace the link ${quote(path)} by the file itself`,
  })
}

function tooLarge(path: string, size: number): SallyportError {
  return new SallyportError({
    code: 'SOURCE_TOO_LARGE',
    where: quote(path),
    expected: `at most ${largestRead} bytes`,
    found: `${size} bytes`,
    fix: `Make ${quote(path)} smaller`,
  })
}

function altered(path: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_DAMAGED',
    where: quote(path),
    expected: 'the bytes that were fetched',
    found: 'other bytes in the blob store',
    fix: 'Find out who writes to the blob store, then fetch the source again',
  })
}
