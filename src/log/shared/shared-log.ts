import { setTimeout as sleep } from 'node:timers/promises'
import { quote, SallyportError } from '#error'
import { maxEntryBytes, parseVerifierKey, type LogIdentity } from '#merkle'
import { MarkedEntries } from '../marked-entries.ts'
import { busy, closed, maxWaitingBytes, tooLarge, type Log, type Receipt } from '../log.ts'
import type { CheckpointSigner } from '../ports.ts'
import { rolledBack } from '../refusals.ts'
import { storedTiles } from '../stored-tiles.ts'
import { LogView } from '../view.ts'
import { Candidate } from './candidate.ts'
import type { SharedHead, SharedLogStore, SubmittedEntry } from './ports.ts'
import { judge, openHead } from './sequencer.ts'
import { Waiters, type Waiter } from './waiters.ts'

/** A log that replicas share. */
export interface OpenSharedLogOptions {
  readonly store: SharedLogStore
  readonly origin: string
  /** The vkeys of all keys that sign. */
  readonly verifierKeys: readonly string[]
  /** With a signer this replica sequences whenever no other does. Without, it needs one that does. */
  readonly signer?: CheckpointSigner
  /** Texts that readers of this log will look for, again and again: see `LogView.entries`. */
  readonly marks?: readonly string[]
  /** Milliseconds that an append may wait for its place in the log, and opening for the store; 5,000 when it is not said. */
  readonly waitMs?: number
  /** Told what went wrong and is tried again. */
  readonly tell?: (problem: unknown) => void
}

const maxBatchEntries = 1024
const maxBatchBytes = 4 * 2 ** 20
const parallel = 3
const pollMs = { waiting: 20, idle: 500 } as const
const retryMs = 50

/**
 * Opens a log that replicas share: refuses an old copy of the store, another history, or damage, and a store that cannot
 * be reached within the time there is.
 */
export async function openSharedLog(options: OpenSharedLogOptions): Promise<Log> {
  const { store, origin, verifierKeys, signer, waitMs = 5000, tell = () => undefined } = options
  const marked = new MarkedEntries(options.marks ?? [])
  const identity = { origin, verifierKeys: verifierKeys.map(parseVerifierKey) }
  const readTile = storedTiles(store)
  // The memory before the store: whatever is signed has been staged before.
  const newest = await signer?.newest()
  const standing = await store.standing()
  if (signer !== undefined) await judge({ log: identity, readTile }, newest, standing)
  const log = new SharedLog(store, identity, {
    waitMs,
    from: standing.head?.size ?? 0,
    marked,
  })
  if (signer !== undefined) log.stand({ signer, log: identity, readTile, tell })
  try {
    await log.begun()
    return log
  } catch (problem) {
    await log.close()
    throw problem
  }
}

interface Start {
  readonly waitMs: number
  /** Where the log stands: nothing before is waited for. */
  readonly from: number
  readonly marked: MarkedEntries
}

class SharedLog implements Log {
  readonly #store: SharedLogStore
  readonly #identity: LogIdentity
  readonly #waitMs: number
  readonly #marked: MarkedEntries
  readonly #waiters: Waiters
  #candidate: Candidate | undefined
  /** Entries that nobody has submitted yet, oldest first. */
  #queue: Waiter[] = []
  #submitting = 0
  #ids = { next: 0, end: 0 }
  #reserving: Promise<void> | undefined
  #head: SharedHead | undefined
  #view: LogView | undefined
  #shown = Promise.withResolvers<void>()
  /** How many entries are in the log, of which this replica can read those of `#head`. */
  #size = 0
  /** How many wait to read the others. */
  #viewers = 0
  /** Every entry before this index that may be ours has been answered. */
  #seen: number
  #looking: Promise<void> | undefined
  #lookAgain = false
  #timer: NodeJS.Timeout | undefined
  #ended: SallyportError | undefined

  constructor(store: SharedLogStore, identity: LogIdentity, { waitMs, from, marked }: Start) {
    this.#marked = marked
    this.#seen = from
    this.#store = store
    this.#identity = identity
    this.#waitMs = waitMs
    this.#waiters = new Waiters(() => unavailable(identity.origin, waitMs))
    store.watch((what) => {
      if (what === 'submitted') this.#candidate?.wake()
      else void this.#look()
    })
    this.#schedule()
  }

  get origin(): string {
    return this.#identity.origin
  }

  get size(): number {
    return this.#size
  }

