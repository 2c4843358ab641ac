import { hash, randomBytes, randomInt } from 'node:crypto'
import { SallyportError } from '#error'
import type { SubmittedEntry } from '../shared/ports.ts'
import type { BodyStore } from '../ports.ts'
import {
  encodeLine,
  parseLine,
  parseLines,
  spoolDamaged,
  spoolStart,
  type PlacedLine,
  type SpooledEntry,
} from './line.ts'
import type { SpoolStorage } from './ports.ts'
import { spoolFailed, spoolFull, spoolTaken } from './problems.ts'

/** What somebody is answered with whose decision is durable here, and not in the log yet. */
export interface SpoolReceipt {
  /** The name of the spool, and the number of the entry in it. */
  readonly spool: string
  readonly number: number
  /** SHA-256 of the entry: the same bytes will be in the log. */
  readonly sha256: string
}

/** An entry for the log, with the bytes of everything that it names. */
export interface SpoolEntry {
  readonly entry: Uint8Array
  readonly bodies: readonly Uint8Array[]
  /** Under which id it may be in the log already, because nobody knows how an earlier try ended. */
  readonly id?: number
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

/** What waits. */
export interface SpoolStanding {
  readonly entries: number
  readonly bytes: number
  /** When the oldest one that waits was spooled. */
  readonly oldest: Date | undefined
}

interface Waiting extends SpoolEntry {
  readonly resolve: (receipt: SpoolReceipt) => void
  readonly reject: (problem: unknown) => void
}

interface Kept {
  readonly digest: string
  readonly previous: string
  readonly from: number
  readonly length: number
  readonly count: number
  readonly time: Date
}

const maxLineEntries = 256
const maxLineBytes = 2 * 2 ** 20
const maxForwarded = 256
const maxForwardedBytes = 4 * 2 ** 20
/** Ids in the log that no replica is given: random ones below zero, in ascending order for each spool. */
const idsOfSpool = 2 ** 20
const spools = 2 ** 32

/**
 * Keeps entries durably, in their order, while the log is away; and gives them to the log when it is back, each once. Every
 * line names the digest of the line before it, so whatever is altered, removed or added between is found.
 */
export class Spool {
  readonly #options: OpenSpoolOptions
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #forwarding: Promise<number> | undefined
  /** One at a time changes the file. */
  #turn: Promise<unknown> = Promise.resolve()
  #taken = false
  /** Why it cannot be used at all. */
  #damage: SallyportError | undefined
  /** After a write that failed: what is behind `#length` is nothing. */
  #dirty = false
  #lines: Kept[] = []
  #length = 0
  #bodyBytes = 0
  #bodies = new Set<string>()
  #digest = spoolStart
  #name = ''
  #firstId = -1
  #number = 0
  #entries = 0

  constructor(options: OpenSpoolOptions) {
    this.#options = options
  }

