import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { checkShape, encodeCanonical, parseJson, type Json } from '#document'
import type { BlobStore, StoredBlob } from './blob-store.ts'

/** Where work is kept: verified content in the blob store, everything in progress in a private folder. */
export interface Storage {
  readonly blobs: BlobStore
  /** A folder of the orchestrator's own, on the same file system as the store. Workers never see it. */
  readonly workspace: string
}

/** Gives a new private folder, and removes it with all that is in it when the work is done or has failed. */
export async function withFolder<T>(
  workspace: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const parent = join(workspace, 'tmp')
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(parent, 'job-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const writeSize = 1 << 20

/** Writes a stream of bytes into the blob store, through a private file. */
export async function storeChunks(
  chunks: AsyncIterable<Uint8Array>,
  storage: Storage,
): Promise<StoredBlob> {
  return withFolder(storage.workspace, async (folder) => {
    const path = join(folder, 'blob')
    await writeChunks(path, chunks)
    return storage.blobs.putFile(path)
  })
}

/** Writes a stream of bytes into a new file; small pieces are gathered, so that each write is worth its call. */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    let pending: Uint8Array[] = []
    let length = 0
    for await (const chunk of chunks) {
      pending.push(chunk)
      length += chunk.length
      if (length < writeSize) continue
      await file.writeFile(Buffer.concat(pending))
      pending = []
      length = 0
    }
    await file.writeFile(Buffer.concat(pending))
  } finally {
    await file.close()
  }
}

/**
 * A note to ourselves that something was already worked out from content that cannot change (a tree made from a
 * tarball, an archive chain that was verified). Losing it costs time, never safety.
 */
export async function recall<T>(
  workspace: string,
  kind: string,
  key: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const bytes = await readFile(notePath(workspace, kind, key)).catch(() => undefined)
  if (bytes === undefined) return undefined
  try {
    return checkShape(schema, parseJson(bytes, { what: 'a note' }), { what: 'a note' })
  } catch {
    // A note that was cut off or written by another version is as good as none: it is worked out again.
    return undefined
  }
}

export async function remember(
  workspace: string,
  kind: string,
  key: string,
  value: Json,
): Promise<void> {
  const path = notePath(workspace, kind, key)
  await mkdir(join(workspace, 'notes', kind), { recursive: true, mode: 0o700 })
  await withFolder(workspace, async (folder) => {
    const temporary = join(folder, 'note')
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(encodeCanonical(value))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  })
}

function notePath(workspace: string, kind: string, key: string): string {
  return join(workspace, 'notes', kind, `${key}.json`)
}
