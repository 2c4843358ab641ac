import { lasting } from '#document'
import type { Decision } from '#decision'
import { SallyportError, type Problem } from '#error'
import type { BodyStore, Log, LogView } from '#log'
import { RecheckBook, type BookLimits } from './book.ts'
import { encodeNote, openNote, rootOf, type RecheckNote } from './note.ts'
import type { OpenAdmission, RecheckTotals, SettledAdmission } from './open-admission.ts'
import type { RecheckStore } from './ports.ts'
import { placeOfSource, RecheckSchedule, type Attempt } from './schedule.ts'

/** What came of asking again. */
export interface Asked {
  readonly decision: Decision
  /** Where it is recorded; absent when it could still not be told. */
  readonly entry?: number
}

export interface RecheckParts {
  readonly log: Pick<Log, 'view'>
  readonly bodies: BodyStore
  readonly store: RecheckStore
  /**
   * Decides again, through the one way in, and records a yes or a no and nothing else. MUST be bounded in time, and MUST call
   * `mayRecord` just before it records: when that is false somebody else does it.
   *
   * @throws SallyportError when it could not be asked or recorded
   */
  readonly ask: (
    one: OpenAdmission,
    view: LogView,
    mayRecord: () => Promise<boolean>,
  ) => Promise<Asked>
  /** Somebody has to hear of it. Durable when they resolve; the same twice MUST ring once. */
  readonly ring: {
    readonly refused: (one: SettledAdmission) => Promise<void>
    readonly overdue: (one: OpenAdmission, problems: readonly Problem[]) => Promise<void>
  }
  readonly clock: () => Date
  /** Between 0 and 1. */
  readonly random: () => number
  /** An admission that is open for longer rings. */
  readonly overdueMs: number
  readonly onError: (error: unknown) => void
  readonly limits?: BookLimits
}

export interface OpenReport extends OpenAdmission {
  readonly isOverdue: boolean
  /** The tries since this process began; absent before the first. */
  readonly attempt?: Attempt
}

export interface RecheckReport {
  /** Entries of the log that have been read, and those that have not. */
  readonly size: number
  readonly unread: number
  readonly isFull: boolean
  /** Oldest first. */
  readonly open: readonly OpenReport[]
  /** Newest first. */
  readonly settled: readonly SettledAdmission[]
  readonly totals: RecheckTotals
}

const slice = 4096
const lanes = 4

interface Round {
  readonly most: number
  /** It ends when so many could still not be told: what is down is not asked for all at once. */
  readonly failures: number
  readonly isEarly: boolean
}

const hurried: Round = { most: 64, failures: 2, isEarly: false }
const thorough: Round = { most: Infinity, failures: Infinity, isEarly: true }
const noteEvery = 1000
const noteMs = 5_000
/** Without a note nobody knows what has rung. What is older has rung, or was missed by a gate that is long gone. */
const freshMs = 86_400_000

/**
 * Decides again what was let in although nobody could tell. What has to be decided follows from the log; this process has
 * nothing that could be lost.
 */
export class RecheckQueue {
  readonly #parts: RecheckParts
  readonly #schedule: RecheckSchedule
  #book: RecheckBook | undefined
  #seen = 0
  #isMine = false
  /** Rechecks before this entry have rung; undefined when nobody knows. */
  #rung: number | undefined
  /** Those of later rechecks that have rung, too. */
  readonly #told = new Set<number>()
  #overdue = new Set<number>()
  #noted = { size: 0, at: -Infinity }
  #isChanged = false
  /** Something has rung that the note does not say: whoever has the turn next would ring again. */
  #isUrgent = false
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(parts: RecheckParts) {
    this.#parts = parts
    this.#schedule = new RecheckSchedule(parts.random)
  }