  get standing(): SpoolStanding {
    const bytes = this.#length + this.#bodyBytes
    return { entries: this.#entries, bytes, oldest: this.#lines[0]?.time }
  }

  /** Why nothing can be added now; undefined when there is no reason known. */
  get problem(): SallyportError | undefined {
    if (this.#damage !== undefined) return this.#damage
    if (!this.#taken) return spoolTaken(this.#where)
    return this.#isFull(0, 1) ? this.#full() : undefined
  }

  /**
   * Takes the spool and reads what is in it. False while another process has it.
   *
   * @throws SallyportError LOG_SPOOL_DAMAGED, LOG_SPOOL_FAILED
   */
  async open(): Promise<boolean> {
    return this.#alone(async () => {
      if (this.#damage !== undefined) throw this.#damage
      if (this.#taken) return true
      try {
        if (!(await this.#options.storage.take())) return false
        await this.#load()
        this.#taken = true
        return true
      } catch (problem) {
        throw this.#noted(problem)
      }
    })
  }

  /**
   * Keeps an entry. Durable when it resolves, with everything that it names.
   *
   * @throws SallyportError LOG_SPOOL_FULL, LOG_SPOOL_FAILED, LOG_SPOOL_TAKEN, LOG_SPOOL_DAMAGED
   */
  async add(entry: SpoolEntry): Promise<SpoolReceipt> {
    if (this.#damage !== undefined) throw this.#damage
    if (!this.#taken && !(await this.open())) throw spoolTaken(this.#where)
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

  async #load(): Promise<void> {
    const { storage, origin } = this.#options
    const bytes = await storage.read()
    const { lines, end } = parseLines(bytes, this.#where)
    this.#lines = []
    this.#entries = this.#number = 0
    const remembered = await storage.remembered()
    checkMemory(lines, remembered, this.#where)
    const head = lines[0]?.line
    if (head?.kind !== 'SpoolHead') {
      this.#digest = remembered ?? spoolStart
      await this.#reset()
      return
    }
    if (head.origin !== origin)
      throw spoolDamaged(this.#where, `a spool of the log ${origin}`, `one of ${head.origin}`)
    if (end < bytes.length) await storage.cut(end)
    this.#dirty = false
    this.#name = head.spool
    this.#firstId = head.firstId
    this.#length = end
    this.#bodyBytes = await storage.bodyBytes()
    for (const placed of lines) this.#takeOver(placed)
  }

  /** A line that another process has written. */
  #takeOver({ line, digest, from, length }: PlacedLine): void {
    this.#digest = digest
    if (line.kind === 'SpoolForwarded') this.#dropThrough(line.line, `${this.#where}, ${digest}`)
    if (line.kind !== 'SpoolEntries') return
    const { previous, entries, time } = line
    for (const { number, bodies } of entries) {
      for (const body of bodies) this.#bodies.add(body)
      if (number !== this.#number)
        throw spoolDamaged(this.#where, `entry ${this.#number}`, `entry ${number}`)
      this.#number += 1
    }
    const count = entries.length
    this.#lines.push({ digest, previous, from, length, count, time: new Date(time) })
    this.#entries += count
  }

  async #write(): Promise<void> {
    // What is added in one turn of the event loop shares one line, and one wait for the disk.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#alone(() => this.#writeSome())
    this.#writing = undefined
  }

  async #writeSome(): Promise<void> {
    const batch = this.#takeBatch()
    if (batch.length === 0) return
    try {
      await this.#mend()
      const { storage, clock } = this.#options
      const time = clock()
      const entries = await Promise.all(batch.map((one, at) => this.#written(one, at)))
      const previous = this.#digest
      const line = { kind: 'SpoolEntries', time: time.toISOString(), entries } as const
      const { digest, from, length } = await this.#append(line)
      this.#lines.push({ digest, previous, from, length, count: batch.length, time })
      this.#entries += batch.length
      this.#number += batch.length
      await storage.remember(digest, { durable: false })
      for (const [at, { entry, resolve }] of batch.entries())
        resolve({
          spool: this.#name,
          number: entries[at]?.number ?? 0,
          sha256: hash('sha256', entry),
        })
    } catch (problem) {
      const told = this.#noted(problem)
      for (const { reject } of batch) reject(told)
    }
  }

  async #written({ entry, bodies, id }: SpoolEntry, at: number): Promise<SpooledEntry> {
    const number = this.#number + at
    return {
      number,
      id: id ?? this.#firstId + number,
      bodies: await Promise.all(bodies.map((body) => this.#putBody(body))),
      entry: Buffer.from(entry).toString('base64'),
    }
  }

  /** As many as go into one line; whoever has no room any more is refused. */
  #takeBatch(): readonly Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    while (batch.length < maxLineEntries && bytes < maxLineBytes) {
      const next = this.#queue.shift()
      if (next === undefined) break
      const size = this.#sizeOf(next)
      if (this.#isFull(bytes + size, batch.length + 1)) next.reject(this.#full())
      else {
        batch.push(next)
        bytes += size
      }
    }
    return batch
  }

  #sizeOf({ entry, bodies }: SpoolEntry): number {
    const fresh = bodies.filter((body) => !this.#bodies.has(hash('sha256', body)))
    const named = bodies.length * 70 + 400
    return Math.ceil((entry.length * 4) / 3) + named + fresh.reduce((sum, b) => sum + b.length, 0)
  }

  #isFull(bytes: number, entries: number): boolean {
    const { maxBytes, maxEntries } = this.#options.limits
    const isOver = this.#number + entries > idsOfSpool
    return isOver || this.#entries + entries > maxEntries || this.standing.bytes + bytes > maxBytes
  }

  async #putBody(body: Uint8Array): Promise<string> {
    const digest = await this.#options.storage.bodies.put(body)
    if (!this.#bodies.has(digest)) this.#bodyBytes += body.length
    this.#bodies.add(digest)
    return digest
  }

  async #append(
    line: Parameters<typeof encodeLine>[0],
  ): Promise<{ digest: string; from: number; length: number }> {
    const { bytes, digest } = encodeLine(line, this.#digest)
    const from = this.#length
    this.#dirty = true
    await this.#options.storage.append(bytes)
    this.#dirty = false
    this.#length += bytes.length
    this.#digest = digest
    return { digest, from, length: bytes.length }
  }

  /** What a write that failed has left behind is cut off: nobody was answered for it. */
  async #mend(): Promise<void> {
    if (!this.#dirty) return
    await this.#options.storage.cut(this.#length)
    this.#dirty = false
  }

  async #forwardOldest(target: SpoolTarget): Promise<number> {
    if (!(await this.open())) return 0
    const lines = this.#oldest()
    const last = lines.at(-1)
    if (last === undefined) return 0
    try {
      const entries = (await Promise.all(lines.map((line) => this.#read(line)))).flat()
      for (const digest of new Set(entries.flatMap(({ bodies }) => bodies)))
        await target.bodies.put(await this.#body(digest))
      const indexes: number[] = []
      for (const run of ascending(entries)) indexes.push(...(await target.record(run)))
      await this.#alone(() => this.#forwarded(last.digest, indexes))
      return entries.length
    } catch (problem) {
      throw isSpools(problem) ? this.#noted(problem) : problem
    }
  }

  /** As many as the log takes together. */
  #oldest(): readonly Kept[] {
    let entries = 0
    let bytes = 0
    const over = this.#lines.findIndex(({ count, length }) => {
      entries += count
      bytes += length
      return entries > maxForwarded || bytes > maxForwardedBytes
    })
    return over === -1 ? [...this.#lines] : this.#lines.slice(0, Math.max(1, over))
  }

  /** From the disk, and held against what this process wrote or found there. */
  async #read({ digest, previous, from, length }: Kept) {
    const where = `${this.#where}, byte ${from}`
    const bytes = await this.#options.storage.readAt(from, length).catch((problem: unknown) => {
      throw spoolFailed(this.#where, problem)
    })
    const found = parseLine(bytes, where, previous)
    if (found.digest !== digest || found.line.kind !== 'SpoolEntries')
      throw spoolDamaged(where, `the line ${digest}`, found.digest)
    return found.line.entries.map(({ id, bodies, entry }) => ({
      id,
      bodies,
      entry: Buffer.from(entry, 'base64'),
    }))
  }

  async #body(digest: string): Promise<Uint8Array> {
    const where = `${this.#where}, body ${digest}`
    const bytes = await this.#options.storage.bodies.get(digest).catch((problem: unknown) => {
      throw spoolDamaged(where, 'bytes with this SHA-256', 'others', problem)
    })
    if (bytes === undefined) throw spoolDamaged(where, 'bytes with this SHA-256', 'none')
    return bytes
  }

  async #forwarded(line: string, indexes: readonly number[]): Promise<void> {
    try {
      await this.#mend()
      if (this.#lines.at(-1)?.digest === line) await this.#reset()
      else {
        await this.#append({ kind: 'SpoolForwarded', line, indexes: [...indexes] })
        this.#dropThrough(line, this.#where)
        await this.#options.storage.remember(this.#digest, { durable: false })
      }
    } catch (problem) {
      throw this.#noted(problem)
    }
  }

  #dropThrough(digest: string, where: string): void {
    const last = this.#lines.findIndex((line) => line.digest === digest)
    if (last === -1) throw spoolDamaged(where, 'a line that waits', digest)
    for (const { count } of this.#lines.splice(0, last + 1)) this.#entries -= count
  }

  /** Begins an empty spool, which names the last line of the one before it. */
  async #reset(): Promise<void> {
    const { storage, origin } = this.#options
    const spool = randomBytes(8).toString('hex')
    const firstId = -(randomInt(1, spools) * idsOfSpool)
    await storage.remember(this.#digest, { durable: true })
    const head = { kind: 'SpoolHead', origin, spool, firstId } as const
    const { bytes, digest } = encodeLine(head, this.#digest)
    // Whether the old file or the new one is there when this fails, is for the next look to see.
    this.#taken = false
    await storage.replace(bytes)
    this.#taken = true
    this.#lines = []
    this.#entries = this.#number = 0
    this.#length = bytes.length
    this.#digest = digest
    this.#name = spool
    this.#firstId = firstId
    this.#bodies.clear()
    await storage.clearBodies()
    this.#bodyBytes = 0
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

/** The newest line that was remembered is in the file, or right before it. */
function checkMemory(
  lines: ReturnType<typeof parseLines>['lines'],
  remembered: string | undefined,
  where: string,
): void {
  if (remembered === undefined || lines[0]?.line.previous === remembered) return
  if (lines.some(({ digest }) => digest === remembered)) return
  throw spoolDamaged(where, `the line ${remembered}, which was written`, 'it is not there')
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
