import { quote, SallyportError } from '#error'
import { maxEntryBytes, parseVerifierKey, type OpenedCheckpoint } from '#merkle'
import { Committer, usualLimits, type LogLimits } from './committer.ts'
import { MarkedEntries } from './marked-entries.ts'
import type { CheckpointSigner, LogStorage } from './ports.ts'
import { storedTiles } from './stored-tiles.ts'
import { LogView } from './view.ts'

/** What an append is answered with: where the entry is for good. What proves it to others is `Log.receipt(index)`. */
export interface Receipt {
  readonly index: number
}

/** Where a log is kept, and who signs it. */
export interface OpenLogOptions {
  readonly storage: LogStorage
  readonly signer: CheckpointSigner
  /** Texts that readers of this log will look for, again and again: see `LogView.entries`. */
  readonly marks?: readonly string[]
  readonly limits?: Partial<LogLimits>
}

interface Waiting {
  readonly entry: Uint8Array
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (problem: unknown) => void
}

const maxBatchEntries = 4096
const maxBatchBytes = 4 * 2 ** 20
export const maxWaitingBytes = 64 * 2 ** 20

/** Opens a log for appending: recovers what a crash left, and refuses an old copy, another history, or damage. */
export async function openLog(options: OpenLogOptions): Promise<Log> {
  const { storage, signer, marks = [], limits } = options
  const log = {
    origin: signer.origin,
    verifierKeys: signer.verifierKeys.map(parseVerifierKey),
  }
  const committer = new Committer(storage, signer, log, { ...usualLimits, ...limits })
  const marked = new MarkedEntries(marks)
  return new FolderLog(storage, committer, await committer.refresh(), marked)
}

/**
 * A log open for appending: one in a folder (`openLog`), or one that replicas share (`openSharedLog`).
 */
export interface Log {
  /** Who this log is. */
  readonly origin: string

  /** How many entries the log has, as far as this process has seen: those that it was told are in it, at least. */
  readonly size: number

  /** The newest published checkpoint that this process has seen, as a signed note. Others may have entries before they are in it. */
  checkpoint(): string

  /** The log as everybody can read it, with everything that was appended here before. Waits until that is published. */
  view(): Promise<LogView>

  /** One entry, proven to be in the log. */
  entry(index: number): Promise<Uint8Array>

  /** The `.tlog-proof` of one entry. */
  receipt(index: number): Promise<string>

  /**
   * Appends an entry. Resolves when it is durable and the signer of the log signs no tree without it any more; the
   * checkpoint with it is signed and published a moment later. When it rejects, the entry may still be in the log, unless
   * the problem is LOG_ENTRY_TOO_LARGE, LOG_BUSY or LOG_CLOSED.
   */
  append(entry: Uint8Array): Promise<Receipt>

  /** Waits for all appends, and takes no more. The storage stays open: its opener closes it. */
  close(): Promise<void>
}

/** A log in a folder, which other processes of this machine may append to as well. */
class FolderLog implements Log {
  readonly #committer: Committer
  readonly #marked: MarkedEntries
  /** Owned by the pump: entries that wait for a commit, oldest first, and those taken for one that nobody was told of yet. */
  #waiting: Waiting[] = []
  readonly #taken = new Set<readonly Waiting[]>()
  #waitingBytes = 0
  #arrival = Promise.withResolvers<void>()
  #pumping: Promise<void> | undefined
  #tidying: Promise<void> | undefined
  /** How many entries are in the log; `#view` has those that are published. */
  #size: number
  #view: LogView
  #publication = Promise.withResolvers<void>()
  /** How many wait for it. */
  #viewers = 0
  /** Why nothing can be appended any more: an append that might not be durable, or `close`. */
  #ended: SallyportError | undefined

  constructor(
    storage: LogStorage,
    committer: Committer,
    checkpoint: OpenedCheckpoint,
    marked: MarkedEntries,
  ) {
    this.#committer = committer
    this.#marked = marked
    this.#size = checkpoint.size
    this.#renewPublication()
    this.#view = new LogView(storedTiles(storage), checkpoint, marked)
  }

  /** Who this log is. */
  get origin(): string {
    return this.#view.checkpoint.origin
  }

  get size(): number {
    return this.#size
  }

  checkpoint(): string {
    return this.#view.checkpoint.note
  }

