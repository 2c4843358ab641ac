import { hash } from 'node:crypto'
import { SallyportError } from '#error'
import type { SubmittedEntry } from '../shared/ports.ts'
import type { BodyStore } from '../ports.ts'
import { SpoolFile, type KeptLine, type SpoolEntry, type SpoolStanding } from './file.ts'
import type { SpoolStorage } from './ports.ts'
import { spoolFailed, spoolFull, spoolTaken } from './problems.ts'

export type { SpoolEntry, SpoolStanding } from './file.ts'

/** What somebody is answered with whose decision is durable here, and not in the log yet. */
export interface SpoolReceipt {
  /** The name of the spool, and the number of the entry in it. */
  readonly spool: string
  readonly number: number
  /** SHA-256 of the entry: the same bytes will be in the log. */
  readonly sha256: string
}

/** Where spooled entries go. */
export interface SpoolTarget {
  readonly bodies: Pick<BodyStore, 'put'>
  /**
   * Records entries in this order, each once: one whose id is in the log already is not recorded again. Gives their
   * indexes when all are in the log.
   */
  record(entries: readonly SubmittedEntry[]): Promise<readonly number[]>
}

export interface SpoolLimits {
  readonly maxEntries: number
  /** Of the file and the bodies together. */
  readonly maxBytes: number
}

export interface OpenSpoolOptions {
  readonly storage: SpoolStorage
  /** The log that the entries are for. */
  readonly origin: string
  readonly limits: SpoolLimits
  readonly clock: () => Date
}

interface Waiting extends SpoolEntry {
  readonly resolve: (receipt: SpoolReceipt) => void
  readonly reject: (problem: unknown) => void
}

const maxLineEntries = 256
const maxLineBytes = 2 * 2 ** 20
const maxForwarded = 256
const maxForwardedBytes = 4 * 2 ** 20
/**
 * Keeps entries durably, in their order, while the log is away; and gives them to the log when it is back, each once.
 */
export class Spool {
  readonly #options: OpenSpoolOptions
  readonly #file: SpoolFile
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #forwarding: Promise<number> | undefined
  /** One at a time changes the file. */
  #turn: Promise<unknown> = Promise.resolve()
  #taken = false
  /** Why it cannot be used at all. */
  #damage: SallyportError | undefined

  constructor(options: OpenSpoolOptions) {
    this.#options = options
    this.#file = new SpoolFile(options.storage, options.origin)
  }

  get standing(): SpoolStanding {
    return this.#file.standing
  }

