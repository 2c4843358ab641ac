import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

import { bubblewrapArguments, type SandboxShape } from './bubblewrap.ts'
import { initDescriptor, initProgram } from './init-program.ts'
import { readLines } from './lines.ts'
import type { CellSpec } from './protocol.ts'
import { seccompProgram } from './seccomp.ts'

/** How a sandbox came to its end. When this is known, no process of it exists any more. */
export type SandboxEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed' }
  /** Bubblewrap could not make the sandbox; what it said is in the output. */
  | { readonly kind: 'not-started' }

export interface SandboxRun {
  readonly argv: readonly string[]
  readonly onOutput: (chunk: Buffer) => void
  /** Kills every process of the sandbox. */
  readonly signal: AbortSignal
}

/** Makes sandboxes of one shape, one after the other, for the probes and for every command alike. */
export class SandboxMaker {
  readonly #spec: CellSpec
  readonly #shape: SandboxShape
  readonly #place: (pid: number) => Promise<boolean>

  /** `place` puts a process under the limits of the step before it runs; false: it is gone already. */
  constructor(spec: CellSpec, shape: SandboxShape, place: (pid: number) => Promise<boolean>) {
    this.#spec = spec
    this.#shape = shape
    this.#place = place
    const { control } = shape.folders
    writeFileSync(`${control}/seccomp`, seccompProgram(spec.architecture))
    writeFileSync(`${control}/empty-file`, '')
    mkdirSync(`${control}/empty-folder`)
  }

  async run({ argv, onOutput, signal }: SandboxRun): Promise<SandboxEnd> {
    const { control } = this.#shape.folders
    const reader = new Socket({
      fd: openSync(`${control}/output`, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    })
    reader.on('data', onOutput)
    const drained = once(reader, 'end')
    const child = this.#spawn(argv)
    const exited = once(child, 'exit').catch(() => undefined)
    const status = this.#follow(child, signal)
    await Promise.all([exited, drained])
    reader.destroy()
    return status
  }

  #spawn(argv: readonly string[]): ChildProcess {
    const { tools, payloadUid, without, secretEnvironmentUnsafe } = this.#spec
    const { control } = this.#shape.folders
    writeFileSync(
      `${control}/arguments`,
      this.#arguments()
        .map((text) => `${text}\0`)
        .join(''),
    )
    const output = openSync(`${control}/output`, constants.O_WRONLY)
    const filter = openSync(`${control}/seccomp`, 'r')
    const options = openSync(`${control}/arguments`, 'r')
    const init = openSync(this.#writeInit(argv), 'r')
    const uid =
      without.includes('payload-uid') || payloadUid === 0
        ? {}
        : { uid: payloadUid, gid: payloadUid }
    try {
      return spawn(tools.bwrap, ['--args', '4', '--', `/proc/self/fd/${initDescriptor}`, ...argv], {
        ...uid,
        cwd: '/',
        // /proc/1/environ of a sandbox shows what bubblewrap was started with, whatever --clearenv says.
        env: secretEnvironmentUnsafe ?? {},
        stdio: ['ignore', output, output, filter, options, 'pipe', 'pipe', init],
      })
    } finally {
      for (const fd of [output, filter, options, init]) closeSync(fd)
    }
  }

  #writeInit([program = '']: readonly string[]): string {
    const { environment, folders } = this.#shape
    const path = `${folders.control}/init`
    const places = environment['PATH']?.split(':').filter(Boolean) ?? []
    const candidates = program.includes('/') ? [program] : places.map((at) => `${at}/${program}`)
    const message = `sallyport: ${JSON.stringify(program)} cannot be executed: looked for ${candidates.join(', ')}\n`
    rmSync(path, { force: true })
    writeFileSync(path, initProgram(this.#spec.architecture, candidates, message), { mode: 0o755 })
    return path
  }

  #arguments(): string[] {
    const filtered = !this.#spec.without.includes('system-call-filter')
    return [
      ...bubblewrapArguments(this.#shape),
      '--json-status-fd',
      '5',
      '--block-fd',
      '6',
      ...(filtered ? ['--seccomp', '3'] : []),
    ]
  }

  // Set on the waiting process, not on bubblewrap: the limit of processes counts within a user namespace, and that of
  // the cell has the supervisor in it. False: the process is gone, or cannot be bounded.
  #limitEachProcess(pid: number): boolean {
    const { tools, limits } = this.#spec
    if (limits.perProcess === undefined) return true
    const { memoryBytes, processes } = limits.perProcess
    const data = Math.min(memoryBytes, hardLimit('Max data size'))
    const nproc = Math.min(processes, hardLimit('Max processes'))
    const args = [`--pid=${pid}`, `--data=${data}`, `--nproc=${nproc}`]
    return spawnSync(tools.prlimit, args, { env: {}, stdio: 'ignore' }).status === 0
  }

  async #follow(child: ChildProcess, signal: AbortSignal): Promise<SandboxEnd> {
    const pipes: readonly unknown[] = child.stdio
    const statusPipe = pipes[5] as Readable
    const blockPipe = pipes[6] as Writable
    blockPipe.on('error', () => {})
    let init: number | undefined
    let exitCode: number | undefined
    const kill = (): void => endSandbox(init, child)
    signal.addEventListener('abort', kill)
    try {
      for await (const line of readLines(statusPipe, 64 * 1024)) {
        const status = JSON.parse(line) as Record<string, number>
        exitCode = status['exit-code'] ?? exitCode
        const pid = status['child-pid']
        if (pid === undefined) continue
        init = pid
        const bounded = this.#limitEachProcess(pid) && (await this.#place(pid))
        if (!bounded || signal.aborted) kill()
        else blockPipe.end('go')
      }
    } finally {
      signal.removeEventListener('abort', kill)
    }
    if (signal.aborted) return { kind: 'killed' }
    return exitCode === undefined ? { kind: 'not-started' } : { kind: 'exited', exitCode }
  }
}

// The first process of a process namespace takes all others with it, and is not gone before they are.
function endSandbox(init: number | undefined, child: ChildProcess): void {
  try {
    if (init === undefined) child.kill('SIGKILL')
    else process.kill(init, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** What this process may raise a limit to at most. */
function hardLimit(line: string): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const hard = new RegExp(`^${line}\\s+\\S+\\s+(\\d+)`, 'm').exec(limits)?.[1]
  return hard === undefined ? Infinity : Number(hard)
}
