import { open, rename, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalMark } from '#log'
import { absent, syncFolder } from './durable.ts'

/**
 * The journal of a log, `.state/journal`. Used only under the lock of the log.
 *
 * It stays open between commits, which saves opening it and also keeps its inode number from being given to a later
 * journal: the number is the generation.
 */
export class JournalFile {
  readonly #folder: string
  readonly #path: string
  #open: { readonly handle: FileHandle; readonly generation: string } | undefined

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'journal')
  }

  async mark(): Promise<JournalMark | undefined> {
    const found = await stat(this.#path).catch(absent)
    if (found === undefined) return undefined
    const generation = `${found.dev}:${found.ino}`
    if (this.#open?.generation !== generation) {
      await this.close()
      this.#open = { handle: await open(this.#path, 'a+'), generation }
    }
    return { generation, length: found.size }
  }

  async read(from: number): Promise<Uint8Array> {
    const handle = await this.#handle()
    const { size } = await handle.stat()
    const bytes = Buffer.alloc(Math.max(0, size - from))
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at)
      if (bytesRead === 0) return bytes.subarray(0, at)
      at += bytesRead
    }
    return bytes
  }

  async append(bytes: Uint8Array): Promise<void> {
    const handle = await this.#handle()
    await handle.appendFile(bytes)
    // The size of a file is written with its data: without it the data could not be read again.
    await handle.datasync()
  }

  async replace(bytes: Uint8Array): Promise<void> {
    const unfinished = join(this.#folder, 'tmp', 'journal')
    const handle = await open(unfinished, 'w', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, this.#path)
    await syncFolder(this.#folder)
  }

  async close(): Promise<void> {
    const { handle } = this.#open ?? {}
    this.#open = undefined
    await handle?.close()
  }

  async #handle(): Promise<FileHandle> {
    await this.mark()
    if (this.#open === undefined) throw new Error(`no journal at ${this.#path}`)
    return this.#open.handle
  }
}
