import { lasting } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import {
  addSignatures,
  isQuorum,
  openCheckpoint,
  parseCheckpointText,
  parseNote,
  sameTree,
  signersOf,
  type LogIdentity,
  type NoteSignature,
  type OpenedCheckpoint,
  type Quorum,
} from '#merkle'
import type { LogView } from '../view.ts'
import { findConflict, type Conflict } from './compare.ts'
import type { WitnessLink, WitnessStore } from './ports.ts'
import { newestOf, submit } from './submit.ts'

export interface RoundsOptions {
  readonly log: LogIdentity
  readonly links: readonly WitnessLink[]
  readonly quorum: Quorum
  readonly store: WitnessStore
  /** The log as everybody can read it now. */
  readonly view: () => Promise<LogView>
  readonly timeoutMs: number
  readonly clock: () => Date
  /** Told of a checkpoint of this log that it does not go on from. MUST NOT throw. */
  readonly onConflict: (conflict: Conflict, evidence: string) => void
}

/** How one witness does. */
interface Standing {
  readonly link: WitnessLink
  known?: number
  /** A request is under way: it is not waited for, and not asked again before that is over. */
  isBusy: boolean
  problem?: Problem
}

/** What one round collects. Those who answer late still add to it. */
interface Round {
  readonly view: LogView
  readonly signatures: Map<string, readonly NoteSignature[]>
  readonly done: PromiseWithResolvers<void>
}

/** After so long the same tree is cosigned again: a cosignature says when the tree was the newest one. */
const refreshMs = 600_000
/** While the witnesses lag no more than this, whoever reads the log gets a checkpoint that is cosigned. */
const staleMs = 10_000

/**
 * Has the checkpoints of a log cosigned, beside everything else: nobody who records waits for it. A checkpoint is
 * witnessed when a quorum has cosigned it; from then on it is served.
 */
