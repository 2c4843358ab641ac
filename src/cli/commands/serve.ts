import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import type { Outcome } from '../outcome.ts'
import { lostTexts, outliveReaders } from '../readers.ts'
import type { Session } from '../session.ts'
import { keepHeapSteady } from '../steady-heap.ts'

export function define(command: CommandLine, plan: Plan): void {
  command.action(() => plan('the gate does not run', serve))
}

/** Runs until somebody stops it: once asked for it ends what it has begun, twice it ends at once. */
async function serve(session: Session): Promise<Outcome> {
  keepHeapSteady()
  const app = await import('#app')
  const { terminal } = session
  outliveReaders()
  const gate = await app.serve({
    config: await session.config(),
    out: { write: (text) => terminal.out(text) },
    clock: () => session.now(),
    lostLines: lostTexts,
  })
  terminal.status(`the gate listens at ${gate.address}; Ctrl-C stops it`)
  await stopSignal()
  await gate.stop()
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'ServeReport', address: gate.address },
    text: 'sallyport: the gate has stopped',
  }
}

/** Resolves when somebody asks for the end; asked again, the process ends at once. */
export async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1))
        resolve()
      })
    }
  })
}