  /** The log as everybody can read it, with everything that was appended here before. Waits until that is published. */
  async view(): Promise<LogView> {
    // What others append meanwhile is not waited for: under load there would be no end to it.
    const asked = this.#size
    while (this.#view.size < asked)
      if (this.#pumping !== undefined) await this.#untilPublished()
      else if (this.#ended !== undefined) throw this.#ended
      // Publishing failed before: it is tried again.
      else this.#show(await this.#committer.refresh())
    return this.#view
  }

  /** One entry, proven to be in the log. */
  async entry(index: number): Promise<Uint8Array> {
    return (await this.#viewWith(index)).entry(index)
  }

  /** The `.tlog-proof` of one entry. */
  async receipt(index: number): Promise<string> {
    return (await this.#viewWith(index)).receipt(index)
  }

  /**
   * Appends that come while a commit is under way share the next one.
   */
  async append(entry: Uint8Array): Promise<Receipt> {
    if (entry.length > maxEntryBytes) throw tooLarge(entry.length)
    if (this.#ended !== undefined) throw this.#ended
    if (this.#waitingBytes + entry.length > maxWaitingBytes)
      throw busy(this.origin, this.#waitingBytes, this.#waiting.length)
    return new Promise((resolve, reject) => {
      // A copy: the caller may go on to use its buffer.
      this.#waiting.push({ entry: Uint8Array.from(entry), resolve, reject })
      this.#waitingBytes += entry.length
      this.#arrival.resolve()
      this.#pumping ??= this.#pump()
    })
  }

  /** Waits for all appends, makes everything durable, and takes no more. The storage stays open: its opener closes it. */
  async close(): Promise<void> {
    if (this.#ended?.code === 'LOG_CLOSED') return
    const failed = this.#hasFailed()
    this.#ended ??= closed(this.origin)
    this.#arrival.resolve()
    await this.#pumping
    await this.#tidying
    if (failed || this.#hasFailed()) return
    this.#show(await this.#committer.finish())
  }

  async #pump(): Promise<void> {
    // Entries that are appended in one turn of the event loop share the first commit, too.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#turn()
    this.#pumping = undefined
  }

  async #turn(): Promise<void> {
    let first: readonly Waiting[] | undefined = this.#takeBatch()
    try {
      if (this.#hasFailed()) throw this.#ended
      await this.#committer.turn({
        next: () => {
          // The housekeeping may have failed meanwhile.
          if (this.#hasFailed()) return undefined
          const batch = first ?? this.#takeBatch()
          first = undefined
          if (batch.length === 0) return undefined
          return {
            entries: batch.map(({ entry }) => entry),
            committed: (first) => this.#answer(batch, first),
          }
        },
        arrival: async () => this.#untilArrival(),
        isAwaited: () => this.#viewers > 0 || this.#ended !== undefined,
        published: (checkpoint) => {
          this.#show(checkpoint)
          // Not only after a turn: under load it lasts, and partial tiles would pile up.
          this.#tidying ??= this.#tidy()
        },
      })
      if (this.#hasFailed()) throw this.#ended
    } catch (problem) {
      this.#noteFailure(problem)
      for (const { reject } of [...this.#taken].flat()) reject(problem)
      this.#taken.clear()
      this.#publication.reject(problem)
      this.#renewPublication()
    }
  }

  async #untilArrival(): Promise<void> {
    if (this.#waiting.length > 0 && !this.#hasFailed()) return
    this.#arrival = Promise.withResolvers()
    await this.#arrival.promise
  }

  async #untilPublished(): Promise<void> {
    this.#viewers += 1
    this.#arrival.resolve()
    try {
      await this.#publication.promise
    } finally {
      this.#viewers -= 1
    }
  }

  #answer(batch: readonly Waiting[], first: number): void {
    this.#size = first + batch.length
    this.#taken.delete(batch)
    this.#marked.note(first, batch)
    for (const [at, { resolve }] of batch.entries()) resolve({ index: first + at })
  }

  #show(checkpoint: OpenedCheckpoint): void {
    this.#size = Math.max(this.#size, checkpoint.size)
    this.#view = this.#view.at(checkpoint)
    this.#publication.resolve()
    this.#renewPublication()
  }

  #renewPublication(): void {
    this.#publication = Promise.withResolvers()
    // Nobody need be waiting for it.
    this.#publication.promise.catch(() => {})
  }

  async #viewWith(index: number): Promise<LogView> {
    return index < this.#view.size ? this.#view : this.view()
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0
    const over = this.#waiting.findIndex(
      ({ entry }, at) => at === maxBatchEntries || (bytes += entry.length) > maxBatchBytes,
    )
    const count = over === -1 ? this.#waiting.length : Math.max(1, over)
    const batch = this.#waiting.splice(0, count)
    for (const { entry } of batch) this.#waitingBytes -= entry.length
    if (batch.length > 0) this.#taken.add(batch)
    return batch
  }

  #hasFailed(): boolean {
    return this.#ended !== undefined && this.#ended.code !== 'LOG_CLOSED'
  }

  async #tidy(): Promise<void> {
    try {
      await this.#committer.tidy()
    } catch (problem) {
      this.#noteFailure(problem)
    } finally {
      this.#tidying = undefined
    }
  }

  /** After a failed fsync nobody knows what is on the disk, and asking again may lie: the log is not used any more. */
  #noteFailure(problem: unknown): void {
    if (problem instanceof SallyportError && problem.code !== 'LOG_STORAGE_FAILED') return
    this.#ended = problem instanceof SallyportError ? problem : unexpected(this.origin, problem)
  }
}

export function busy(origin: string, bytes: number, count: number): SallyportError {
  return new SallyportError({
    code: 'LOG_BUSY',
    where: `log ${quote(origin)}`,
    expected: `at most ${maxWaitingBytes} bytes of entries waiting to be written`,
    found: `${bytes} bytes in ${count} entries`,
    fix: 'Ask again later; if this lasts, move the log to a faster disk',
  })
}

export function tooLarge(bytes: number): SallyportError {
  return new SallyportError({
    code: 'LOG_ENTRY_TOO_LARGE',
    expected: `an entry of at most ${maxEntryBytes} bytes`,
    found: `${bytes} bytes`,
    fix: 'Keep the bytes in the body store, and append an entry with their digest',
  })
}

export function closed(origin: string): SallyportError {
  return new SallyportError({
    code: 'LOG_CLOSED',
    where: `log ${quote(origin)}`,
    expected: 'an open log',
    found: 'a closed one',
    fix: 'Open the log again before you append to it',
  })
}

function unexpected(origin: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'LOG_STORAGE_FAILED',
      where: `log ${quote(origin)}`,
      expected: 'a commit',
      found: cause instanceof Error ? cause.message : String(cause),
      fix: 'Check the disk, then start Sallyport again: it recovers every entry that was answered',
    },
    { cause },
  )
}
