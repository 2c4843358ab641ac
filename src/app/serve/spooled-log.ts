import { hash } from 'node:crypto'
import type { Config } from '#config'
import { SallyportError, type Problem, type ProblemCode } from '#error'
import { recordOnce, submittedAs, type Spool, type SpoolEntry, type SpoolTarget } from '#log'
import { passingFileSystem } from '#store'
import type { Gate } from '../gate.ts'
import { takeSpool } from '../spools.ts'
import type { KeptLog } from './kept-log.ts'
import type { Recorded, Recorder, Recording } from './recorder.ts'

type SpoolConfig = NonNullable<Config['log']['spool']>

/** What says that the log is away, and nothing worse. */
const away: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'LOG_UNAVAILABLE',
  'LOG_STORAGE_FULL',
  'SIGNER_DIED',
])
const drainMs = 250
/** Between two looks for what others have left behind. */
const leftMs = 10_000

/** Whether the log cannot be reached or has no room: it may be back in a moment, with everything in it. */
export function isAway(error: unknown): error is SallyportError {
  return error instanceof SallyportError && saysAway(error)
}

export function saysAway({ code }: Problem): boolean {
  return away.has(code)
}

/**
 * Opens the spool that the configuration names; undefined where there is none, or where its place would not outlive the
 * machine or the container.
 *
 * @throws SallyportError LOG_SPOOL_DAMAGED, LOG_SPOOL_FAILED
 */
export async function openSpool(
  config: Config,
  { clock, onNone }: { readonly clock: () => Date; readonly onNone: (why: string) => void },
): Promise<Spool | undefined> {
  const { spool } = config.log
  if (spool === undefined) return undefined
  const { folder, isNamed } = spool
  const passing = isNamed ? undefined : await passingFileSystem(folder)
  if (passing !== undefined) {
    onNone(whyNot(spool, passing))
    return undefined
  }
  return await takeSpool(config, clock)
}

function whyNot({ folder }: SpoolConfig, kind: string): string {
  return `${folder} is on ${kind}, which does not outlive the container or the machine; name log.spool.folder on a disk that does`
}

/** Where spooled entries go: the log of a gate, whose store tells what it has already. */
function targetOf({ log, bodies, shared: store }: Gate, waitMs: number): SpoolTarget {
  if (store === undefined) throw new TypeError('a log in files is not spooled for')
  return { bodies, record: (entries) => recordOnce(entries, { log, store, waitMs }) }
}

/** Whether the log can be used again: where something waits for it, it has to take that first. */
export async function reachLog(
  gate: Gate,
  spool: Spool | undefined,
  waitMs: number,
): Promise<void> {
  await gate.log.view()
  if (spool === undefined || gate.shared === undefined) return
  try {
    await spool.forward(targetOf(gate, waitMs))
  } catch (error) {
    // What is wrong with the spool does not keep anybody from the log.
    if (!isOfSpool(error)) throw error
  }
}

/** A kept log with a spool behind it. */
export interface SpooledLog extends AsyncDisposable {
  readonly record: Recorder
  /** Why nothing can be recorded, neither there nor here. */
  problems(): readonly Problem[]
  warnings(): readonly Problem[]
}

export interface SpooledLogParts {
  readonly kept: KeptLog
  readonly spool: Spool | undefined
  readonly waitMs: number
  /** Takes what gates of this home have left behind. */
  readonly takeLeft: () => Promise<readonly Spool[]>
  /** Told when entries begin to wait, and when none wait any more. MUST NOT throw. */
  readonly onChange: (warnings: readonly Problem[]) => void
}

/** Records in the log; while that is away, in the spool, from which everything goes into the log when it is back. */
export function spoolBehind(parts: SpooledLogParts): SpooledLog {
  return new Behind(parts)
}

class Behind implements SpooledLog {
  readonly #parts: SpooledLogParts
  readonly #timer: NodeJS.Timeout | undefined
  #draining: Promise<void> | undefined
  #told = false
  #lookedForLeft = -Infinity
  /** Why what others have left cannot be taken over. */
  #left: readonly Problem[] = []

  constructor(parts: SpooledLogParts) {
    this.#parts = parts
    if (parts.spool === undefined) return
    this.#timer = setInterval(() => this.#look(), drainMs)
    this.#timer.unref()
  }

