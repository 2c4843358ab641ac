import type { CommandLine } from '../command-line.ts'
import { collect } from '../collect.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import { lostTexts, outliveReaders } from '../readers.ts'
import type { Session } from '../session.ts'
import { keepHeapSteady } from '../steady-heap.ts'
import { stopSignal } from './serve.ts'

export function define(command: CommandLine, plan: Plan): void {
  command
    .command('init')
    .description('make the home of a witness: its keys and witness.yaml; print its verifier keys')
    .argument('<name>', 'of the witness, for ever, such as witness.example/w1')
    .option('--log <file>', 'verifier keys of a log to watch (repeatable)', collect, [])
    .action((name: string, { log }: { readonly log: readonly string[] }) =>
      plan('no witness was made', (session) => init(session, name, log)),
    )
  command
    .command('serve')
    .description('cosign checkpoints over HTTP, as c2sp.org/tlog-witness has it')
    .action(() => plan('the witness does not run', serve))
}

async function init(session: Session, name: string, logs: readonly string[]): Promise<Outcome> {
  const { initWitness } = await import('#app')
  const { home, cwd, env } = session
  const report = await initWitness({ home, cwd, env, name, logs })
  const { items, ...rest } = report
  const [ed25519 = '', mlDsa = ''] = report.verifierKeys
  const watches = report.origins.length === 0 ? 'no log yet' : report.origins.join(', ')
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'WitnessReport',
      ...rest,
      items: items.map((item) => ({ ...item })),
    },
    text: [
      `sallyport: the witness ${escapeLine(report.name)} is in ${escapeLine(report.home)}; it watches ${escapeLine(watches)}`,
      '',
      'Its verifier keys: one of them belongs into the policy of each log, on the line of this witness.',
      '',
      ed25519,
      mlDsa,
    ].join('\n'),
  }
}

/** Runs until somebody stops it. */
async function serve(session: Session): Promise<Outcome> {
  const [{ serveWitness }, { loadWitnessConfig }] = await Promise.all([
    import('#app'),
    import('#config'),
  ])
  const { terminal, home, cwd, env } = session
  keepHeapSteady()
  outliveReaders()
  const ended = Promise.withResolvers<void>()
  let isOver = false
  const witness = await serveWitness({
    config: loadWitnessConfig({ home, cwd, env }),
    out: { write: (text) => terminal.out(text) },
    clock: () => session.now(),
    lostLines: lostTexts,
    onEnded: () => {
      isOver = true
      ended.resolve()
    },
  })
  terminal.status(`the witness listens at ${witness.address}; Ctrl-C stops it`)
  await Promise.race([stopSignal(), ended.promise])
  await witness.stop()
  return {
    exit: isOver ? 3 : 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'WitnessServeReport', address: witness.address },
    text: 'sallyport: the witness has stopped',
  }
}
