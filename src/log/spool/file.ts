import { hash, randomBytes, randomInt } from 'node:crypto'
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
import { spoolFailed } from './problems.ts'

/** An entry for the log, with the bytes of everything that it names. */
export interface SpoolEntry {
  readonly entry: Uint8Array
  readonly bodies: readonly Uint8Array[]
  /** Under which id it may be in the log already, because nobody knows how an earlier try ended. */
  readonly id?: number
}

/** What waits. */
export interface SpoolStanding {
  readonly entries: number
  readonly bytes: number
  /** When the oldest one that waits was spooled. */
  readonly oldest: Date | undefined
}

/** A line whose entries are not in the log yet. */
export interface KeptLine {
  readonly digest: string
  readonly previous: string
  readonly from: number
  readonly length: number
  readonly count: number
  readonly time: Date
}

/** What is read back from a line, to be given to the log. */
export interface ReadEntry {
  readonly id: number
  /** Their digests. */
  readonly bodies: readonly string[]
  readonly entry: Uint8Array
}

/**
 * Ids in the log that no replica is given: below zero, in ascending order for each process with a spool. Each begins at one
 * of the places drawn from, which are so many that two do not meet, and none is near zero.
 */
const idsApart = 2 ** 20
const places = { first: 2 ** 20, end: 2 ** 32 }

/**
 * The file of a spool, and what is known of it. Every line names the digest of the line before it, so whatever is altered,
 * removed or added between is found. One at a time may call what changes it.
 */
export class SpoolFile {
  readonly #storage: SpoolStorage
  readonly #origin: string
  /** Whether what is here is what is on the disk. */
  #isKnown = false
  /** Since a write failed, until one succeeds: what is behind `#length` is nothing. */
  #dirty = false
  #lines: KeptLine[] = []
  #length = 0
  #bodyBytes = 0
  #bodies = new Set<string>()
  #digest = spoolStart
  #name = ''
  /** Of this process alone, wherever the file comes from: a home is copied with its spool. */
  #firstId = 0
  #number = 0
  #entries = 0

  constructor(storage: SpoolStorage, origin: string) {
    this.#storage = storage
    this.#origin = origin
  }

  get name(): string {
    return this.#name
  }

  get isKnown(): boolean {
    return this.#isKnown
  }

  get lines(): readonly KeptLine[] {
    return this.#lines
  }

