import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** A program that runs beside the test, and what it wrote. */
export interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  /** Ends it at once. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The file that its output goes to. */
  readonly log: string
}

export function start({ command, args, cwd, log }: Start): Running {
  const out = openSync(log, 'a')
  const env = { PATH: process.env['PATH'], HOME: cwd }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', out, out] })
  closeSync(out)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const onExit = (): void => void child.kill('SIGKILL')
  process.once('exit', onExit)
  return {
    child,
    output: () => readFileSync(log, 'utf8'),
    async kill(signal = 'SIGKILL') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await ended
      process.off('exit', onExit)
    },
  }
}

/** Asks again and again, and says what the program wrote when it takes too long. */
export async function until(
  what: string,
  ask: () => Promise<boolean>,
  running?: Running,
): Promise<void> {
  const end = performance.now() + 90_000
  while (performance.now() < end) {
    if (await ask().catch(() => false)) return
    if (running !== undefined && running.child.exitCode !== null) break
    await wait(50)
  }
  throw new Error(`not within 90 s: ${what}\n${running?.output().slice(-3000) ?? ''}`)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
