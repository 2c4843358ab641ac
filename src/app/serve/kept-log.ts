import { randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '#config'
import { SallyportError, type Problem, type ProblemCode } from '#error'
import type { BodyStore, Log } from '#log'
import { hasLogKeys } from '../database.ts'
import type { Gate } from '../gate.ts'
import { isAway } from './spooled-log.ts'

/** The log of a gate that has to go on: what fails is told, tried again, and taken into use again when it works. */
export interface KeptLog extends AsyncDisposable {
  readonly log: Pick<Log, 'append' | 'view' | 'receipt' | 'size'>
  readonly bodies: BodyStore
  /** Uses the log as it is open now. @throws SallyportError LOG_UNAVAILABLE when it is not */
  use<T>(work: (gate: Gate) => Promise<T>): Promise<T>
  /** Why nothing can be recorded now; empty when everything can. */
  problems(): readonly Problem[]
}

export interface KeepLogOptions {
  /** Starts the signer and opens the log: recovers what a crash left, and refuses an old copy. */
  readonly open: () => Promise<Gate>
  /** Rejects while there is no room, or no right to write. */
  readonly probe: () => Promise<void>
  /**
   * For a log that mends itself, as one in a database does: rejects while it cannot be reached. Such a log is not opened
   * again because it was away.
   */
  readonly reach?: (gate: Gate) => Promise<void>
  /** Told of each change. MUST NOT throw. */
  readonly onChange: (problems: readonly Problem[]) => void
}

/** What says nothing about the log: the entry was wrong, there is too much at once, or it is being stopped. */
const harmless: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'LOG_ENTRY_TOO_LARGE',
  'LOG_BUSY',
  'LOG_CLOSED',
  'RECORD_BODY_MISSING',
  // What is wrong with the spool is not wrong with the log.
  'LOG_SPOOL_DAMAGED',
  'LOG_SPOOL_FAILED',
  'LOG_SPOOL_TAKEN',
])
/** After that it is seen whether a body is still there: a thousand decisions need not look a thousand times. */
const putAgainMs = 1000
const firstWaitMs = 100
const longestWaitMs = 5000
/** A log that was away again sooner than this is believed later. */
const steadyMs = 10_000
const longestReachMs = 1000
const probeBytes = 256 * 1024

interface Put {
  readonly digest: string
  readonly at: number
}

/**
 * Opens the log, and opens it again whenever it failed: its signer died or hangs, the disk was full or could not be
 * written. Until then every append is refused at once, so nobody is answered without a record, and nobody waits.
 *
 * @throws SallyportError when the log cannot be opened at the start
 */
export async function keepLog(options: KeepLogOptions): Promise<KeptLog> {
  const kept = new Keeper(options)
  await kept.begin()
  return {
    problems: () => kept.problems,
    use: (work) => kept.use(work),
    bodies: {
      put: (bytes) => kept.put(bytes),
      get: (digest) => kept.read((gate) => gate.bodies.get(digest)),
    },
    log: {
      append: (entry) => kept.use((gate) => gate.log.append(entry)),
      view: () => kept.read((gate) => gate.log.view()),
      receipt: (index) => kept.read((gate) => gate.log.receipt(index)),
      get size() {
        return kept.size
      },
    },
    [Symbol.asyncDispose]: () => kept.close(),
  }
}

class Keeper {
  readonly #options: KeepLogOptions
  readonly #stop = new AbortController()
  #gate: Gate | undefined
  #mending: Promise<void> | undefined
  #away = false
  #reaching: Promise<void> | undefined
  #reached = { at: -Infinity, waitMs: firstWaitMs }
  /** What was kept a moment ago, by the very object: policy files come with every decision, and never change in place. */
  #put = new WeakMap<Uint8Array, Put>()
  #size = 0
  problems: readonly Problem[] = []

  constructor(options: KeepLogOptions) {
    this.#options = options
  }