export class Rounds {
  readonly #options: RoundsOptions
  readonly #standings: readonly Standing[]
  readonly #waiting = new Set<() => void>()
  #witnessed: OpenedCheckpoint | undefined
  #witnessedAt = -Infinity
  /** Since when there is a published tree that is not witnessed. */
  #behindSince: number | undefined
  /** What readers have last been given. */
  #served: Pick<OpenedCheckpoint, 'size' | 'note'> | undefined
  #conflict: Conflict | undefined

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#standings = options.links.map((link) => ({ link, isBusy: false }))
  }

  /** Takes up what was witnessed before. What is published by now may have been served. */
  async begin(): Promise<void> {
    const { store, log, view } = this.#options
    this.#served = (await view()).checkpoint
    const note = await store.newest(log.origin)
    if (note !== undefined) this.#witnessed = openWitnessed(note, this.#options)
  }

  /** The newest checkpoint that a quorum has cosigned. */
  get witnessed(): OpenedCheckpoint | undefined {
    return this.#witnessed
  }

  /** That two histories of this log are signed: nothing may go on from here. */
  get conflict(): Problem | undefined {
    return this.#conflict?.problem
  }

  /** For how long something has been published and not witnessed. */
  get lagMs(): number {
    const { clock } = this.#options
    return this.#behindSince === undefined ? 0 : lasting(this.#behindSince, clock().getTime())
  }

  /** Why witnesses do not cosign. */
  problems(): readonly Problem[] {
    return this.#standings.flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  }

  /** Resolves when entries up to, and without, `size` are witnessed, or the time is over; says whether they are. */
  async wait(size: number, ms: number): Promise<boolean> {
    const end = performance.now() + ms
    while ((this.#witnessed?.size ?? 0) < size) {
      const left = end - performance.now()
      if (left <= 0) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left)
      this.#waiting.add(resolve)
      await promise
      clearTimeout(timer)
      this.#waiting.delete(resolve)
    }
    return true
  }

  /**
   * What readers are given for a published checkpoint: the newest that is witnessed, as long as the witnesses keep up, else
   * the published one itself. Never one that is smaller than another that was given before: that is given again until the
   * witnesses have come so far.
   */
  toServe(published: string): string {
    const witnessed = this.#witnessed
    const { size } = parseCheckpointText(parseNote(published).text)
    const isCurrent = this.lagMs <= staleMs || witnessed?.size === size
    const newest = isCurrent && witnessed !== undefined ? witnessed : { size, note: published }
    if (this.#served === undefined || newest.size >= this.#served.size) this.#served = newest
    return this.#served.note
  }

  /** Has the newest published checkpoint cosigned. Resolves when a quorum has, or no witness is left to answer. */
  async round(): Promise<void> {
    const view = await this.#options.view()
    if (view.size === 0 || !this.#isNews(view)) return
    this.#behindSince ??= this.#options.clock().getTime()
    const idle = this.#standings.filter(({ isBusy }) => !isBusy)
    const round: Round = { view, signatures: new Map(), done: Promise.withResolvers() }
    const asked = idle.map((standing) => this.#ask(standing, round))
    await Promise.race([round.done.promise, Promise.all(asked)])
  }

  #isNews({ checkpoint }: LogView): boolean {
    const now = this.#options.clock().getTime()
    const isSame = this.#witnessed !== undefined && sameTree(this.#witnessed, checkpoint)
    if (isSame) this.#behindSince = undefined
    return !isSame || lasting(this.#witnessedAt, now) > refreshMs
  }

  /** Never rejects: what goes wrong is how this witness does. */
  async #ask(standing: Standing, round: Round): Promise<void> {
    standing.isBusy = true
    try {
      await this.#submit(standing, round)
    } catch (error) {
      standing.problem = problemOf(error, standing.link)
      delete standing.known
    } finally {
      standing.isBusy = false
    }
  }

  async #submit(standing: Standing, round: Round): Promise<void> {
    const { link, known } = standing
    const { timeoutMs } = this.#options
    const told = await submit(link, round.view, {
      timeoutMs,
      ...(known === undefined ? {} : { known }),
    })
    if (told.kind !== 'cosigned') return await this.#examine(standing, told)
    standing.known = round.view.size
    delete standing.problem
    round.signatures.set(link.name, told.signatures)
    await this.#publish(round)
  }

  /** A witness says that this is not the log it knows: only what the log itself has signed proves it. */
  async #examine(
    standing: Standing,
    { kind, size }: { readonly kind: 'ahead' | 'inconsistent'; readonly size: number },
  ): Promise<void> {
    const { link } = standing
    const { log, timeoutMs, store, onConflict } = this.#options
    delete standing.known
    const note = await newestOf(link, log, timeoutMs)
    const held = note === undefined ? undefined : { by: byOf(link), note }
    // Looked at anew: what another replica has published since then is no conflict.
    const view = await this.#options.view()
    const conflict = held === undefined ? undefined : await findConflict(view, held, log)
    const problem =
      conflict?.problem ??
      (kind === 'ahead' && size <= view.size ? undefined : claims(link, kind, size))
    if (problem === undefined) delete standing.problem
    else standing.problem = problem
    if (conflict === undefined || this.#conflict !== undefined) return
    this.#conflict = conflict
    onConflict(conflict, await store.keepEvidence(log.origin, conflict.evidence))
  }

  async #publish({ view, signatures, done }: Round): Promise<void> {
    const { quorum, store, log, clock } = this.#options
    const held = this.#witnessed
    if (!isQuorum(quorum, new Set(signatures.keys()))) return
    if (held !== undefined && held.size > view.size) return done.resolve()
    const note = addSignatures(view.checkpoint.note, [...signatures.values()].flat())
    this.#witnessed = openCheckpoint(note, log)
    this.#witnessedAt = clock().getTime()
    this.#behindSince = undefined
    for (const resolve of this.#waiting) resolve()
    done.resolve()
    await keep(store, log.origin, note)
  }
}

/** Another process of this home may have kept a larger one meanwhile; that stands. */
async function keep(store: WitnessStore, origin: string, note: string): Promise<void> {
  const { size } = parseCheckpointText(parseNote(note).text)
  for (let round = 0; round < 8; round += 1) {
    const held = await store.newest(origin)
    if (held !== undefined && parseCheckpointText(parseNote(held).text).size > size) return
    if (await store.replace(origin, held, note)) return
  }
}

/** What was kept, when it still is a checkpoint of this log that a quorum has cosigned: policies change. */
export function openWitnessed(
  note: string,
  {
    log,
    links,
    quorum,
  }: Pick<RoundsOptions, 'log' | 'quorum'> & {
    readonly links: readonly Pick<WitnessLink, 'name' | 'key'>[]
  },
): OpenedCheckpoint | undefined {
  try {
    const signers = signersOf(
      note,
      links.map(({ key }) => key),
    )
    const names = links.filter(({ key }) => signers.some((one) => one.key === key))
    const isWitnessed = isQuorum(quorum, new Set(names.map(({ name }) => name)))
    return isWitnessed ? openCheckpoint(note, log) : undefined
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** How a witness is named in findings. */
export function byOf({ name, url }: Pick<WitnessLink, 'name' | 'url'>): string {
  return `witness ${quote(name, 60)} at ${url}`
}

function claims(link: WitnessLink, kind: 'ahead' | 'inconsistent', size: number): Problem {
  const what =
    kind === 'ahead'
      ? `that it has cosigned ${size} entries, more than there are`
      : `that the log does not extend the ${size} entries it has cosigned`
  return {
    code: 'WITNESS_REFUSED',
    where: byOf(link),
    expected: 'a cosignature',
    found: `its word, without a checkpoint that proves it, ${what}`,
    fix: 'Ask its operator for the checkpoint it holds, and run `sallyport log verify --earlier FILE` with it',
  }
}

function problemOf(error: unknown, link: WitnessLink): Problem {
  if (error instanceof SallyportError) return { ...error.problems[0]!, where: byOf(link) }
  return {
    code: 'WITNESS_REFUSED',
    where: byOf(link),
    expected: 'a cosignature',
    found: error instanceof Error ? error.message.slice(0, 200) : 'an error',
    fix: 'Look at the log: its tiles could not be read for a proof',
  }
}
