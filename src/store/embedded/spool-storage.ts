import { constants } from 'node:fs'
import { open, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { BodyStore, SpoolStorage } from '#log'
import { openFileBlobs } from './blobs.ts'
import { absent, codeOf, fileSize, makeFolder, syncFolder, writeWhole } from './durable.ts'

/** Where a spool is kept in files. */
export interface FileSpoolOptions {
  readonly folder: string
  /** The file that remembers the newest line; apart from the folder. */
  readonly memory: string
}

/**
 * Keeps a spool in a folder: `entries.jsonl` (0600), which is only added to; `blobs/`, what its entries refer to; and
 * locks, which a process has for as long as it lives.
 */
export function openFileSpool(options: FileSpoolOptions): SpoolStorage {
  return new FolderSpool(options)
}

/** What is gone with the container, or with the power: Linux's numbers of tmpfs, ramfs and overlayfs. */
const passing: ReadonlyMap<number, string> = new Map([
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
  [0x794c_7630, 'overlay'],
])

/** The kind of the file system on which a folder is, or will be, when that does not outlive the machine or container. */
export async function passingFileSystem(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await statfs(at).catch(absent)
    // The number may be given with a sign.
    if (found !== undefined) return passing.get(found.type >>> 0)
    if (at === dirname(at)) return undefined
  }
}

const mode = 0o600

class FolderSpool implements SpoolStorage {
  readonly bodies: BodyStore
  readonly #folder: string
  readonly #file: string
  readonly #blobs: string
  readonly #memory: string
  #lock: DatabaseSync | undefined

  constructor({ folder, memory }: FileSpoolOptions) {
    this.#folder = folder
    this.#file = join(folder, 'entries.jsonl')
    this.#blobs = join(folder, 'blobs')
    this.#memory = memory
    this.bodies = openFileBlobs(this.#blobs).bodies
  }

  get name(): string {
    return this.#folder
  }

  async take(): Promise<boolean> {
    if (this.#lock !== undefined) return true
    await makeFolder(this.#folder, 0o700)
    this.#lock = lockOf(join(this.#folder, 'lock'))
    return this.#lock !== undefined
  }

  async read(): Promise<Uint8Array> {
    return (await readFile(this.#file).catch(absent)) ?? new Uint8Array()
  }

  async readAt(from: number, length: number): Promise<Uint8Array> {
    const handle = await open(this.#file, 'r')
    try {
      const bytes = Buffer.alloc(length)
      for (let at = 0; at < length;) {
        const { bytesRead } = await handle.read(bytes, at, length - at, from + at)
        if (bytesRead === 0) return bytes.subarray(0, at)
        at += bytesRead
      }
      return bytes
    } finally {
      await handle.close()
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    // It is there: `replace` has made it. One that is gone must not come back with its newest lines alone.
    const handle = await open(this.#file, constants.O_WRONLY | constants.O_APPEND)
    try {
      await handle.appendFile(bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  async cut(length: number): Promise<void> {
    const handle = await open(this.#file, 'r+')
    try {
      await handle.truncate(length)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await writeWhole(this.#file, bytes, { temporary: this.#folder, mode, durable: true })
    await syncFolder(this.#folder)
  }

  async bodyBytes(): Promise<number> {
    const names = await readdir(this.#blobs, { recursive: true }).catch(absent)
    const sizes = (names ?? []).map((name) => fileSize(join(this.#blobs, name)))
    return (await Promise.all(sizes)).reduce<number>((sum, size = 0) => sum + size, 0)
  }

  async clearBodies(): Promise<void> {
    await rm(this.#blobs, { recursive: true, force: true })
  }

  async remember(line: string, { durable }: { readonly durable: boolean }): Promise<void> {
    const temporary = dirname(this.#memory)
    await makeFolder(temporary, 0o700)
    await writeWhole(this.#memory, Buffer.from(`${line}\n`), { temporary, mode, durable })
    if (durable) await syncFolder(temporary)
  }

  async remembered(): Promise<string | undefined> {
    const text = await readFile(this.#memory, 'utf8').catch(absent)
    return text !== undefined && /^[0-9a-f]{64}\n$/.test(text) ? text.slice(0, -1) : undefined
  }

  async close(): Promise<void> {
    this.#lock?.close()
    this.#lock = undefined
  }
}

/** As the log does it (`folder-lock.ts`), without a queue: a lock of SQLite, which ends with the process. */
function lockOf(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (problem) {
    database.close()
    if (codeOf(problem) !== 'ERR_SQLITE_ERROR' || !/locked/.test(String(problem))) throw problem
    return undefined
  }
}
