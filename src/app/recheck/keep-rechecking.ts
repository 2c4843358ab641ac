import type { RecheckList } from '#api'
import type { Bell } from '#breakglass'
import type { Config } from '#config'
import type { Decision } from '#decision'
import type { Problem } from '#error'
import type { BodyStore, Log } from '#log'
import { RecheckQueue } from '#recheck'
import type { Journal, Metrics } from '#server'
import { quietly } from '../serve/quietly.ts'
import { askAgain, recheckPoint, type AskAgainParts } from './ask-again.ts'
import { ringRechecks } from './events.ts'
import { listOf } from './list.ts'
import { behind, overdue } from './problems.ts'
import { openRecheckStore } from './store.ts'

/** Decides again what was let in although nobody could tell, for as long as the gate runs. */
export interface Rechecking extends AsyncDisposable {
  list(limit: number): RecheckList
  warnings(): readonly Problem[]
}

export interface RecheckingParts extends Omit<AskAgainParts, 'log' | 'onDecided' | 'signal'> {
  readonly config: Config
  readonly log: Pick<Log, 'append' | 'view'>
  readonly bodies: BodyStore
  readonly bell: Pick<Bell, 'ring'>
  readonly metrics: Metrics
  readonly journal: Journal
}

const lookMs = 1000
const maxShown = 8

export async function keepRechecking(parts: RecheckingParts): Promise<Rechecking> {
  const { config, log, bodies, bell, metrics, journal, clock } = parts
  const stopping = new AbortController()
  const queue = new RecheckQueue({
    log,
    bodies,
    store: await openRecheckStore(config),
    ask: askAgain({
      ...parts,
      signal: stopping.signal,
      onDecided: (decision) => {
        metrics.decision(decision, recheckPoint)
        tell(journal, decision)
      },
    }),
    ring: ringRechecks(bell, config, clock),
    clock,
    random: Math.random,
    overdueMs: config.alarms.recheckMs,
    onError: quietly(journal, 'rechecks'),
  })
  measure(metrics, queue, clock)
  const timer = setInterval(() => void queue.look(), lookMs)
  timer.unref()
  return {
    list: (limit) => listOf(queue.report(), limit, clock()),
    warnings() {
      const { open, isFull, unread } = queue.report()
      const late = open.filter(({ isOverdue }) => isOverdue).slice(0, maxShown)
      return [...late.map(overdue), ...(isFull ? [behind(open.length, unread)] : [])]
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      const closing = queue.close()
      stopping.abort()
      await closing
    },
  }
}

function tell(journal: Journal, { request, verdict, reasons }: Decision): void {
  const { artifact, target, rechecks } = request
  const about = { artifact: artifact.name, target, rechecks }
  if (verdict === 'ALLOW') journal.write('info', 'let in without evidence, now verified', about)
  else
    journal.write('error', 'let in without evidence, now refused', {
      ...about,
      problems: reasons.slice(0, maxShown),
    })
}

function measure(metrics: Metrics, queue: RecheckQueue, clock: () => Date): void {
  metrics.gauge(
    'sallyport_recheck_pending',
    'What was let in without evidence, and could not be verified yet',
    () => queue.openCount,
  )
  metrics.gauge(
    'sallyport_recheck_oldest_seconds',
    'Since when the oldest of these runs unverified',
    () => {
      const [oldest] = queue
        .report()
        .open.flatMap(({ since }) => (since === '' ? [] : [Date.parse(since)]))
        .sort((a, b) => a - b)
      return oldest === undefined ? 0 : Math.max(0, (clock().getTime() - oldest) / 1000)
    },
  )
  metrics.gauge(
    'sallyport_recheck_refused',
    'Decisions that let something in without evidence, and were refused afterwards, since the log began',
    () => queue.report().totals.refused,
  )
  metrics.gauge(
    'sallyport_recheck_unread_entries',
    'Entries of the log that have not been looked through for what has to be verified',
    () => queue.report().unread,
  )
}
