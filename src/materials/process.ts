import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { isAbsolute } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A program to run without a shell: fixed arguments, and no environment but the one given. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** After this long the program and all its children are killed. */
  readonly timeoutMs: number
}

/** How a program ended. */
export type Exit =
  | { readonly kind: 'exited'; readonly status: number; readonly stderr: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly stderr: string }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  | { readonly kind: 'missing' }

/** A program that was started. Who started it reads `stdout` to its end or kills it. */
export interface RunningProgram {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Settles when the program has ended; never rejects. */
  readonly exit: Promise<Exit>
  kill(): void
}

const stderrKept = 16 * 1024

/** Starts a program in a process group of its own; it inherits nothing but its three standard streams. */
export function startProgram(command: Command): RunningProgram {
  const child = spawn(command.program, [...command.args], {
    cwd: command.cwd,
    env: command.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  })
  // A program may end before it has read all that it is given; that is its own affair.
  child.stdin.on('error', () => {})
  const kill = (): void => killGroup(child)
  return { stdin: child.stdin, stdout: child.stdout, exit: exitOf(child, command, kill), kill }
}

/** What a program that ran to its end left. */
export interface Outcome {
  readonly exit: Exit
  readonly stdout: Buffer
  /** The output was larger than allowed, and the program was killed. */
  readonly overflow: boolean
}

/** Runs a program to its end and gives what it wrote, bounded. */
export async function runProgram(
  command: Command,
  options: { readonly input?: string; readonly maxOutputBytes?: number } = {},
): Promise<Outcome> {
  const limit = options.maxOutputBytes ?? 16 * 1024 * 1024
  const running = startProgram(command)
  running.stdin.end(options.input ?? '')
  const chunks: Buffer[] = []
  let length = 0
  running.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > limit) running.kill()
    else chunks.push(chunk)
  })
  const exit = await running.exit
  return { exit, stdout: Buffer.concat(chunks), overflow: length > limit }
}

/** Why a program did not succeed, in words; undefined when it did. */
export function failureOf(exit: Exit): string | undefined {
  switch (exit.kind) {
    case 'exited':
      return exit.status === 0 ? undefined : `exit ${exit.status}: ${lastLines(exit.stderr)}`
    case 'killed':
      return `killed by ${exit.signal}: ${lastLines(exit.stderr)}`
    case 'timed-out':
      return `no end within ${exit.timeoutMs / 1000} s`
    case 'missing':
      return 'the program is not installed'
  }
}

/**
 * The folders in which programs are looked for: those of the machine, never one that a project brought along
 * (`node_modules/.bin` is put in front by `npm run`) and never a relative one.
 */
export function programPath(path: string | undefined): string {
  const own = (path ?? '')
    .split(':')
    .filter((folder) => isAbsolute(folder) && !folder.split('/').includes('node_modules'))
  const standard = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return [...new Set([...own, ...standard])].join(':')
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

function exitOf(child: Child, command: Command, kill: () => void): Promise<Exit> {
  return new Promise((resolve) => {
    let stderr = ''
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, command.timeoutMs)
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrKept)
    })
    child.on('error', () => {
      clearTimeout(timer)
      resolve({ kind: 'missing' })
    })
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      if (timedOut) resolve({ kind: 'timed-out', timeoutMs: command.timeoutMs })
      else if (status === null) resolve({ kind: 'killed', signal: signal ?? 'a signal', stderr })
      else resolve({ kind: 'exited', status, stderr })
    })
  })
}

function killGroup(child: Child): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is gone already: nothing is left to kill.
    child.kill('SIGKILL')
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ').slice(-400) || 'no message'
}