  /** Reads what is new in the log, and asks again whose time has come. Never rejects. */
  look(): Promise<void> {
    return (this.#running ??= this.#once(hurried).finally(() => {
      this.#running = undefined
    }))
  }

  /** Asks everything that is open once, whatever the time: for who waits for it. Never rejects. */
  async lookAtAll(): Promise<void> {
    await this.#running
    await this.#once(thorough)
  }

  report(): RecheckReport {
    const book = this.#book
    const size = book?.size ?? 0
    return {
      size,
      unread: Math.max(0, this.#seen - size),
      isFull: book?.isFull ?? false,
      open: (book?.open() ?? []).map((one) => this.#reportOf(one)),
      settled: book?.settled() ?? [],
      totals: book?.totals ?? { verified: 0, refused: 0 },
    }
  }

  get openCount(): number {
    return this.#book?.openCount ?? 0
  }

  /** Ends what runs, notes how far it has come, and gives the turn free. */
  async close(): Promise<void> {
    this.#isStopped = true
    await this.#running
    if (this.#isMine && this.#book !== undefined)
      await this.#writeNote(this.#book).catch(this.#parts.onError)
    await this.#parts.store[Symbol.asyncDispose]()
  }

  async #once(round: Round): Promise<void> {
    try {
      const view = await this.#parts.log.view()
      const book = (this.#book ??= await this.#begin(view))
      await this.#readOn(book, view)
      if (this.#isStopped || !this.#hasWork(book) || !(await this.#take(book))) return
      await this.#ringAll(book)
      await this.#round(book, round)
      await this.#readOn(book, await this.#parts.log.view())
      await this.#ringAll(book)
      await this.#keepNote(book)
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  async #begin(view: LogView): Promise<RecheckBook> {
    const { bodies, limits } = this.#parts
    const note = await this.#readNote(view)
    this.#remember(note)
    return new RecheckBook(bodies, note, limits)
  }

  async #readNote(view: LogView): Promise<RecheckNote | undefined> {
    return await openNote(await this.#parts.store.note(), view)
  }

  #remember(note: RecheckNote | undefined): void {
    this.#rung = note?.rung
    this.#overdue = new Set(note?.overdue)
    this.#noted = { size: note?.size ?? 0, at: -Infinity }
  }

  async #readOn(book: RecheckBook, view: LogView): Promise<void> {
    this.#seen = view.size
    while (!this.#isStopped && (await book.read(view, slice)));
    this.#schedule.keepOnly(book.open())
  }

  #hasWork(book: RecheckBook): boolean {
    return (
      book.openCount > 0 ||
      this.#unrung(book).length > 0 ||
      book.size - this.#noted.size >= noteEvery ||
      (this.#isMine && this.#isChanged && this.#isNoteOld())
    )
  }

  /** Takes the turn. Whoever had it before may have recorded and rung since this process has looked. */
  async #take(book: RecheckBook): Promise<boolean> {
    const had = this.#isMine
    this.#isMine = await this.#parts.store.take()
    if (!this.#isMine || had) return this.#isMine
    const view = await this.#parts.log.view()
    this.#remember(await this.#readNote(view))
    await this.#readOn(book, view)
    return true
  }

  #unrung(book: RecheckBook): readonly SettledAdmission[] {
    const since = this.#parts.clock().getTime() - freshMs
    return book.settled().filter(({ recheck: { verdict, entry, time } }) => {
      if (verdict !== 'DENY' || this.#told.has(entry)) return false
      return this.#rung === undefined ? Date.parse(time) >= since : entry >= this.#rung
    })
  }

  /** Rings for every no up to here, whoever recorded it: who did may have died before it could. */
  async #ringAll(book: RecheckBook): Promise<void> {
    const { ring } = this.#parts
    const unrung = this.#unrung(book)
    for (const one of unrung) await ring.refused(one)
    const rung = Math.max(this.#rung ?? 0, book.size)
    this.#rung = rung
    for (const entry of this.#told) if (entry < rung) this.#told.delete(entry)
    const overdue = book.open().filter((one) => this.#isOverdue(one))
    const news = overdue.filter(({ first }) => !this.#overdue.has(first))
    for (const one of news) await ring.overdue(one, this.#schedule.of(one.first)?.problems ?? [])
    this.#overdue = new Set(overdue.map(({ first }) => first))
    this.#isUrgent ||= unrung.length > 0 || news.length > 0
  }

  #isOverdue({ since }: OpenAdmission): boolean {
    return isOverdue(since, this.#now(), this.#parts.overdueMs)
  }

  async #round(book: RecheckBook, round: Round): Promise<void> {
    // What was read last may be newer than what the look began with.
    const view = await this.#parts.log.view()
    const now = round.isEarly ? Infinity : this.#now()
    const due = [...this.#schedule.due(book.open(), now, round.most)]
    let failures = 0
    const lane = async (): Promise<void> => {
      for (let one = due.shift(); one !== undefined; one = due.shift()) {
        if (this.#isStopped || failures >= round.failures) return
        if (!(await this.#one(book, one, view))) failures += 1
      }
    }
    await Promise.all(Array.from({ length: Math.min(lanes, due.length) }, lane))
  }

  /** False when it could still not be told. */
  async #one(book: RecheckBook, one: OpenAdmission, view: LogView): Promise<boolean> {
    const { ask, ring, store } = this.#parts
    const { first, unreadable } = one
    try {
      if (unreadable !== undefined) {
        await book.readAgain(view, one)
        this.#schedule.failed(first, this.#now(), [unreadable], [])
        return true
      }
      const { decision, entry } = await ask(one, view, () => store.take())
      const { sources } = decision.inputs
      const away = sources.filter(({ outcome }) => outcome === 'unavailable')
      const others = sources.filter(({ outcome }) => outcome !== 'unavailable')
      this.#schedule.answered(
        others.map(({ name }) => placeOfSource(name)),
        this.#now(),
      )
      if (entry === undefined) {
        const places = away.map(({ name }) => placeOfSource(name))
        this.#schedule.failed(first, this.#now(), decision.reasons, places)
        return false
      }
      book.recorded(entry, decision)
      this.#isChanged = true
      const settled = book.settled().find(({ recheck }) => recheck.entry === entry)
      if (settled?.recheck.verdict !== 'DENY') return true
      await ring.refused(settled)
      this.#told.add(entry)
      this.#isUrgent = true
      return true
    } catch (error) {
      if (!(error instanceof SallyportError)) this.#parts.onError(error)
      const problems = error instanceof SallyportError ? error.problems : []
      this.#schedule.failed(first, this.#now(), problems, [])
      return false
    }
  }

  async #keepNote(book: RecheckBook): Promise<void> {
    const isDue = this.#isChanged || book.size - this.#noted.size >= noteEvery
    if (this.#isUrgent || (isDue && this.#isNoteOld())) await this.#writeNote(book)
  }

  async #writeNote(book: RecheckBook): Promise<void> {
    const state = book.state()
    const view = await this.#parts.log.view()
    await this.#parts.store.keep(
      encodeNote({
        ...state,
        origin: view.checkpoint.origin,
        root: await rootOf(view, state.size),
        rung: this.#rung ?? 0,
        overdue: [...this.#overdue],
      }),
    )
    this.#noted = { size: state.size, at: this.#now() }
    this.#isChanged = false
    this.#isUrgent = false
  }

  #reportOf(one: OpenAdmission): OpenReport {
    const attempt = this.#schedule.of(one.first)
    return {
      ...one,
      isOverdue: this.#isOverdue(one),
      ...(attempt === undefined ? {} : { attempt }),
    }
  }

  #isNoteOld(): boolean {
    return lasting(this.#noted.at, this.#now()) >= noteMs
  }

  #now(): number {
    return this.#parts.clock().getTime()
  }
}

/** Whether an admission is open for so long. */
export function isOverdue(since: string, now: number, overdueMs: number): boolean {
  return lasting(Date.parse(since), now) >= overdueMs
}
