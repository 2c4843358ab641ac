import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  createTar,
  readTar,
  storeChunks,
  withFolder,
  type Storage,
  type StoredBlob,
  type TreeEntry,
  type TreeFile,
} from '#materials'
import type { StepOutput } from './records.ts'

/**
 * Makes of the outputs of a step the tree that later steps see at `/in/<step id>`: each output at its own path, files
 * and folders alike, read-only.
 */
export async function inputTree(
  outputs: readonly StepOutput[],
  options: { readonly mtime: number; readonly step: string },
  storage: Storage,
): Promise<StoredBlob> {
  const what = `the outputs of step ${options.step}`
  return withFolder(storage.workspace, async (folder) => {
    using spool = openSpool(join(folder, 'spool'))
    const entries: TreeEntry[] = []
    for (const output of outputs) {
      if (output.type === 'file') entries.push(fileEntry(output, storage))
      else entries.push(...(await folderEntries(output, what, spool, storage)))
    }
    return storeChunks(createTar(entries, { mtime: options.mtime, what }), storage)
  })
}

/** A file is its bytes; what must stay executable is handed on in a folder. */
function fileEntry({ path, size, sha256 }: StepOutput, storage: Storage): TreeEntry {
  const content = () => createReadStream(storage.blobs.path(sha256)) as AsyncIterable<Buffer>
  return { kind: 'file', path, size, mode: 0o644, content }
}

/** What is in the tar of a folder, below the folder's own path. */
async function folderEntries(
  output: StepOutput,
  what: string,
  spool: ContentSpool,
  storage: Storage,
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [{ kind: 'directory', path: output.path, mode: 0o755 }]
  const archive = createReadStream(storage.blobs.path(output.sha256)) as AsyncIterable<Buffer>
  await readTar(archive, {
    what,
    onEntry: (entry) => {
      const inner = entry.path.replace(/^(?:\.\/)+|\/+$/g, '')
      if (inner === '' || inner === '.') return undefined
      const path = `${output.path}/${inner}`
      if (entry.kind === 'directory') entries.push({ kind: 'directory', path, mode: 0o755 })
      if (entry.kind === 'symlink') entries.push({ kind: 'symlink', path, target: entry.target })
      if (entry.kind !== 'file') return undefined
      const mode = (entry.mode & 0o100) === 0 ? 0o644 : 0o755
      const { size } = entry
      entries.push({ kind: 'file', path, mode, size, content: spool.reserve(size) })
      return (chunk) => spool.append(chunk)
    },
  })
  return entries
}

/** Contents in the order they were read, while the tree is written in its own. */
interface ContentSpool extends Disposable {
  /** Where the next `size` bytes will be found. */
  reserve(size: number): TreeFile['content']
  append(chunk: Uint8Array): void
}

function openSpool(path: string): ContentSpool {
  const file = openSync(path, 'wx', 0o600)
  let reserved = 0
  return {
    reserve(size) {
      const start = reserved
      reserved += size
      if (size === 0) return () => []
      return () => createReadStream(path, { start, end: start + size - 1 }) as AsyncIterable<Buffer>
    },
    append(chunk) {
      for (let done = 0; done < chunk.length;) done += writeSync(file, chunk, done)
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
