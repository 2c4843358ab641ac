import { setImmediate as turn } from 'node:timers/promises'
import type { Decision } from '#decision'
import type { BodyStore, LogView } from '#log'
import type { OpenAdmission, RecheckTotals, SettledAdmission } from './open-admission.ts'
import { aboutOf, meaningOf, queueMarks, readEntry, type QueueEntry } from './read-entry.ts'

/** The state of a book, as it is noted. */
export interface BookState {
  /** How many entries of the log are in it. */
  readonly size: number
  readonly open: readonly OpenAdmission[]
  /** The newest, oldest of them first. */
  readonly settled: readonly SettledAdmission[]
  readonly totals: RecheckTotals
}

export interface BookLimits {
  /** Questions that are open at a time. At more, the log is not read on until some are settled: it keeps the others. */
  readonly open: number
  /** Settled ones that are kept to be shown: refused, and verified. */
  readonly refused: number
  readonly verified: number
}

export const bookLimits: BookLimits = { open: 10_000, refused: 1000, verified: 200 }
/** After so many entries others have their turn: whoever waits for a decision must not wait for this. */
const atATime = 16
const nothing: BookState = { size: 0, open: [], settled: [], totals: { verified: 0, refused: 0 } }

/**
 * What a log holds of admissions that nobody could tell: a projection, which can be dropped and made again. It changes by
 * what stands in the log and by nothing else, so every replica and every start comes to the same.
 */
export class RecheckBook {
  readonly #bodies: BodyStore
  readonly #limits: BookLimits
  /** By the question that they ask. */
  readonly #open = new Map<string, OpenAdmission>()
  #refused: SettledAdmission[]
  #verified: SettledAdmission[]
  #totals: RecheckTotals
  #size: number
  #isFull = false

  constructor(bodies: BodyStore, state = nothing, limits = bookLimits) {
    this.#bodies = bodies
    this.#limits = limits
    this.#size = state.size
    this.#totals = state.totals
    this.#refused = state.settled.filter(({ recheck }) => recheck.verdict === 'DENY')
    this.#verified = state.settled.filter(({ recheck }) => recheck.verdict === 'ALLOW')
    for (const one of state.open) this.#open.set(one.question, one)
  }

  /** How many entries have been read. */
  get size(): number {
    return this.#size
  }

  get totals(): RecheckTotals {
    return this.#totals
  }

  /** Whether no more open questions fit, so that the log is not read on. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Oldest first. */
  open(): readonly OpenAdmission[] {
    return [...this.#open.values()]
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Newest first. */
  settled(): readonly SettledAdmission[] {
    return [...this.#refused, ...this.#verified].sort((a, b) => b.recheck.entry - a.recheck.entry)
  }

  state(): BookState {
    return {
      size: this.#size,
      open: this.open(),
      settled: this.settled().toReversed(),
      totals: this.#totals,
    }
  }

  /** Reads on, at most so many entries; says whether there is more that fits. */
  async read(view: Pick<LogView, 'size' | 'entries'>, most: number): Promise<boolean> {
    this.#isFull = false
    const to = Math.min(view.size, this.#size + most)
    for await (const { index, entry } of view.entries(this.#size, to, queueMarks)) {
      this.#size = index
      const meaning = await readEntry(index, entry, this.#bodies)
      if (meaning !== undefined && !this.#apply(index, meaning)) {
        this.#isFull = true
        return false
      }
      this.#size = index + 1
      if (index % atATime === 0) await turn()
    }
    this.#size = Math.max(this.#size, to)
    return this.#size < view.size
  }

  /** Reads an entry again that could not be read. */
  async readAgain(view: Pick<LogView, 'entry'>, { first, question }: OpenAdmission): Promise<void> {
    const meaning = await readEntry(first, await view.entry(first), this.#bodies)
    if (meaning?.kind === 'unreadable') return
    this.#open.delete(question)
    if (meaning !== undefined) this.#apply(first, meaning)
  }

  /** Takes in what has just been recorded there: the log may not be read as far for a long time. */
  recorded(index: number, decision: Decision): void {
    const meaning = meaningOf(index, decision)
    if (meaning?.kind === 'recheck') this.#settle(meaning)
  }

  /** False when it does not fit. */
  #apply(index: number, meaning: QueueEntry): boolean {
    switch (meaning.kind) {
      case 'admission':
        return this.#admit(meaning.admission)
      case 'unreadable':
        return this.#admit(unreadable(index, meaning.problem))
      case 'recheck':
        this.#settle(meaning)
        return true
    }
  }

  #admit(one: OpenAdmission): boolean {
    const before = this.#open.get(one.question)
    if (before === undefined && this.#open.size >= this.#limits.open) return false
    this.#open.set(one.question, before === undefined ? one : joined(before, one))
    return true
  }

  #settle({ rechecks, about, recheck }: Extract<QueueEntry, { kind: 'recheck' }>): void {
    const { question, last } = rechecks
    const open = this.#open.get(question)
    // Nothing is settled by an answer about something else, nor by one that was there before the question.
    if (open === undefined || about !== aboutOf(open) || recheck.entry <= last) return
    if (last < open.first) return
    this.#open.delete(question)
    // What came in while it was decided again has not been decided again. It is one question: the last one stands for it.
    const isLater = open.last > last
    if (isLater)
      this.#open.set(question, { ...open, first: open.last, since: open.until, times: 1 })
    const times = isLater ? Math.max(1, open.times - 1) : open.times
    this.#keep({ ...open, last: Math.min(last, open.last), times, recheck })
  }

  #keep(settled: SettledAdmission): void {
    const { verified, refused } = this.#totals
    const isYes = settled.recheck.verdict === 'ALLOW'
    this.#totals = isYes
      ? { refused, verified: verified + settled.times }
      : { verified, refused: refused + settled.times }
    if (isYes) this.#verified = [...this.#verified, settled].slice(-this.#limits.verified)
    else this.#refused = [...this.#refused, settled].slice(-this.#limits.refused)
  }
}

function joined(before: OpenAdmission, one: OpenAdmission): OpenAdmission {
  return { ...before, last: one.last, until: one.until, times: before.times + 1 }
}

function unreadable(
  index: number,
  problem: NonNullable<OpenAdmission['unreadable']>,
): OpenAdmission {
  return {
    question: `entry ${index}`,
    first: index,
    last: index,
    since: '',
    until: '',
    times: 1,
    artifact: { name: '', sha256: '' },
    environment: '',
    service: '',
    unreadable: problem,
  }
}
