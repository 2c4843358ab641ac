import { SallyportError } from '#error'
import { tilePath, type TilePosition } from '#merkle'
import type { JournalMark, LogFile, LogStorage, LogWriter } from '../ports.ts'

/** Thrown in the place of everything that a dead process would have gone on to do. */
export class Killed extends Error {}

/** What is about to happen, and may be prevented by throwing. */
export type Step =
  | 'append journal'
  | 'append half of the journal'
  | 'replace journal'
  | 'write'
  | 'settle'
  | 'prune'
  | 'remember'
  | 'remembered'
  | 'sign'
  | 'signed'

/**
 * A disk: what is on it for good, and what a power failure may undo. Processes come and go, the disk stays. Real, and
 * small enough to be obviously right; the storage contract is tested with it, too.
 */
export class MemoryDisk {
  /** What every process sees. */
  files = new Map<string, Uint8Array>()
  /** What has been settled. */
  readonly settled = new Map<string, Uint8Array>()
  journal: Uint8Array | undefined
  generation = 0
  locked: Promise<void> = Promise.resolve()
  unlock: () => void = () => {}

  /** A process that uses this disk. `before` is called before each step; what it throws kills the process there. */
  open(before: (step: Step, path?: string) => void = () => {}): MemoryStorage {
    return new MemoryStorage(this, before)
  }

  /** The operating system gives the locks of a dead process free. */
  killAll(): void {
    this.unlock()
    this.locked = Promise.resolve()
  }

  /** Of what was not settled, each file is lost, there, or there without its content, as `choose` says. */
  failPower(choose: (path: string) => 'lost' | 'there' | 'empty'): void {
    this.killAll()
    const before = this.files
    this.files = new Map(this.settled)
    for (const [path, bytes] of before) {
      if (this.settled.get(path) === bytes) continue
      const fate = choose(path)
      if (fate === 'there') this.files.set(path, bytes)
      if (fate === 'empty') this.files.set(path, new Uint8Array())
    }
  }
}

/** One process's access to a MemoryDisk. */
export class MemoryStorage implements LogStorage {
  readonly #disk: MemoryDisk
  readonly #before: (step: Step, path?: string) => void
  #killed: unknown

  constructor(disk: MemoryDisk, before: (step: Step, path?: string) => void) {
    this.#disk = disk
    this.#before = before
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    this.alive()
    return this.#disk.files.get(path)
  }

  async lock(): Promise<LogWriter> {
    this.alive()
    const disk = this.#disk
    const before = disk.locked
    const { promise, resolve } = Promise.withResolvers<void>()
    disk.locked = promise
    await before
    disk.unlock = resolve
    return new MemoryWriter(disk, this, promise)
  }

  async peekJournal(): Promise<Uint8Array | undefined> {
    this.alive()
    return this.#disk.journal
  }

  async prune(fullTiles: readonly string[]): Promise<void> {
    this.step('prune')
    for (const path of this.#disk.files.keys())
      if (fullTiles.some((full) => path.startsWith(`${full}.p/`))) {
        this.#disk.files.delete(path)
        this.#disk.settled.delete(path)
      }
  }

  async settle(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.step('settle', path)
      const bytes = this.#disk.files.get(path)
      if (bytes !== undefined) this.#disk.settled.set(path, bytes)
    }
  }

  async close(): Promise<void> {}

  step(step: Step, path?: string): void {
    this.alive()
    try {
      this.#before(step, path)
    } catch (problem) {
      if (problem instanceof Killed) this.#killed = problem
      throw problem
    }
  }

  alive(): void {
    if (this.#killed !== undefined) throw this.#killed
  }
}

class MemoryWriter implements LogWriter {
  readonly #disk: MemoryDisk
  readonly #storage: MemoryStorage
  readonly #turn: Promise<void>

  constructor(disk: MemoryDisk, storage: MemoryStorage, turn: Promise<void>) {
    this.#disk = disk
    this.#storage = storage
    this.#turn = turn
  }

  async journalMark(): Promise<JournalMark | undefined> {
    const { journal, generation } = this.#disk
    if (journal === undefined) return undefined
    return { generation: String(generation), length: journal.length }
  }

  async readJournal(from: number): Promise<Uint8Array> {
    return (this.#disk.journal ?? new Uint8Array()).subarray(from)
  }

  async appendJournal(bytes: Uint8Array): Promise<void> {
    this.#storage.step('append journal')
    const before = this.#disk.journal ?? new Uint8Array()
    this.#disk.journal = Buffer.concat([before, bytes.subarray(0, bytes.length / 2)])
    this.#storage.step('append half of the journal')
    this.#disk.journal = Buffer.concat([before, bytes])
  }

  async replaceJournal(bytes: Uint8Array): Promise<void> {
    this.#storage.step('replace journal')
    this.#disk.journal = Uint8Array.from(bytes)
    this.#disk.generation += 1
  }

  async write(files: readonly LogFile[]): Promise<void> {
    for (const { path, bytes } of files) {
      this.#storage.step('write', path)
      this.#disk.files.set(path, Uint8Array.from(bytes))
    }
  }

  isWanted(): boolean {
    return this.#disk.locked !== this.#turn
  }

  async unlock(): Promise<void> {
    this.#storage.alive()
    this.#disk.unlock()
  }
}

/** Changes a stored file behind the log's back. */
export function tamper(
  disk: MemoryDisk,
  position: TilePosition,
  change: (bytes: Buffer) => Uint8Array | undefined,
): void {
  const path = tilePath(position)
  const bytes = disk.files.get(path)
  if (bytes === undefined) throw new TypeError(`no file ${path}`)
  const changed = change(Buffer.from(bytes))
  if (changed === undefined) disk.files.delete(path)
  else disk.files.set(path, changed)
}

/** What a storage says when an fsync failed. */
export function failedFsync(): SallyportError {
  return new SallyportError({
    code: 'LOG_STORAGE_FAILED',
    expected: 'to write the log durably',
    found: 'EIO: i/o error, fsync',
    fix: 'Check the disk',
  })
}
