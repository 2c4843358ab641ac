import { isDeepStrictEqual } from 'node:util'
import type { Gathered } from '#evidence'

/** Evidence that was found a moment ago, so that the same artifact is not looked for with every pod of a rollout. */
export interface RememberedEvidence {
  /**
   * What was found for `key` not longer ago than a while, if that led to a yes the last time for `question` and it still
   * holds at `now`. Anything but a yes is worth looking again after a second: what was missing may have been added.
   */
  recall(key: string, question: string, now: Date): Gathered | undefined
  /**
   * Looks again, beside the answers, when what is remembered for `key` grows old, so that nobody who asks often ever waits
   * for a look. What is found takes its place; when that is the same, every yes goes on to count. Never rejects.
   */
  renew(key: string, gather: () => Promise<Gathered>): void
  /** Looks, or waits for who looks already. */
  look(key: string, gather: () => Promise<Gathered>): Promise<Gathered>
  /** That `evidence` led to a yes, and until when it holds if nothing changes but the time. */
  allowed(key: string, question: string, evidence: Gathered, until: Date | undefined): void
  readonly size: number
  /** How many look at this moment. */
  readonly looking: number
  /** What is held, as it is counted against the bound. */
  readonly bytes: number
}

interface Entry {
  readonly evidence: Gathered
  at: number
  /** When to look again, if anybody asks then. Not the same for all that was found at once. */
  renewAt: number
  bytes: number
  /** Until when each question is answered with yes; milliseconds. */
  readonly yes: Map<string, number>
}

export interface RememberedOptions {
  /** How long what was found may be used again, in seconds. */
  readonly seconds: number
  /** Default 256 MiB. */
  readonly maxBytes?: number
  readonly clock: () => Date
}

const maxQuestions = 256
/** What an entry and a question take beside the evidence itself, generously. */
const entryBytes = 2000
const questionBytes = 400
/** So fresh that looking again would find the same: a rollout that is refused asks a hundred times a second. */
const freshMs = 1000
/** What is renewed must not take the place of what somebody waits for. */
const maxRenewing = 4
/** A look takes a millisecond: a thousand artifacts that were found at once must not be looked for at once. */
const renewEveryMs = 5

export function rememberEvidence(options: RememberedOptions): RememberedEvidence {
  return new Remembered(options)
}

class Remembered implements RememberedEvidence {
  readonly #entries = new Map<string, Entry>()
  readonly #looking = new Map<string, Promise<Gathered>>()
  #renewing = 0
  #renewedAt = -Infinity
  readonly #milliseconds: number
  readonly #maxBytes: number
  readonly #clock: () => Date
  #bytes = 0

  constructor({ seconds, maxBytes = 256 * 1024 * 1024, clock }: RememberedOptions) {
    this.#milliseconds = seconds * 1000
    this.#maxBytes = maxBytes
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  get looking(): number {
    return this.#looking.size
  }

  get bytes(): number {
    return this.#bytes
  }

  recall(key: string, question: string, now: Date): Gathered | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const time = now.getTime()
    const age = time - entry.at
    // A clock that was set back proves nothing about how old this is.
    if (age < 0 || age > this.#milliseconds) {
      this.#drop(key)
      return undefined
    }
    if (age <= freshMs) return entry.evidence
    return (entry.yes.get(question) ?? -Infinity) > time ? entry.evidence : undefined
  }

  renew(key: string, gather: () => Promise<Gathered>): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#renewing >= maxRenewing) return
    const time = this.#clock().getTime()
    if (time < entry.renewAt || this.#looking.has(key)) return
    if (time >= this.#renewedAt && time < this.#renewedAt + renewEveryMs) return
    this.#renewedAt = time
    entry.renewAt = Infinity
    this.#renewing += 1
    gather()
      .then(
        (evidence) => this.#renewed(key, entry, evidence),
        // It is looked for as ever when it is too old.
        () => undefined,
      )
      .finally(() => (this.#renewing -= 1))
  }

  look(key: string, gather: () => Promise<Gathered>): Promise<Gathered> {
    const running = this.#looking.get(key)
    if (running !== undefined) return running
    const started = gather()
      .then((evidence) => {
        this.#keep(key, evidence)
        return evidence
      })
      .finally(() => this.#looking.delete(key))
    this.#looking.set(key, started)
    // Whoever asked may have given up waiting.
    started.catch(() => undefined)
    return started
  }

  allowed(key: string, question: string, evidence: Gathered, until: Date | undefined): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.evidence !== evidence) return
    if (!entry.yes.has(question)) {
      if (entry.yes.size >= maxQuestions) return
      entry.bytes += questionBytes
      this.#bytes += questionBytes
    }
    entry.yes.set(question, until?.getTime() ?? Infinity)
    this.#shrink()
  }

  #renewed(key: string, entry: Entry, evidence: Gathered): void {
    if (this.#entries.get(key) !== entry || isOutage(evidence)) return
    if (!isDeepStrictEqual(evidence, entry.evidence)) return this.#keep(key, evidence)
    entry.at = this.#clock().getTime()
    entry.renewAt = this.#renewalOf(entry.at)
  }

  /** Between half and four fifths of the time for which it may be used. */
  #renewalOf(at: number): number {
    return at + this.#milliseconds * (0.5 + 0.3 * Math.random())
  }

  #keep(key: string, evidence: Gathered): void {
    this.#drop(key)
    // An outage is not worth remembering: the next one who asks may find it over.
    if (isOutage(evidence)) return
    const bytes = entryBytes + sizeOf(evidence)
    const at = this.#clock().getTime()
    const renewAt = this.#renewalOf(at)
    this.#entries.set(key, { evidence, at, renewAt, bytes, yes: new Map() })
    this.#bytes += bytes
    this.#shrink()
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0
    this.#entries.delete(key)
  }

  #shrink(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }
}

function isOutage({ sources }: Gathered): boolean {
  return sources.some(({ outcome }) => outcome === 'unavailable')
}

/** Everything that hangs on it, not the attestations alone. */
function sizeOf({ items, signatures, documents, related }: Gathered): number {
  const pieces = [...items, ...signatures, ...documents, ...related]
  return pieces.reduce((sum, piece) => sum + entryBytes + bytesIn(piece), 0)
}

function bytesIn(piece: object): number {
  const buffers = Object.values(piece).filter((value) => value instanceof Uint8Array)
  return buffers.reduce((sum, { length }) => sum + length, 0)
}
