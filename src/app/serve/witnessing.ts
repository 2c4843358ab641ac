import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { openLogView, Rounds, type Conflict, type LogStorage, type LogView } from '#log'
import type { Journal, Metrics } from '#server'
import { openFileCheckpoints } from '#store'
import { askWitnesses } from '../witness/ask-all.ts'
import { identityOf, openWitnesses } from '../witness/policy.ts'

/** The witnesses of a log that runs. */
export interface Witnessing extends AsyncDisposable {
  readonly rounds: Rounds | undefined
  /** What readers get for the published checkpoint. */
  toServe(published: Uint8Array): Uint8Array
  /** What proves that the log must not go on. */
  health(): readonly Problem[]
  warnings(): readonly Problem[]
}

export interface WitnessingParts {
  readonly config: Config
  readonly storage: Pick<LogStorage, 'read'>
  readonly journal: Journal
  readonly metrics: Metrics
  readonly clock: () => Date
  /** Told of a second history of the log. MUST NOT throw. */
  readonly onConflict: (problem: Problem) => void
}

const startTimeoutMs = 5000

/**
 * Asks the witnesses whether this is the newest log, and has its checkpoints cosigned from then on.
 *
 * @throws SallyportError LOG_ROLLED_BACK, LOG_FORKED by what a witness holds; WITNESS_QUORUM_MISSING where that is to be
 *   refused; WITNESS_POLICY_…
 */
export async function keepWitnessing(parts: WitnessingParts): Promise<Witnessing> {
  const { witnesses } = parts.config.log
  if (witnesses === undefined) return unwitnessed
  const early = await checkAtStart(parts, witnesses)
  const opened = await openWitnesses(parts.config, witnesses)
  const store = openFileCheckpoints(witnesses.folder, { durable: false })
  const { clock, journal, onConflict } = parts
  const rounds = new Rounds({
    log: identityOf(parts.config),
    links: opened.links,
    quorum: opened.quorum,
    store,
    view: () => publishedView(parts),
    timeoutMs: witnesses.timeoutMs,
    clock,
    onConflict: (conflict, file) => {
      tellConflict(journal, conflict, file)
      onConflict(conflict.problem)
    },
  })
  await rounds.begin()
  const stop = new AbortController()
  const running = run(rounds, witnesses.intervalMs, journal, stop.signal)
  tellMetrics(parts.metrics, rounds)
  return {
    rounds,
    toServe: (published) => Buffer.from(rounds.toServe(Buffer.from(published).toString())),
    health: () => (rounds.conflict === undefined ? [] : [rounds.conflict]),
    warnings: () => [...(rounds.witnessed === undefined ? early : []), ...lagOf(rounds, witnesses)],
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      opened.close()
      store.close()
    },
  }
}

const unwitnessed: Witnessing = {
  rounds: undefined,
  toServe: (published) => published,
  health: () => [],
  warnings: () => [],
  [Symbol.asyncDispose]: async () => undefined,
}

type Witnesses = NonNullable<Config['log']['witnesses']>

async function checkAtStart(
  parts: WitnessingParts,
  witnesses: Witnesses,
): Promise<readonly Problem[]> {
  const { config, journal } = parts
  const options = { timeoutMs: startTimeoutMs, submits: true }
  const told = await askWitnesses(config, witnesses, () => publishedView(parts), options)
  for (const conflict of told.conflicts) tellConflict(journal, conflict, conflict.file)
  SallyportError.throwAll(
    told.conflicts.map(({ problem, file }) => ({
      ...problem,
      fix: `${problem.fix}. Both checkpoints are in ${file}`,
    })),
  )
  if (told.isQuorum) return []
  const missing = quorumMissing(witnesses, told.answered)
  if (witnesses.atStart === 'require') throw new SallyportError(missing, { also: told.problems })
  journal.write(
    'error',
    'started without its witnesses: an old copy of the log would not be noticed',
    {
      problems: [missing, ...told.problems],
    },
  )
  return [missing]
}

/** Never rejects; a round that cannot be made is made with the next. */
async function run(
  rounds: Rounds,
  intervalMs: number,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  let told = ''
  while (!signal.aborted) {
    let problems: readonly Problem[]
    try {
      await rounds.round()
      problems = rounds.problems()
    } catch (error) {
      problems = error instanceof SallyportError ? error.problems : []
    }
    // Once when it begins, not with every round.
    const now = problems.map(({ code, where }) => `${code} ${where}`).join('\n')
    if (now !== told && now !== '')
      journal.write('warn', 'not cosigned by all witnesses', { problems })
    if (now !== told && now === '') journal.write('info', 'cosigned by all witnesses again')
    told = now
    await wait(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}

/** The log as everybody can read it: no append is waited for. */
async function publishedView({ config, storage }: WitnessingParts): Promise<LogView> {
  return await openLogView(storage, identityOf(config))
}

function tellMetrics(metrics: Metrics, rounds: Rounds): void {
  metrics.gauge(
    'sallyport_log_witnessed_entries',
    'Entries that a quorum of witnesses has cosigned',
    () => {
      return rounds.witnessed?.size ?? 0
    },
  )
  metrics.gauge(
    'sallyport_log_witness_lag_seconds',
    'For how long something published has not been cosigned',
    () => {
      return rounds.lagMs / 1000
    },
  )
  metrics.gauge(
    'sallyport_witnesses_failing',
    'Witnesses that did not cosign when asked last',
    () => {
      return rounds.problems().length
    },
  )
}

function tellConflict(journal: Journal, { problem }: Conflict, file: string): void {
  journal.write('error', 'a witness holds a checkpoint that this log does not go on from', {
    problems: [problem],
    evidence: file,
  })
}

function lagOf(rounds: Rounds, { warnAfterMs }: Witnesses): readonly Problem[] {
  if (rounds.lagMs < warnAfterMs) return []
  const failing = rounds.problems().map(({ where, found }) => `${where}: ${found}`)
  return [
    {
      code: 'WITNESS_LAG',
      where: 'log.witnesses',
      expected: `a quorum that cosigns within ${warnAfterMs / 1000} s`,
      found: `none for ${Math.round(rounds.lagMs / 1000)} s; ${failing.join('; ')}`.slice(0, 1000),
      fix: 'Make the witnesses reachable again. Decisions go on and are recorded; until then a split view of the newest entries would not be noticed',
    },
  ]
}

function quorumMissing({ policy }: Witnesses, answered: readonly string[]): Problem {
  return {
    code: 'WITNESS_QUORUM_MISSING',
    where: policy,
    expected: 'a quorum of witnesses to say that this is the newest log',
    found: answered.length === 0 ? 'no answer' : `answers of ${answered.join(', ')} only`,
    fix: 'Make more witnesses reachable, then start the gate again; with log.witnesses.atStart: warn it starts without them',
  }
}