  checkpoint(): string {
    return this.#head?.checkpoint ?? ''
  }

  /** Sequences from now on whenever no other replica does. */
  stand(
    context: Pick<
      ConstructorParameters<typeof Candidate>[0],
      'signer' | 'log' | 'readTile' | 'tell'
    >,
  ) {
    this.#candidate = new Candidate({
      ...context,
      store: this.#store,
      submit: async (turn) => this.#submit(turn),
      released: () => this.#pump(),
      isAwaited: () => this.#viewers > 0,
      remembered: (from, staged) => {
        this.#marked.note(from, staged)
        this.#answer(
          from,
          staged.map(({ id }) => id),
        )
      },
      // What this replica has sequenced itself, it need not look for.
      committed: ({ head }) => this.#show(head),
      refused: (problem) => this.#end(problem),
      head: () => this.#head,
    })
  }

  /** Waits until the log has begun. */
  async begun(): Promise<void> {
    const until = performance.now() + this.#waitMs
    for (;;) {
      await this.#look()
      if (this.#ended !== undefined) throw this.#ended
      if (this.#head !== undefined) return
      if (performance.now() > until) throw unavailable(this.origin, this.#waitMs)
      await sleep(retryMs)
    }
  }

  async view(): Promise<LogView> {
    // What others append meanwhile is not waited for.
    const asked = this.#size
    await this.#lookNow()
    this.#viewers += 1
    try {
      await this.#untilShown(asked)
    } finally {
      this.#viewers -= 1
    }
    return this.#currentView()
  }

  async entry(index: number): Promise<Uint8Array> {
    return (await this.#viewWith(index)).entry(index)
  }

  async receipt(index: number): Promise<string> {
    return (await this.#viewWith(index)).receipt(index)
  }

  async append(entry: Uint8Array): Promise<Receipt> {
    if (entry.length > maxEntryBytes) throw tooLarge(entry.length)
    if (this.#ended !== undefined) throw this.#ended
    const { bytes, count } = this.#waiters
    if (bytes + entry.length > maxWaitingBytes) throw busy(this.origin, bytes, count)
    // A copy: the caller may go on to use its buffer.
    const { waiter, receipt } = this.#waiters.add(Uint8Array.from(entry), this.#waitMs)
    this.#queue.push(waiter)
    // Entries that are appended in one turn of the event loop share a transaction.
    queueMicrotask(() => this.#pump())
    if (this.#waiters.count === 1) this.#schedule()
    return receipt
  }

  async close(): Promise<void> {
    if (this.#ended?.code === 'LOG_CLOSED') return
    this.#ended ??= closed(this.origin)
    await this.#waiters.none()
    await this.#candidate?.close()
    clearTimeout(this.#timer)
    this.#waiters.close()
    this.#ended = closed(this.origin)
  }

  #pump(): void {
    // Who sequences here takes what waits into its next transaction.
    if (this.#candidate?.isSequencing === true) return this.#candidate.wake()
    while (this.#submitting < parallel && this.#queue.length > 0) {
      this.#submitting += 1
      void this.#submitSome().finally(() => {
        this.#submitting -= 1
        this.#pump()
      })
    }
  }

  /** Submits what waits. What is certainly not there is tried again, as long as whoever asked waits for it. */
  async #submitSome(): Promise<void> {
    const some = async (entries: readonly SubmittedEntry[]): Promise<void> => {
      if (entries.length > 0) await this.#store.submit(entries)
    }
    // Whoever waits is answered by what became of it.
    await this.#submit(some).catch(async () => sleep(retryMs))
  }

  async #submit<T>(submit: (entries: readonly SubmittedEntry[]) => Promise<T>): Promise<T> {
    const batch: Waiter[] = []
    try {
      while (this.#ids.end - this.#ids.next < maxBatchEntries) await this.#reserve()
      batch.push(...this.#takeBatch())
      if (this.#queue.length > 0) this.#candidate?.wake()
      const named = batch.map((waiter) => ({
        id: this.#waiters.name(waiter, this.#ids.next++),
        entry: waiter.entry,
      }))
      return await submit(named)
    } catch (problem) {
      // Whether it is there will be seen; whoever waits for it is answered then, or refused in time.
      if (batch.length > 0 && this.#store.mayHaveHappened(problem)) throw problem
      if (isCode(problem, 'LOG_UNAVAILABLE') || isCode(problem, 'LOG_SEQUENCER_LOST'))
        this.#queue.unshift(...batch)
      else
        for (const waiter of batch.length > 0 ? batch : this.#takeBatch())
          this.#waiters.reject(waiter, problem)
      throw problem
    }
  }

  async #reserve(): Promise<void> {
    this.#reserving ??= this.#store
      .reserve()
      .then(({ first, count }) => {
        this.#ids = { next: first, end: first + count }
      })
      .finally(() => (this.#reserving = undefined))
    await this.#reserving
  }

  #takeBatch(): Waiter[] {
    const queue = this.#queue.filter((waiter) => this.#waiters.has(waiter))
    let bytes = 0
    const over = queue.findIndex(
      ({ entry }, at) => at === maxBatchEntries || (bytes += entry.length) > maxBatchBytes,
    )
    const count = over === -1 ? queue.length : Math.max(1, over)
    this.#queue = queue.slice(count)
    return queue.slice(0, count)
  }

  #answer(from: number, ids: readonly number[]): void {
    this.#size = Math.max(this.#size, from + ids.length)
    for (const [at, id] of ids.entries()) this.#waiters.resolve(id, { index: from + at })
    if (from <= this.#seen) this.#seen = Math.max(this.#seen, from + ids.length)
  }

  #show(head: SharedHead): void {
    if (this.#head !== undefined && head.size <= this.#head.size) return
    this.#head = head
    this.#view = undefined
    this.#shown.resolve()
    this.#shown = Promise.withResolvers()
  }

  /** Waits until that many entries can be read: they are about to be committed, by this replica or another. */
  async #untilShown(size: number): Promise<void> {
    const until = performance.now() + this.#waitMs
    for (;;) {
      if (this.#ended !== undefined && this.#ended.code !== 'LOG_CLOSED') throw this.#ended
      if ((this.#head?.size ?? 0) >= size) return
      if (performance.now() > until) throw unavailable(this.origin, this.#waitMs)
      this.#candidate?.wake()
      await Promise.race([this.#shown.promise, sleep(pollMs.waiting)])
      await this.#look()
    }
  }

  /** One look that began after the call. */
  async #lookNow(): Promise<void> {
    if (this.#looking !== undefined) await this.#looking.catch(() => undefined)
    await this.#look(true)
  }

  /** Looks what has been sequenced; once more when it is asked for meanwhile. */
  async #look(strict = false): Promise<void> {
    if (this.#looking !== undefined) this.#lookAgain = true
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
      if (this.#lookAgain) void this.#look()
    })
    await (strict ? this.#looking : this.#looking.catch(() => undefined))
  }

  async #lookOnce(): Promise<void> {
    this.#lookAgain = false
    const from = this.#seen
    const before = this.#head
    const sight = await this.#store.look(from)
    if (sight === undefined && before === undefined) return
    const size = sight?.head.size ?? 0
    if (before !== undefined && size < before.size)
      return this.#end(rolledBack(this.#identity, before.size, size))
    if (sight === undefined) return
    if (size !== before?.size) openHead(sight.head.checkpoint, size, this.#identity)
    this.#answer(from, sight.ids)
    this.#show(sight.head)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const ms = this.#waiters.count > 0 ? pollMs.waiting : pollMs.idle
    this.#timer = setTimeout(() => {
      this.#waiters.sweep()
      void this.#look().finally(() => {
        if (this.#ended === undefined || this.#waiters.count > 0) this.#schedule()
      })
    }, ms).unref()
  }

  #currentView(): LogView {
    const { size, checkpoint } = this.#head ?? { size: 0, checkpoint: '' }
    this.#view ??= new LogView(
      storedTiles(this.#store),
      openHead(checkpoint, size, this.#identity),
      this.#marked,
    )
    return this.#view
  }

  async #viewWith(index: number): Promise<LogView> {
    return index < (this.#head?.size ?? 0) ? this.#currentView() : this.view()
  }

  #end(problem: SallyportError): void {
    if (this.#ended === undefined || this.#ended.code === 'LOG_CLOSED') this.#ended = problem
    this.#waiters.rejectAll(problem)
    this.#queue = []
  }
}

function isCode(problem: unknown, code: string): boolean {
  return problem instanceof SallyportError && problem.code === code
}

function unavailable(origin: string, waitMs: number): SallyportError {
  return new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: `log ${quote(origin)}`,
    expected: `a place in the log within ${waitMs} ms`,
    found: 'no answer from the database, or no replica that sequences',
    fix: 'Check that PostgreSQL runs and that a replica with the keys of the log is up, then ask again',
  })
}
