import { closeSync, openSync, writeSync } from 'node:fs'

import { SallyportError, type Problem } from '#error'

import { readCellMessage, maxMessage } from './cell-message.ts'
import { readLines } from './cell/lines.ts'
import type {
  CellCommand,
  CellProbe,
  CellResult,
  CellSpec,
  FromCell,
  ToCell,
} from './cell/protocol.ts'
import { readyLine, type LaunchedCell } from './launch.ts'

export interface SessionOptions {
  readonly cell: LaunchedCell
  readonly spec: CellSpec
  /** Where the log is written. */
  readonly logFile: string
  readonly onOutput?: (chunk: Uint8Array) => void
  readonly signal?: AbortSignal
  /** Puts a process of the commands (a pid of the cell) under the limits of the step; false: it is gone already. */
  readonly place: (pid: number) => boolean
  /** Receives what the cell measured; throws when the commands must not run. */
  readonly judge: (probes: readonly CellProbe[]) => void
}

/** What came out of a conversation that went to its end. */
export interface SessionOutcome {
  readonly commands: readonly CellCommand[]
  readonly result: CellResult
  readonly logBytes: number
}

// Besides the time of the commands: unpacking, probes, collecting.
const patienceSeconds = 600

/** Leads a cell through one step. Whatever the cell says, this ends. */
export class Session {
  readonly #options: SessionOptions
  readonly #commands: CellCommand[] = []
  readonly #log: number
  #logBytes = 0
  #result: CellResult | undefined
  #complaints = ''

  constructor(options: SessionOptions) {
    this.#options = options
    this.#log = openSync(options.logFile, 'wx', 0o644)
  }

  async run(): Promise<SessionOutcome> {
    const { cell, spec, signal } = this.#options
    const patience = setTimeout(
      () => cell.kill(),
      (spec.limits.wallSeconds + patienceSeconds) * 1000,
    )
    const cancel = (): void => this.#say({ type: 'cancel' })
    cell.complaints.on('data', (chunk: Buffer) => this.#complain(chunk))
    cell.input.on('error', () => {}) // The cell ended: `lost` says so.
    try {
      for await (const line of readLines(cell.output, maxMessage)) {
        if (line === readyLine) this.#start(cancel)
        else this.#hear(understood(line))
        if (this.#result !== undefined) break
      }
    } finally {
      clearTimeout(patience)
      signal?.removeEventListener('abort', cancel)
      closeSync(this.#log)
    }
    if (this.#result === undefined) throw this.#lost()
    return { commands: this.#commands, result: this.#result, logBytes: this.#logBytes }
  }

  #start(cancel: () => void): void {
    const { cell, spec, signal } = this.#options
    cell.release()
    cell.input.write(`${JSON.stringify(spec)}\n`)
    if (signal?.aborted === true) cancel()
    else signal?.addEventListener('abort', cancel)
  }

  #hear(message: FromCell): void {
    switch (message.type) {
      case 'place':
        return this.#say({ type: this.#options.place(message.pid) ? 'go-on' : 'gone' })
      case 'probes':
        this.#options.judge(message.probes)
        return this.#say({ type: 'go-on' })
      case 'log':
        return this.#write(Buffer.from(message.data, 'base64'))
      case 'command':
        if (this.#commands.length >= this.#options.spec.commands.length)
          throw lost('it reported more commands than it was given')
        this.#commands.push(message.command)
        return
      case 'result':
        this.#result = message.result
        return
      case 'failure':
        return SallyportError.throwAll(message.problems)
    }
  }

  #say(message: ToCell): void {
    this.#options.cell.input.write(`${JSON.stringify(message)}\n`)
  }

  #write(chunk: Buffer): void {
    const room = this.#options.spec.without.includes('log-limit')
      ? chunk.length
      : this.#options.spec.limits.logBytes - this.#logBytes
    const taken = chunk.subarray(0, Math.max(0, room))
    for (let done = 0; done < taken.length;) done += writeSync(this.#log, taken, done)
    this.#logBytes += taken.length
    if (taken.length > 0) this.#options.onOutput?.(taken)
  }

  #complain(chunk: Buffer): void {
    this.#complaints = (this.#complaints + chunk.toString('utf8')).slice(-4096)
  }

  #lost(): SallyportError {
    const lines = this.#complaints.trim().split('\n')
    const found = lines.find((line) => /error|unshare|failed/i.test(line)) ?? lines.at(-1) ?? ''
    return lost(found === '' ? 'it ended without a word' : found.slice(0, 300))
  }
}

function understood(line: string): FromCell {
  try {
    return readCellMessage(line)
  } catch (cause) {
    throw lost(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function lost(found: string, cause?: unknown): SallyportError {
  const problem: Problem = {
    code: 'WORKER_LOST',
    expected: 'the supervisor of the cell to stay, and to make sense, until the step is over',
    found,
    fix: 'Run `sallyport doctor`: it tries every part of the sandbox on this machine.',
  }
  return new SallyportError(problem, cause === undefined ? {} : { cause })
}
