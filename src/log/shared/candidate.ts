import { setTimeout as sleep } from 'node:timers/promises'
import { SallyportError } from '#error'
import type { SequencerSession, SharedCommit, SharedHead, SharedLogStore } from './ports.ts'
import { remember, sequence, type SequencerContext, type SequencerTurns } from './sequencer.ts'

/** What a candidate is told and tells. */
export interface CandidateOptions extends SequencerContext, Omit<SequencerTurns, 'next'> {
  readonly store: SharedLogStore
  /** It does not sequence any more: what waits here has to be submitted. */
  readonly released: () => void
  /** The store is not what was signed: nobody may go on with it. */
  readonly refused: (problem: SallyportError) => void
  /** Something else went wrong; it is tried again. */
  readonly tell: (problem: unknown) => void
  /** The newest head this replica has seen. */
  readonly head: () => SharedHead | undefined
}

const pollMs = 100
const retryMs = 250
const rememberMs = 1000

/** A replica that sequences whenever nobody else does. */
export class Candidate {
  readonly #options: CandidateOptions
  readonly #stop = new AbortController()
  #wake = Promise.withResolvers<void>()
  #running: Promise<void>
  #remembered = 0
  #doubted = false
  #isSequencing = false

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Whether this replica sequences: what waits in it is taken from it, and need not be submitted before. */
  get isSequencing(): boolean {
    return this.#isSequencing
  }

  /** There may be something to sequence. */
  wake(): void {
    this.#wake.resolve()
  }

  /** Sequences what waits, and gives the right free. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const session = await this.#options.store.sequence()
        if (session === undefined) await this.#follow()
        else await this.#sequence(session)
        this.#doubted = false
      } catch (problem) {
        // While this replica was held up another may have had the signers remember more: that is judged anew.
        if (isRefusal(problem) && this.#doubted) return this.#options.refused(problem)
        this.#doubted = isRefusal(problem)
        if (!isCode(problem, 'LOG_SEQUENCER_LOST')) this.#options.tell(problem)
      }
      await this.#pause(retryMs)
    }
  }

  async #sequence(session: SequencerSession): Promise<void> {
    this.#isSequencing = true
    try {
      const { submit, isAwaited, remembered } = this.#options
      const committed = (done: SharedCommit): void => {
        this.#doubted = false
        this.#options.committed(done)
      }
      const next = async (ms: number) => this.#next(ms)
      await sequence(session, this.#options, { next, submit, isAwaited, remembered, committed })
    } finally {
      this.#isSequencing = false
      this.#options.released()
      await session.release()
    }
  }

  /** Waits for a word, or a while: words may be lost. */
  async #next(ms: number): Promise<boolean> {
    if (this.#stop.signal.aborted) return false
    // Hundreds of times a second, and mostly a word comes first: the timer ends with it.
    const timer = setTimeout(() => this.wake(), Math.min(ms, pollMs))
    await this.#wake.promise
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
    return !this.#stop.signal.aborted
  }

  async #follow(): Promise<void> {
    const head = this.#options.head()
    const now = performance.now()
    if (head === undefined || now - this.#remembered < rememberMs) return
    this.#remembered = now
    await remember(this.#options, head)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}

const refusals: ReadonlySet<string> = new Set([
  'LOG_ROLLED_BACK',
  'LOG_FORKED',
  'LOG_CORRUPT',
  'LOG_MEMORY_MISSING',
  'LOG_ENTRY_ALTERED',
  'LOG_STORE_UNSAFE',
  'LOG_STORE_NEWER',
  'CHECKPOINT_UNEXPECTED',
  'CONSISTENCY_PROOF_INVALID',
  'TILE_MALFORMED',
  'ENTRY_BUNDLE_MALFORMED',
])

function isRefusal(problem: unknown): problem is SallyportError {
  return problem instanceof SallyportError && refusals.has(problem.code)
}

function isCode(problem: unknown, code: string): boolean {
  return problem instanceof SallyportError && problem.code === code
}
