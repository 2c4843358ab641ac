import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { WitnessConfig } from '#config'
import { SallyportError, type Problem } from '#error'
import { openWitness } from '#log'
import { openJournal, openMetrics, startWitnessServer, type Journal, type TlsFiles } from '#server'
import { openFileCheckpoints } from '#store'
import { countLostLines } from '../serve/lost-lines.ts'
import { startWitnessSigner } from './init.ts'

export interface ServeWitnessOptions {
  readonly config: WitnessConfig
  /** Where the journal goes. */
  readonly out: { write(text: string): unknown }
  readonly clock: () => Date
  /** Told when the process with the keys has ended by itself: the witness cannot go on. */
  readonly onEnded?: () => void
  /** How many lines of the journal nobody could take. */
  readonly lostLines?: () => number
}

/** A witness that runs. */
export interface RunningWitness {
  readonly address: string
  readonly verifierKeys: readonly string[]
  stop(): Promise<void>
}

/**
 * Starts a witness.
 *
 * @throws SallyportError WITNESS_STATE_MISSING when it no longer knows what it cosigned: then it must not go on
 */
export async function serveWitness(options: ServeWitnessOptions): Promise<RunningWitness> {
  const { config, out, clock, lostLines = () => 0 } = options
  const journal = openJournal(out, clock)
  const metrics = openMetrics()
  const lost = countLostLines(lostLines, metrics, 'Checkpoints are cosigned')
  await using opening = new AsyncDisposableStack()
  checkState(config)
  const store = openFileCheckpoints(config.folder, { durable: true })
  opening.defer(() => store.close())
  const cosigner = opening.use(await startWitnessSigner(config))
  const problems: Problem[] = []
  const stopping = { now: false }
  void cosigner.ended.then(() => {
    if (stopping.now) return
    problems.push(signerGone)
    journal.write('error', 'nothing can be cosigned', { problems })
    options.onEnded?.()
  })
  opening.defer(() => void (stopping.now = true))
  const { host, port, limits, open, tls, drainSeconds } = config.serve
  const witness = openWitness({ logs: config.logs, cosigner, store })
  const listener = await startWitnessServer({
    host,
    port,
    limits,
    open,
    witness,
    metrics,
    journal,
    health: () => problems,
    warnings: () => lost.warnings(),
    ...(tls === undefined ? {} : { tls: followed(tls, journal) }),
  })
  opening.defer(() => listener.drain(drainSeconds))
  const opened = opening.move()
  journal.write('info', 'listening', { address: listener.address, name: config.name })
  return {
    address: listener.address,
    verifierKeys: cosigner.verifierKeys,
    stop: () => opened.disposeAsync(),
  }
}

/** A witness that begins again would cosign an old copy of a log. */
function checkState({ folder, name }: WitnessConfig): void {
  if (existsSync(join(folder, 'checkpoints.db'))) return
  throw new SallyportError({
    code: 'WITNESS_STATE_MISSING',
    where: folder,
    expected: `what the witness ${name} has cosigned`,
    found: 'nothing',
    fix: `Restore ${folder} as it was last. When it is lost, this witness must end: make another one, with another name, by \`sallyport witness init\``,
  })
}

function followed(
  { certificate, key, clientAuthorities }: NonNullable<WitnessConfig['serve']['tls']>,
  journal: Journal,
): TlsFiles {
  return {
    certificate,
    key,
    ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
    onRefused: (error) => journal.error('new certificate not taken into use', error),
    onReloaded: () => journal.write('info', 'certificate taken into use'),
  }
}

const signerGone: Problem = {
  code: 'SIGNER_DIED',
  where: 'the signer process of the witness',
  expected: 'a running signer',
  found: 'its process has ended',
  fix: 'Start the witness again; if it ends again, look at the memory and the log of the machine',
}
