import { join } from 'node:path'
import type { SecurityEventData } from '#api'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { cut } from '#events'
import type { GateService, Journal, Metrics, RefusedAccess } from '#server'
import { alarmStream } from '../events/alarm-stream.ts'
import { openEventExport } from '../events/export.ts'
import { logStream } from '../events/log-stream.ts'
import { countRefusals } from '../events/refused-access.ts'
import { dataOf, watchProblems } from '../events/watched-problems.ts'
import { openLogReader } from '../log-reader.ts'
import type { AccessFinding } from './access-watch.ts'
import { identityOf } from '../witness/policy.ts'

/** What a gate that runs tells the sinks of `events`. */
export interface Telling {
  onRefused(refused: RefusedAccess): void
  /** Somebody has handed in a grant that is none. */
  grantRefused(problems: readonly Problem[]): void
  /** What a look at who may do what has found, and the look before has not. */
  accessFound(findings: readonly AccessFinding[]): void
  rulebookChanged(id: string): void
  certificateChanged(file: string): void
  /** Begins with what is in the log and has rung: from where it was left, or, with a sink that is new, from now on. */
  follow(logSize: () => number): Promise<void>
  /** The gate answers: from now on its problems are told. */
  started(gate: RunningParts): void
  /** Something has changed that a gate that answers may have to tell. */
  look(): void
  /** Why there is no gate. Never rejects. */
  notStarted(error: unknown): Promise<void>
  warnings(): readonly Problem[]
}

export interface RunningParts {
  readonly service: Pick<GateService, 'health' | 'warnings'>
  readonly address: string
  readonly certificateEnds: () => Date | undefined
}

export interface TellingParts {
  readonly config: Config
  readonly clock: () => Date
  readonly journal: Journal
  readonly metrics: Metrics
  /** What is open, to be closed in the opposite order. */
  readonly stack: AsyncDisposableStack
}

const lookMs = 1000
/** So long a gate that is stopped waits for those it tells; what they have not taken then is told at the next start. */
const settleMs = 2000

/** @throws SallyportError EVENTS_STATE_FAILED */
export async function openTelling(parts: TellingParts): Promise<Telling> {
  const { config, clock, stack } = parts
  const events = stack.use(await openEventExport(parts))
  const refusals = countRefusals({ tell: (data) => events.tell('access.refused', data), clock })
  stack.defer(() => refusals.close())
  let look: (() => void) | undefined
  return {
    onRefused: (refused) => refusals.refused(refused),
    grantRefused: ([problem]) => {
      if (problem !== undefined) events.tell('breakglass.grant-refused', dataOf(problem))
    },
    accessFound: (findings) => events.tellAll('access.finding', findings.map(foundOf)),
    rulebookChanged: (rulebook) =>
      events.tell('rulebook.changed', { summary: `rulebook ${rulebook} is in use`, rulebook }),
    certificateChanged: (file) =>
      events.tell('certificate.changed', { summary: `the certificate in ${file} is in use` }),
    async follow(logSize) {
      if (config.events.sinks.length === 0) return
      const { storage, bodies } = stack.use(await openLogReader(config))
      // What the last requests have led to is told as well, as far as there is time.
      stack.defer(async () => {
        refusals.close()
        await events.settle(settleMs)
        await events[Symbol.asyncDispose]()
      })
      const identity = identityOf(config)
      await events.follow((wants) => logStream({ storage, bodies, identity, wants }), logSize)
      await events.follow((wants) => alarmStream(join(config.alarms.folder, 'events.jsonl'), wants))
    },
    started({ service, address, certificateEnds }) {
      events.tell('gate.started', { summary: `a gate answers at ${address}` })
      look = watchProblems({
        tell: (...event) => events.tell(...event),
        health: () => service.health(),
        warnings: () => service.warnings?.() ?? [],
        certificateEnds,
        clock,
      })
      const timer = setInterval(look, lookMs)
      timer.unref()
      stack.defer(() => {
        clearInterval(timer)
        look?.()
        look = undefined
        events.tell('gate.stopped', { summary: `the gate at ${address} was stopped` })
      })
    },
    look: () => look?.(),
    async notStarted(error) {
      const [problem] = error instanceof SallyportError ? error.problems : []
      const data =
        problem === undefined ? { summary: 'an error that was not foreseen' } : dataOf(problem)
      events.tell('gate.not-started', data)
      await events.settle(settleMs)
    },
    warnings: () => events.warnings(),
  }
}

function foundOf({ problem, grant }: AccessFinding): SecurityEventData {
  if (grant === undefined) return dataOf(problem)
  return { ...dataOf(problem), grant: { id: cut(grant.id, 300), sha256: grant.sha256 } }
}
