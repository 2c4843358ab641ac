import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalMark, LogFile, LogWriter } from '#log'
import { writeWhole } from './durable.ts'
import type { TakenLock } from './folder-lock.ts'
import type { JournalFile } from './journal-file.ts'
import { logPath } from './log-path.ts'
import { storageProblem } from './storage-problem.ts'

// Whatever is in the log stays as it is: only a new file can take the place of one.
const mode = 0o444

/** The right to write to a log in a folder. */
export class FileLogWriter implements LogWriter {
  readonly #directory: string
  readonly #temporary: string
  readonly #journal: JournalFile
  readonly #lock: TakenLock

  constructor(directory: string, journal: JournalFile, lock: TakenLock) {
    this.#directory = directory
    this.#temporary = join(directory, '.state', 'tmp')
    this.#journal = journal
    this.#lock = lock
    journal.begin()
  }

  async journalMark(): Promise<JournalMark | undefined> {
    return this.#trying(async () => this.#journal.mark())
  }

  async readJournal(from: number): Promise<Uint8Array> {
    return this.#trying(async () => this.#journal.read(from))
  }

  async appendJournal(bytes: Uint8Array): Promise<void> {
    await this.#trying(async () => this.#journal.append(bytes))
  }

  async replaceJournal(bytes: Uint8Array): Promise<void> {
    await this.#trying(async () => {
      await this.#removeUnfinished()
      await this.#journal.replace(bytes)
    })
  }

  async write(files: readonly LogFile[]): Promise<void> {
    await this.#trying(async () => {
      for (const { path, bytes } of files)
        await writeWhole(logPath(this.#directory, path), bytes, {
          temporary: this.#temporary,
          mode,
          durable: false,
        })
    })
  }

  isWanted(): boolean {
    return this.#lock.isWanted()
  }

  async unlock(): Promise<void> {
    await this.#journal.atRest()
    this.#lock.release()
  }

  /** Only the holder of the lock has files under way, so these are what a dead one left. */
  async #removeUnfinished(): Promise<void> {
    for (const name of await readdir(this.#temporary))
      await rm(join(this.#temporary, name), { force: true })
  }

  async #trying<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (problem) {
      throw storageProblem(problem, this.#directory)
    }
  }
}
