import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Load, Measured } from './admission-load.ts'

// Its own collections would take a core from those who are measured: a major one comes before, and none meanwhile.
const execArgv = ['--expose-gc', '--no-allocation-site-pretenuring', '--heap-growing-percent=1000']

/** Sends a load from another process, and gives what that has measured. */
export async function measureLoad(load: Load): Promise<Measured> {
  const child = fork(new URL('./admission-load.ts', import.meta.url), {
    stdio: 'inherit',
    execArgv,
  })
  child.send(load)
  const [measured] = (await once(child, 'message')) as [Measured]
  await once(child, 'close')
  return measured
}
