import { dirname, join } from 'node:path'
import { SallyportError } from '#error'
import type { LogStorage, LogWriter } from '#log'
import { absent, makeFolder, removeFlat, syncFile, syncFolder } from './durable.ts'
import { FileLogWriter } from './file-log-writer.ts'
import { FolderLock } from './folder-lock.ts'
import { JournalFile } from './journal-file.ts'
import { logPath, readLogFile } from './log-path.ts'
import { readProblem, storageProblem } from './storage-problem.ts'

/** How long to wait for other processes that append, before giving up. */
export interface FileLogOptions {
  /** Milliseconds; 30,000 when it is not said. */
  readonly lockTimeout?: number
}

/**
 * Keeps a log in a folder: the files that C2SP tlog-tiles names, at their paths, so that any reader of the format
 * and any web server can use the folder as it is; and `.state/` for the writers (journal, locks, files under way).
 * Nothing is made before something is written, so a folder can be read without the right to write.
 */
export function openFileLogStorage(directory: string, options: FileLogOptions = {}): LogStorage {
  const { lockTimeout = 30_000, ...unknown } = options
  if (Object.keys(unknown).length > 0)
    throw new TypeError(`unknown options: ${Object.keys(unknown).join(', ')}`)
  return new FileLogStorage(directory, lockTimeout)
}

const parallel = 2

class FileLogStorage implements LogStorage {
  readonly #directory: string
  readonly #state: string
  readonly #lockTimeout: number
  #lock: FolderLock | undefined
  readonly #journal: JournalFile

  constructor(directory: string, lockTimeout: number) {
    this.#directory = directory
    this.#state = join(directory, '.state')
    this.#lockTimeout = lockTimeout
    this.#journal = new JournalFile(this.#state)
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readLogFile(this.#directory, path)
    } catch (problem) {
      throw readProblem(problem, join(this.#directory, path))
    }
  }

  async lock(): Promise<LogWriter> {
    const taken = await this.#trying(async () => {
      this.#lock ??= await this.#openLock()
      return this.#lock.take(this.#lockTimeout)
    })
    if (taken !== undefined) return new FileLogWriter(this.#directory, this.#journal, taken)
    throw new SallyportError({
      code: 'LOG_LOCK_TIMEOUT',
      where: this.#state,
      expected: `the lock within ${this.#lockTimeout} ms`,
      found: 'another process that holds it all the time',
      fix: `Find the process that has "${join(this.#state, 'lock')}" open (\`fuser -v ${join(this.#state, 'lock')}\`) and see why it hangs`,
    })
  }

  async peekJournal(): Promise<Uint8Array | undefined> {
    try {
      return await this.#journal.peek()
    } catch (problem) {
      throw readProblem(problem, join(this.#state, 'journal'))
    }
  }

  async prune(fullTiles: readonly string[]): Promise<void> {
    await this.#trying(async () => {
      for (const path of fullTiles) await removeFlat(`${logPath(this.#directory, path)}.p`)
    })
  }

  async settle(paths: readonly string[]): Promise<void> {
    await this.#trying(async () => {
      const files = paths.map((path) => logPath(this.#directory, path))
      await each(files, syncFile)
      await each(foldersOf(this.#directory, files), async (folder) =>
        syncFolder(folder).catch(absent),
      )
    })
  }

  async close(): Promise<void> {
    this.#lock?.close()
    this.#lock = undefined
    await this.#journal.close()
  }

  async #openLock(): Promise<FolderLock> {
    await makeFolder(join(this.#state, 'tmp'), 0o700)
    return new FolderLock(this.#state)
  }

  async #trying<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (problem) {
      throw storageProblem(problem, this.#directory)
    }
  }
}

/** The folders from those of the files up to that of the log, whose own name was made durable when it was made. */
function foldersOf(directory: string, files: readonly string[]): string[] {
  const folders = new Set<string>([directory])
  for (const file of files)
    for (let at = dirname(file); at.length > directory.length && !folders.has(at); at = dirname(at))
      folders.add(at)
  return [...folders]
}

/** Two at a time: the disk merges what comes together, and the commits need some of the four threads, too. */
async function each(paths: readonly string[], work: (path: string) => Promise<unknown>) {
  const queue = paths.values()
  const worker = async () => {
    for (const path of queue) await work(path)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}