  readonly record: Recorder = async (recording) => {
    const { kept, spool } = this.#parts
    try {
      return await recording(kept.log, kept.bodies)
    } catch (error) {
      if (spool === undefined || !isAway(error) || !this.#isAway()) throw error
      return await this.#spool(spool, recording, submittedAs(error))
    }
  }

  problems(): readonly Problem[] {
    const { kept, spool } = this.#parts
    const found = kept.problems()
    if (found.length === 0 || spool === undefined || !this.#isAway()) return found
    return spool.problem === undefined ? [] : [...found, ...spool.problem.problems]
  }

  warnings(): readonly Problem[] {
    const { kept, spool } = this.#parts
    if (spool === undefined) return []
    const problems = kept.problems()
    const waits = spool.standing.entries > 0 || (problems.length > 0 && this.#isAway())
    const wrong = problems.length === 0 ? (spool.problem?.problems ?? []) : []
    return [...(waits ? [waiting(spool)] : []), ...wrong, ...this.#left]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#draining
    await this.#parts.spool?.close()
  }

  /** A log that was put back, or is another one, is not away: nothing is recorded for it. */
  #isAway(): boolean {
    return this.#parts.kept.problems().every(saysAway)
  }

  async #spool(spool: Spool, recording: Recording, id: number | undefined): Promise<Recorded> {
    const entry = await collect(recording)
    const spooled = await spool.add({ ...entry, ...(id === undefined ? {} : { id }) })
    this.#tell()
    return { spooled }
  }

  #look(): void {
    const { kept, spool } = this.#parts
    this.#tell()
    if (spool === undefined || kept.problems().length > 0) return
    if (spool.standing.entries > 0) this.#draining ??= this.#drain(spool)
    if (this.#draining !== undefined || performance.now() - this.#lookedForLeft < leftMs) return
    this.#lookedForLeft = performance.now()
    this.#draining = this.#drainLeft()
  }

  async #drainLeft(): Promise<void> {
    try {
      const left = await this.#parts.takeLeft()
      this.#left = []
      for (const spool of left) {
        await this.#drain(spool)
        await spool.close()
      }
    } catch (error) {
      this.#left = error instanceof SallyportError ? error.problems : []
    } finally {
      this.#draining = undefined
    }
  }

  async #drain(spool: Spool): Promise<void> {
    const { kept, waitMs } = this.#parts
    try {
      while ((await kept.use((gate) => spool.forward(targetOf(gate, waitMs)))) > 0);
    } catch {
      // The log is away again, or the spool is damaged: both say so by themselves.
    } finally {
      this.#draining = undefined
      this.#tell()
    }
  }

  #tell(): void {
    const warnings = this.warnings()
    if (this.#told === warnings.length > 0) return
    this.#told = warnings.length > 0
    this.#parts.onChange(warnings)
  }
}

/** Everything that a recording would write. */
async function collect(recording: Recording): Promise<SpoolEntry> {
  const bodies: Uint8Array[] = []
  let entry: Uint8Array | undefined
  await recording(
    {
      append: (bytes) => {
        entry = bytes
        return Promise.resolve({ index: -1, checkpoint: '' })
      },
    },
    {
      put: (bytes) => {
        bodies.push(bytes)
        return Promise.resolve(hash('sha256', bytes))
      },
      get: () => Promise.resolve(undefined),
    },
  )
  if (entry === undefined) throw new TypeError('a recording that appends nothing')
  return { entry, bodies }
}

function waiting(spool: Spool): Problem {
  const { entries, oldest } = spool.standing
  const since = oldest === undefined ? '' : `, the oldest since ${oldest.toISOString()}`
  return {
    code: 'LOG_SPOOLING',
    where: 'log',
    expected: 'a log that takes every decision at once',
    found: `one that is away: ${entries} wait in the spool${since}`,
    fix: 'Bring the database of the log back before the spool is full; it empties itself then. Do not delete this gate or its disk meanwhile',
  }
}

function isOfSpool(error: unknown): boolean {
  return error instanceof SallyportError && error.code.startsWith('LOG_SPOOL_')
}
