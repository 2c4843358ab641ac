import { setTimeout as wait } from 'node:timers/promises'
import {
  makeEvent,
  openUses,
  useFindings,
  type Bell,
  type EventType,
  type Use,
  type UseBook,
} from '#breakglass'
import { lasting } from '#document'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import type { BodyStore, Log } from '#log'
import type { Journal, Metrics } from '#server'
import { watchAlarmFiles } from '../breakglass/alarm-files.ts'
import { ringFollowUps, rulesOf } from '../breakglass/review.ts'
import { lookEvery } from './looking.ts'
import { quietly } from './quietly.ts'

/** Tells what has not been heard, again and again, and rings for what nobody has reviewed. */
export interface Ringing extends AsyncDisposable {
  /** Looks now, and waits until everybody has been told or could not be. Never rejects. */
  look(): Promise<void>
  /** Looks at what has rung until now, and waits until everybody has been told, or for so long. Never rejects. */
  tell(ms: number): Promise<void>
  /** What rings although nobody asked for anything: the same, once an hour. */
  alert(type: EventType, about: string, problems: readonly Problem[]): Promise<void>
  /** What somebody has to look at. */
  warnings(): readonly Problem[]
  /** Every use that the log has; as of the last look. */
  uses(): readonly Use[]
}

export interface RingingParts {
  readonly config: Config
  readonly bell: Bell
  readonly log: Pick<Log, 'view'>
  readonly bodies: BodyStore
  readonly metrics: Metrics
  readonly journal: Journal
  readonly clock: () => Date
  /** Between two looks. */
  readonly seconds: number
}

/** An alarm that waits for so long is worth a warning: a sink may be down. */
const patienceMs = 30_000
/** So long a gate that is stopped waits for whoever is being told; what they have not heard then is told at the next start. */
const settleMs = 2000

export function keepRinging(parts: RingingParts): Ringing {
  const { config, bell, log, bodies, metrics, journal, clock, seconds } = parts
  const book = openUses(bodies)
  const files = watchAlarmFiles(config, journal)
  const waiting = watchWaiting(bell)
  let delivering = Promise.resolve()
  let checking = Promise.resolve()
  const deliver = async (): Promise<void> => {
    await bell.deliver()
    await waiting.count()
  }
  const follow = async (): Promise<void> => {
    await book.read(await log.view())
    await ringFollowUps(bell, config, book.uses(), clock())
  }
  const failed = quietly(journal, 'alarms')
  const safely = async (part: () => Promise<void>): Promise<void> => part().catch(failed)
  const looking = lookEvery(seconds, async () => {
    await safely(follow)
    await safely(() => waiting.count())
    // Not waited for: a sink that hangs holds up no look, and no other sink.
    delivering = safely(deliver)
    checking = safely(() => files.look())
  })
  measure(metrics, book, () => waiting.size())
  return {
    async look() {
      await looking.look()
      await Promise.all([delivering, checking])
    },
    // Who looks already may have begun before this rang.
    tell: (ms) =>
      within(ms, async () => {
        await looking.lookAgain()
        await delivering
      }),
    uses: () => book.uses(),
    alert: (type, about, problems) => alert(parts, type, about, problems),
    warnings() {
      const now = clock()
      const findings = useFindings(book.uses(), rulesOf(config), now)
      return [
        ...files.problems(),
        ...waiting.problems(now),
        ...book.unreadable().slice(0, 1),
        ...findings.slice(0, 8),
      ]
    },
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]()
      await settle(bell, delivering)
    },
  }
}

/** What waits to be heard, as of the last count. */
function watchWaiting(bell: Pick<Bell, 'waiting'>) {
  let size = 0
  let oldest = Infinity
  let unreadable: readonly Problem[] = []
  return {
    async count(): Promise<void> {
      const found = await bell.waiting().catch((error: unknown) => {
        if (error instanceof SallyportError) unreadable = error.problems
        throw error
      })
      const { pending } = found
      unreadable = found.unreadable
      size = pending.length + unreadable.length
      oldest = Math.min(Infinity, ...pending.map(({ since }) => Date.parse(since)))
    },
    size: () => size,
    problems(now: Date): readonly Problem[] {
      const isLate = size > 0 && lasting(oldest, now.getTime()) >= patienceMs
      return [...(isLate ? [unheard(size)] : []), ...unreadable.slice(0, 1)]
    },
  }
}

function measure(metrics: Metrics, book: UseBook, waiting: () => number): void {
  metrics.gauge('sallyport_alarms_pending', 'Alarms that wait to be heard', waiting)
  metrics.gauge('sallyport_breakglass_unreviewed', 'Uses of breakglass without review', () => {
    return book.uses().filter(({ review }) => review === undefined).length
  })
}

async function within(ms: number, work: () => Promise<void>): Promise<void> {
  if (ms > 0) await Promise.race([work(), wait(ms, undefined, { ref: false })])
}

async function settle(bell: Bell, delivering: Promise<void>): Promise<void> {
  await within(settleMs, () => delivering)
  bell.stop()
  await within(settleMs, () => delivering)
}

async function alert(
  { config, bell, journal, clock }: RingingParts,
  type: EventType,
  about: string,
  problems: readonly Problem[],
): Promise<void> {
  const codes = problems.map(({ code, where = '' }) => `${code} ${where}`).join(', ')
  const time = clock().toISOString()
  const event = makeEvent(`${about} ${codes} ${time.slice(0, 13)}`, {
    time,
    type,
    severity: 'error',
    origin: config.log.origin,
    summary: `${type} at ${about}: ${codes}`,
    reasons: problems.slice(0, 100).map(({ code }) => code),
  })
  await bell.ring([event]).catch((error: unknown) => journal.error('alarms', error))
}

function unheard(count: number): Problem {
  return {
    code: 'ALARM_UNDELIVERED',
    where: 'alarms',
    expected: 'every alarm to be heard at once',
    found: `${count} that nobody has taken yet`,
    fix: 'Run `sallyport breakglass list`: it names the sink that does not answer, and why',
  }
}
