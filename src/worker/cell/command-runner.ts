import type { CellResult, CellSpec, FromCell } from './protocol.ts'
import type { SandboxEnd, SandboxMaker } from './sandbox.ts'

const chunkLimit = 48 * 1024

/** Runs the commands of a step in order, until one fails, within the time and the log that they have together. */
export class CommandRunner {
  readonly #spec: CellSpec
  readonly #maker: SandboxMaker
  readonly #say: (message: FromCell) => void
  readonly #cancelled: AbortSignal
  #logged = 0
  #truncated = false

  constructor(
    spec: CellSpec,
    maker: SandboxMaker,
    say: (message: FromCell) => void,
    cancelled: AbortSignal,
  ) {
    this.#spec = spec
    this.#maker = maker
    this.#say = say
    this.#cancelled = cancelled
  }

  get logTruncated(): boolean {
    return this.#truncated
  }

  async run(): Promise<CellResult['ended']> {
    const late = new AbortController()
    const limited = !this.#spec.without.includes('time-limit')
    const milliseconds = this.#spec.limits.wallSeconds * 1000
    const timer = limited ? setTimeout(() => late.abort(), milliseconds) : undefined
    const signal = AbortSignal.any([this.#cancelled, late.signal])
    try {
      for (const argv of this.#spec.commands) {
        if (this.#cancelled.aborted) break
        const end = await this.#runOne(argv, signal)
        if (this.#cancelled.aborted) return 'cancelled'
        if (late.signal.aborted) return 'timed-out'
        if (end.kind !== 'exited' || end.exitCode !== 0) return 'failed'
      }
      return this.#cancelled.aborted ? 'cancelled' : 'done'
    } finally {
      clearTimeout(timer)
    }
  }

  async #runOne(argv: readonly string[], signal: AbortSignal): Promise<SandboxEnd> {
    const started = performance.now()
    const end = await this.#maker.run({ argv, signal, onOutput: (chunk) => this.#log(chunk) })
    const durationMs = Math.round(performance.now() - started)
    this.#say({
      type: 'command',
      command: {
        ...(end.kind === 'exited' ? { exitCode: end.exitCode } : {}),
        ...(end.kind === 'killed' ? { signal: 'SIGKILL' } : {}),
        durationMs,
      },
    })
    return end
  }

  #log(chunk: Buffer): void {
    const limited = !this.#spec.without.includes('log-limit')
    const room = limited ? this.#spec.limits.logBytes - this.#logged : Infinity
    if (chunk.length > room) this.#truncated = true
    const taken = chunk.subarray(0, Math.max(0, Math.min(chunk.length, room)))
    this.#logged += taken.length
    for (let at = 0; at < taken.length; at += chunkLimit)
      this.#say({ type: 'log', data: taken.subarray(at, at + chunkLimit).toString('base64') })
  }
}