  get size(): number {
    return Math.max(this.#size, this.#gate?.log.size ?? 0)
  }

  async begin(): Promise<void> {
    this.#take(await this.#options.open())
  }

  async use<T>(work: (gate: Gate) => Promise<T>): Promise<T> {
    const gate = this.#gate
    if (gate === undefined || this.#away) throw unavailable(this.problems)
    try {
      return await work(gate)
    } catch (error) {
      if (this.#options.reach !== undefined && isAway(error)) this.#lost(gate, error)
      else if (!isHarmless(error)) this.#failed(gate, error)
      throw error
    }
  }

  async put(bytes: Uint8Array): Promise<string> {
    const now = performance.now()
    const known = this.#put.get(bytes)
    if (known !== undefined && now - known.at < putAgainMs) return known.digest
    const digest = await this.use((gate) => gate.bodies.put(bytes))
    this.#put.set(bytes, { digest, at: now })
    return digest
  }

  async read<T>(work: (gate: Gate) => Promise<T>): Promise<T> {
    if (this.#gate === undefined) throw unavailable(this.problems)
    return await work(this.#gate)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#mending
    await this.#reaching
    const gate = this.#gate
    this.#gate = undefined
    await gate?.[Symbol.asyncDispose]()
  }

  #take(gate: Gate): void {
    this.#gate = gate
    this.#away = false
    this.#put = new WeakMap()
    // A signer that dies while nobody asks is missed before somebody does.
    void gate.signerEnded.then(() => this.#failed(gate, signerGone()))
  }

  #failed(gate: Gate, error: unknown): void {
    if (this.#gate !== gate || this.#stop.signal.aborted) return
    this.#size = this.size
    this.#gate = undefined
    this.#tell(error)
    this.#mending = this.#mend(gate).finally(() => {
      this.#mending = undefined
    })
  }

  /** Nobody waits for a log that is away, and nobody opens it: it is looked at until it is back. */
  #lost(gate: Gate, error: SallyportError): void {
    if (this.#gate !== gate || this.#away || this.#stop.signal.aborted) return
    this.#away = true
    this.#tell(error)
    this.#reaching = this.#reach(gate).finally(() => {
      this.#reaching = undefined
    })
  }

  async #reach(gate: Gate): Promise<void> {
    const { signal } = this.#stop
    const isSteady = performance.now() - this.#reached.at > steadyMs
    let ms = isSteady ? firstWaitMs : Math.min(this.#reached.waitMs * 2, longestWaitMs)
    this.#reached.waitMs = ms
    for (; ; ms = Math.min(ms * 2, Math.max(this.#reached.waitMs, longestReachMs))) {
      await wait(ms, undefined, { signal }).catch(() => undefined)
      if (signal.aborted || this.#gate !== gate) return
      try {
        await this.#options.reach?.(gate)
        if (this.#gate !== gate) return
        this.#away = false
        this.#reached.at = performance.now()
        this.problems = []
        this.#options.onChange([])
        return
      } catch (error) {
        if (isAway(error)) this.#tell(error)
        else return this.#failed(gate, error)
      }
    }
  }

  async #mend(broken: Gate): Promise<void> {
    await letGo(broken)
    const { signal } = this.#stop
    for (let ms = firstWaitMs; !signal.aborted; ms = Math.min(ms * 2, longestWaitMs)) {
      try {
        await this.#options.probe()
        this.#take(await this.#options.open())
        this.problems = []
        this.#options.onChange([])
        return
      } catch (error) {
        this.#tell(error)
        await wait(ms, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #tell(error: unknown): void {
    const before = this.problems[0]
    this.problems = error instanceof SallyportError ? error.problems : [cannotWrite(error)]
    if (this.problems[0]?.code !== before?.code) this.#options.onChange(this.problems)
  }
}

/** Whatever a broken one still holds must be let go of; that it cannot end well is known. */
async function letGo(broken: Gate): Promise<void> {
  try {
    await broken[Symbol.asyncDispose]()
  } catch {
    // Why it broke has been told.
  }
}

/** Writes a little, durably, wherever a record has to go. */
export async function probeStores(config: Config): Promise<void> {
  const { folder, memory } = config.log
  const inFiles = [join(folder, '.state', 'tmp'), join(config.build.blobs, 'tmp')]
  const places = [
    ...(config.store.postgres === undefined ? inFiles : []),
    ...(hasLogKeys(config) ? [dirname(memory)] : []),
  ]
  for (const place of places) await probeFolder(place)
}

async function probeFolder(folder: string): Promise<void> {
  const file = join(folder, `.probe-${randomUUID()}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(Buffer.alloc(probeBytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } finally {
    await rm(file, { force: true })
  }
}

function isHarmless(error: unknown): boolean {
  return error instanceof SallyportError && harmless.has(error.code)
}

function unavailable(problems: readonly Problem[]): SallyportError {
  const [why] = problems
  return new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: why?.where ?? 'log',
    expected: 'a log that can be written: nobody is answered without a record',
    found: why === undefined ? 'none that is open' : `${why.code}: ${why.found}`,
    fix: why?.fix ?? 'Ask again in a second',
  })
}

function signerGone(): SallyportError {
  return new SallyportError({
    code: 'SIGNER_DIED',
    where: 'the signer process',
    expected: 'a running signer',
    found: 'its process has ended',
    fix: 'Wait a second: the gate starts it again; if it stays so, run `sallyport doctor`',
  })
}

function cannotWrite(error: unknown): Problem {
  return {
    code: 'LOG_UNAVAILABLE',
    where: 'log',
    expected: 'to write the log and its bodies durably',
    found: error instanceof Error ? error.message.slice(0, 300) : 'an error',
    fix: 'Make room on the disk, or give the gate the right to write; it goes on by itself',
  }
}