  /** Why nothing can be added now; undefined when there is no reason known. */
  get problem(): SallyportError | undefined {
    if (this.#damage !== undefined) return this.#damage
    if (!this.#isOpen) return spoolTaken(this.#where)
    return this.#isFull(0, 1) ? this.#full() : undefined
  }

  /**
   * Takes the spool and reads what is in it. False while another process has it.
   *
   * @throws SallyportError LOG_SPOOL_DAMAGED, LOG_SPOOL_FAILED
   */
  async open(): Promise<boolean> {
    return this.#alone(() => this.#openNow())
  }

  /**
   * Keeps an entry. Durable when it resolves, with everything that it names.
   *
   * @throws SallyportError LOG_SPOOL_FULL, LOG_SPOOL_FAILED, LOG_SPOOL_TAKEN, LOG_SPOOL_DAMAGED
   */
  async add(entry: SpoolEntry): Promise<SpoolReceipt> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...entry, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** Gives the oldest entries to the log. Resolves with how many; 0 when none wait. */
  async forward(target: SpoolTarget): Promise<number> {
    this.#forwarding ??= this.#forwardOldest(target).finally(() => (this.#forwarding = undefined))
    return this.#forwarding
  }

  /** Waits for what is under way, and gives it free for others. */
  async close(): Promise<void> {
    await this.#writing
    await this.#forwarding?.catch(() => 0)
    await this.#alone(() => this.#options.storage.close())
    this.#taken = false
  }

  /** Taken, and nothing has happened since that leaves it open what is on the disk. */
  get #isOpen(): boolean {
    return this.#taken && this.#file.isKnown
  }

  async #openNow(): Promise<boolean> {
    if (this.#damage !== undefined) throw this.#damage
    if (this.#isOpen) return true
    try {
      if (!(await this.#options.storage.take())) return false
      await this.#file.load()
      this.#taken = true
      return true
    } catch (problem) {
      throw this.#noted(problem)
    }
  }

  async #write(): Promise<void> {
    // What is added in one turn of the event loop shares one line, and one wait for the disk: it is taken later.
    while (this.#queue.length > 0) await this.#alone(() => this.#writeSome())
    this.#writing = undefined
  }

  async #writeSome(): Promise<void> {
    let batch: readonly Waiting[] | undefined
    try {
      // A disk that failed a moment ago may have left it open what is there.
      if (!(await this.#openNow())) throw spoolTaken(this.#where)
      batch = this.#takeBatch()
      if (batch.length === 0) return
      const numbers = await this.#file.write(batch, this.#options.clock())
      for (const [at, { entry, resolve }] of batch.entries())
        resolve({
          spool: this.#file.name,
          number: numbers[at] ?? 0,
          sha256: hash('sha256', entry),
        })
    } catch (problem) {
      const told = this.#noted(problem)
      for (const { reject } of batch ?? this.#queue.splice(0)) reject(told)
    }
  }

  /** As many as go into one line; whoever has no room any more is refused. */
  #takeBatch(): readonly Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    while (batch.length < maxLineEntries && bytes < maxLineBytes) {
      const next = this.#queue.shift()
      if (next === undefined) break
      const size = this.#file.sizeOf(next)
      if (this.#isFull(bytes + size, batch.length + 1)) next.reject(this.#full())
      else {
        batch.push(next)
        bytes += size
      }
    }
    return batch
  }

  #isFull(bytes: number, entries: number): boolean {
    const { maxBytes, maxEntries } = this.#options.limits
    const standing = this.#file.standing
    return standing.entries + entries > maxEntries || standing.bytes + bytes > maxBytes
  }

  async #forwardOldest(target: SpoolTarget): Promise<number> {
    if (!(await this.open())) return 0
    const lines = this.#oldest()
    const last = lines.at(-1)
    if (last === undefined) return 0
    try {
      const entries = (await Promise.all(lines.map((line) => this.#file.read(line)))).flat()
      for (const digest of new Set(entries.flatMap(({ bodies }) => bodies)))
        await target.bodies.put(await this.#file.body(digest))
      const indexes: number[] = []
      for (const run of ascending(entries)) indexes.push(...(await target.record(run)))
      await this.#alone(() => this.#drop(last, indexes))
      return entries.length
    } catch (problem) {
      throw isSpools(problem) ? this.#noted(problem) : problem
    }
  }

  async #drop({ digest }: KeptLine, indexes: readonly number[]): Promise<void> {
    try {
      await this.#file.forwarded(digest, indexes)
    } catch (problem) {
      throw this.#noted(problem)
    }
  }

  /** As many as the log takes together. */
  #oldest(): readonly KeptLine[] {
    let entries = 0
    let bytes = 0
    const { lines } = this.#file
    const over = lines.findIndex(({ count, length }) => {
      entries += count
      bytes += length
      return entries > maxForwarded || bytes > maxForwardedBytes
    })
    return over === -1 ? [...lines] : lines.slice(0, Math.max(1, over))
  }

  /** A failure as a problem of the spool; damage stays. */
  #noted(problem: unknown): SallyportError {
    const told = isSpools(problem) ? problem : spoolFailed(this.#where, problem)
    if (told.code === 'LOG_SPOOL_DAMAGED') this.#damage = told
    return told
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #full(): SallyportError {
    return spoolFull(this.#where, this.standing, this.#options.limits)
  }

  get #where(): string {
    return this.#options.storage.name
  }
}

/** Ids decide the order in which the log takes entries that come together. */
function ascending<Entry extends { readonly id: number }>(entries: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = []
  for (const entry of entries) {
    const last = runs.at(-1)
    const before = last?.at(-1)
    if (last !== undefined && before !== undefined && before.id < entry.id) last.push(entry)
    else runs.push([entry])
  }
  return runs
}

function isSpools(problem: unknown): problem is SallyportError {
  return problem instanceof SallyportError && problem.code.startsWith('LOG_SPOOL_')
}