  get standing(): SpoolStanding {
    const bytes = this.#length + this.#bodyBytes
    return { entries: this.#entries, bytes, oldest: this.#lines[0]?.time }
  }

  /** How many bytes more it has with an entry, at most. */
  sizeOf({ entry, bodies }: SpoolEntry): number {
    const fresh = bodies.filter((body) => !this.#bodies.has(hash('sha256', body)))
    const named = bodies.length * 70 + 400
    return Math.ceil((entry.length * 4) / 3) + named + fresh.reduce((sum, b) => sum + b.length, 0)
  }

  /** Reads what is there; begins an empty one where there is none. */
  async load(): Promise<void> {
    this.#isKnown = false
    const bytes = await this.#storage.read()
    const { lines, end } = parseLines(bytes, this.#where)
    this.#lines = []
    this.#entries = this.#number = 0
    // The numbers may begin anew: another process, or a write that failed here, has emptied the spool.
    this.#firstId = firstOfIds()
    const remembered = await this.#storage.remembered()
    checkMemory(lines, remembered, this.#where)
    const head = lines[0]?.line
    if (head?.kind !== 'SpoolHead') {
      this.#digest = spoolStart
      await this.#reset()
      return
    }
    if (head.origin !== this.#origin)
      throw spoolDamaged(this.#where, `a spool of the log ${this.#origin}`, `one of ${head.origin}`)
    if (end < bytes.length) await this.#storage.cut(end)
    this.#name = head.spool
    this.#length = end
    this.#bodyBytes = await this.#storage.bodyBytes()
    for (const placed of lines) this.#takeOver(placed)
    this.#isKnown = true
  }

  /** Adds a line with these entries. Durable when it resolves, with the number of each. */
  async write(batch: readonly SpoolEntry[], time: Date): Promise<readonly number[]> {
    await this.#mend()
    const entries = await Promise.all(batch.map((one, at) => this.#written(one, at)))
    const previous = this.#digest
    const line = { kind: 'SpoolEntries', time: time.toISOString(), entries } as const
    const { digest, from, length } = await this.#append(line)
    this.#lines.push({ digest, previous, from, length, count: batch.length, time })
    this.#entries += batch.length
    this.#number += batch.length
    await this.#storage.remember(digest, { durable: false })
    return entries.map(({ number }) => number)
  }

  /** From the disk, and held against what this process wrote or found there. */
  async read({ digest, previous, from, length }: KeptLine): Promise<readonly ReadEntry[]> {
    const where = `${this.#where}, byte ${from}`
    const bytes = await this.#storage.readAt(from, length).catch((problem: unknown) => {
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

  async body(digest: string): Promise<Uint8Array> {
    const where = `${this.#where}, body ${digest}`
    const bytes = await this.#storage.bodies.get(digest).catch((problem: unknown) => {
      throw spoolDamaged(where, 'bytes with this SHA-256', 'others', problem)
    })
    if (bytes === undefined) throw spoolDamaged(where, 'bytes with this SHA-256', 'none')
    return bytes
  }

  /** Drops a line and all before it, whose entries stand at `indexes` of the log. */
  async forwarded(line: string, indexes: readonly number[]): Promise<void> {
    await this.#mend()
    if (this.#lines.at(-1)?.digest === line) return this.#reset()
    await this.#append({ kind: 'SpoolForwarded', line, indexes: [...indexes] })
    this.#dropThrough(line, this.#where)
    await this.#storage.remember(this.#digest, { durable: false })
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

  async #written({ entry, bodies, id }: SpoolEntry, at: number): Promise<SpooledEntry> {
    const number = this.#number + at
    return {
      number,
      id: id ?? this.#firstId + number,
      bodies: await Promise.all(bodies.map((body) => this.#putBody(body))),
      entry: Buffer.from(entry).toString('base64'),
    }
  }

  async #putBody(body: Uint8Array): Promise<string> {
    const digest = await this.#storage.bodies.put(body)
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
    await this.#storage.append(bytes)
    this.#dirty = false
    this.#length += bytes.length
    this.#digest = digest
    return { digest, from, length: bytes.length }
  }

  /** What a write that failed has left behind is cut off: nobody was answered for it. */
  async #mend(): Promise<void> {
    if (this.#dirty) await this.#storage.cut(this.#length)
  }

  #dropThrough(digest: string, where: string): void {
    const last = this.#lines.findIndex((line) => line.digest === digest)
    if (last === -1) throw spoolDamaged(where, 'a line that waits', digest)
    for (const { count } of this.#lines.splice(0, last + 1)) this.#entries -= count
  }

  /** Begins an empty spool, which names the last line of the one before it. */
  async #reset(): Promise<void> {
    const spool = randomBytes(8).toString('hex')
    const firstId = firstOfIds()
    await this.#storage.remember(this.#digest, { durable: true })
    const head = { kind: 'SpoolHead', origin: this.#origin, spool, firstId } as const
    const { bytes, digest } = encodeLine(head, this.#digest)
    // Whether the old file or the new one is there when this fails, is for the next look to see.
    this.#isKnown = false
    await this.#storage.replace(bytes)
    this.#isKnown = true
    this.#lines = []
    this.#entries = this.#number = 0
    this.#length = bytes.length
    this.#digest = digest
    this.#name = spool
    this.#firstId = firstId
    this.#bodies.clear()
    await this.#storage.clearBodies()
    this.#bodyBytes = 0
  }

  get #where(): string {
    return this.#storage.name
  }
}

function firstOfIds(): number {
  return -(randomInt(places.first, places.end) * idsApart)
}

/** The newest line that was remembered is in the file, or right before it. */
function checkMemory(
  lines: readonly PlacedLine[],
  remembered: string | undefined,
  where: string,
): void {
  if (remembered === undefined || lines[0]?.line.previous === remembered) return
  if (lines.some(({ digest }) => digest === remembered)) return
  throw spoolDamaged(where, `the line ${remembered}, which was written`, 'it is not there')
}
