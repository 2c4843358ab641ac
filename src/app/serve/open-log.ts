import type { Config } from '#config'
import type { Problem } from '#error'
import type { Spool } from '#log'
import type { Journal, Metrics } from '#server'
import { openGate, startGateSigner } from '../gate.ts'
import { keepLog, probeStores, type KeptLog } from './kept-log.ts'
import { takeLeftSpools } from '../spools.ts'
import type { Ringing } from './ringing.ts'
import { openSpool, reachLog, saysAway, spoolBehind, type SpooledLog } from './spooled-log.ts'

export interface KeepSpooledLogParts {
  readonly config: Config
  readonly clock: () => Date
  readonly journal: Journal
  readonly metrics: Metrics
  readonly stack: AsyncDisposableStack
  /** The first process with the keys of the log. */
  readonly starting: ReturnType<typeof startGateSigner>
  readonly alert: Ringing['alert']
  /** Told of each change. MUST NOT throw. */
  readonly onChange: () => void
}

/** The log of a gate that has to go on, and the spool behind it. Both are closed with the stack. */
export async function keepSpooledLog(
  parts: KeepSpooledLogParts,
): Promise<Pick<SpooledLog, 'record' | 'problems' | 'warnings'> & { readonly kept: KeptLog }> {
  const { config, clock, journal, metrics, stack, starting } = parts
  const waitMs = config.store.postgres?.waitMs ?? 0
  const spool = await openSpool(config, {
    clock,
    onNone: (why) =>
      journal.write('warn', 'no spool: while the log is away nothing is admitted', { why }),
  })
  if (spool !== undefined) stack.defer(() => spool.close())
  let first: typeof starting | undefined = starting
  const open = async () => {
    const signer = first ?? startGateSigner(config)
    first = undefined
    return await openGate(config, signer)
  }
  const onChange = (problems: readonly Problem[]): void => {
    tellLog(journal, problems, spool)
    parts.onChange()
  }
  const probe = () => probeStores(config)
  const isShared = config.store.postgres !== undefined
  const reach = isShared
    ? { reach: (gate: Parameters<typeof reachLog>[0]) => reachLog(gate, spool, waitMs) }
    : {}
  const kept = stack.use(await keepLog({ open, probe, onChange, ...reach }))
  const behind = stack.use(
    spoolBehind({
      kept,
      spool,
      waitMs,
      takeLeft: () => takeLeftSpools(config, clock),
      onChange: (warnings) => tellSpool(parts, warnings),
    }),
  )
  if (spool !== undefined) measure(metrics, spool, clock)
  return {
    kept,
    record: behind.record,
    problems: () => behind.problems(),
    warnings: () => behind.warnings(),
  }
}

function measure(metrics: Metrics, spool: Spool, clock: () => Date): void {
  metrics.gauge(
    'sallyport_spool_entries',
    'Decisions that wait in the spool',
    () => spool.standing.entries,
  )
  metrics.gauge(
    'sallyport_spool_bytes',
    'What the spool takes of its bound',
    () => spool.standing.bytes,
  )
  metrics.gauge(
    'sallyport_spool_oldest_seconds',
    'How long the oldest decision waits in the spool',
    () => {
      const { oldest } = spool.standing
      return oldest === undefined ? 0 : (clock().getTime() - oldest.getTime()) / 1000
    },
  )
}

function tellLog(journal: Journal, problems: readonly Problem[], spool: Spool | undefined): void {
  const isSpooled = spool !== undefined && spool.problem === undefined && problems.every(saysAway)
  if (problems.length === 0) journal.write('info', 'the log is written again')
  else if (isSpooled)
    journal.write('error', 'the log is away: decisions go into the spool', { problems })
  else journal.write('error', 'nothing can be recorded, so nothing is admitted', { problems })
}

function tellSpool(
  { journal, alert, clock }: KeepSpooledLogParts,
  warnings: readonly Problem[],
): void {
  if (warnings.length === 0) {
    journal.write('info', 'nothing waits in the spool')
    return
  }
  journal.write('warn', 'decisions wait in the spool', { problems: warnings })
  void alert('log-spooled', `the log, ${clock().toISOString()}`, warnings)
}
