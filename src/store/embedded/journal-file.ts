import { constants } from 'node:fs'
import { open, readFile, rename, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { endOfRecords, type JournalMark } from '#log'
import { absent, syncFolder } from './durable.ts'

// On Linux a write to such a file is durable when it returns: one call instead of two.
const durably = process.platform === 'linux' ? constants.O_DSYNC : 0
const room = new Uint8Array(2 ** 20)

interface OpenJournal {
  readonly handle: FileHandle
  readonly generation: string
  /** Where the records end, as far as is known here. */
  end: number
  /** The size of the file: what is behind the end is zeros. */
  size: number
}

/**
 * The journal of a log, `.state/journal`. Used only under the lock of the log, but for `peek`.
 *
 * It stays open between commits, which saves opening it and also keeps its inode number from being given to a later
 * journal: the number is the generation.
 *
 * Behind the records of a journal that grows there is room, which is made beside the commits. A write into room that
 * is there changes no size: it waits for its own bytes and not for what the file system has to say of all files.
 */
export class JournalFile {
  readonly #folder: string
  readonly #path: string
  #open: OpenJournal | undefined
  #making: Promise<void> | undefined
  /** With the last handle of a journal that was replaced goes its content, which may take a while: nobody waits for that. */
  #closing: Promise<void> = Promise.resolve()
  /** Since the lock was taken: before that, others may have done anything. */
  #isKnown = false

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'journal')
  }

  /** To be called when the lock has been taken. */
  begin(): void {
    this.#isKnown = false
  }

  async mark(): Promise<JournalMark | undefined> {
    const found = await stat(this.#path).catch(absent)
    if (found === undefined) return undefined
    const generation = `${found.dev}:${found.ino}`
    if (this.#open?.generation !== generation) {
      this.#letGo()
      const handle = await open(this.#path, constants.O_RDWR | durably)
      this.#open = { handle, generation, end: 0, size: 0 }
    }
    this.#open.size = found.size
    await findEnd(this.#open)
    this.#isKnown = true
    return { generation, length: this.#open.end }
  }

  /** What is there, without the lock: somebody may be writing. */
  async peek(): Promise<Uint8Array | undefined> {
    const bytes = await readFile(this.#path).catch(absent)
    return bytes?.subarray(0, endOfRecords(bytes))
  }

  async read(from: number): Promise<Uint8Array> {
    const { handle, end } = await this.#current()
    return readBytes(handle, from, end)
  }

  async append(bytes: Uint8Array): Promise<void> {
    const journal = await this.#current()
    // It would write over room that is being made.
    if (journal.end + bytes.length > journal.size) await this.atRest()
    await write(journal.handle, bytes, journal.end)
    journal.end += bytes.length
    journal.size = Math.max(journal.size, journal.end)
    // A journal that stays small needs no room.
    if (journal.end > room.length / 4 && journal.size - journal.end < room.length / 2)
      this.#making ??= this.#makeRoom(journal)
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.atRest()
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
    this.#isKnown = false
  }

  /** Resolves when nothing is written any more. */
  async atRest(): Promise<void> {
    await this.#making
  }

  async close(): Promise<void> {
    await this.atRest()
    this.#letGo()
    await this.#closing
  }

  #letGo(): void {
    const { handle } = this.#open ?? {}
    this.#open = undefined
    this.#isKnown = false
    // Everything in it was durable when it was written.
    if (handle !== undefined)
      this.#closing = this.#closing.then(() => handle.close()).catch(() => undefined)
  }

  async #makeRoom(journal: OpenJournal): Promise<void> {
    const { handle, size } = journal
    try {
      await write(handle, room, size)
      journal.size = size + room.length
    } catch {
      // There may be room for a record all the same: that is for who writes it to find out.
    } finally {
      this.#making = undefined
    }
  }

  async #current(): Promise<OpenJournal> {
    if (!this.#isKnown) await this.mark()
    if (this.#open === undefined) throw new Error(`no journal at ${this.#path}`)
    return this.#open
  }
}

/** Others may have added records since the end was known here. */
async function findEnd(journal: OpenJournal): Promise<void> {
  const { handle, end, size } = journal
  const next = await readBytes(handle, end, Math.min(end + 4, size))
  if (!next.some(Boolean)) return
  journal.end = end + endOfRecords(await readBytes(handle, end, size))
}

async function readBytes(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(Math.max(0, to - from))
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at)
    if (bytesRead === 0) return bytes.subarray(0, at)
    at += bytesRead
  }
  return bytes
}

async function write(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  // The size of a file is written with its data: without it the data could not be read again.
  if (durably === 0) await handle.datasync()
}
