import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore, StoredBlob } from '../blob-store.ts'

/** A small real blob store: one folder, one file per blob. For tests; durability is not its business. */
export function folderBlobs(folder: string): BlobStore {
  mkdirSync(folder, { recursive: true })
  const path = (sha256: string): string => join(folder, sha256)
  const putFile = async (temporary: string, expected?: string): Promise<StoredBlob> => {
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of createReadStream(temporary) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
    const sha256 = hash.digest('hex')
    if (expected !== undefined && expected !== sha256) {
      await rm(temporary)
      throw new Error(`expected ${expected}, found ${sha256}`)
    }
    await rename(temporary, path(sha256))
    return { sha256, size }
  }
  return {
    has: (sha256) => Promise.resolve(existsSync(path(sha256))),
    path,
    putFile,
    async put(bytes) {
      const temporary = join(folder, `.${randomUUID()}`)
      await writeFile(temporary, bytes)
      return putFile(temporary)
    },
    async read(sha256) {
      const bytes = await readFile(path(sha256))
      const found = createHash('sha256').update(bytes).digest('hex')
      if (found !== sha256) throw new Error(`expected ${sha256}, found ${found}`)
      return bytes
    },
  }
}
