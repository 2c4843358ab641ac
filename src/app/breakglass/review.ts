import {
  checkPart,
  followUps,
  isOverdue,
  openUses,
  ratesOf,
  recordReview,
  reviewBy,
  useFindings,
  type Bell,
  type BreakglassReview,
  type FollowUpRules,
  type Pending,
  type Rate,
  type Use,
  type UseBook,
} from '#breakglass'
import type { Config } from '#config'
import type { Problem } from '#error'
import type { BodyStore, Log, LogView } from '#log'
import { openGate, startLogSigner } from '../gate.ts'
import { readLog } from '../log.ts'
import { whoAsks } from '../verify.ts'
import { bellOf } from './bell.ts'

/** A use, and what has to become of it. */
export interface ListedUse extends Omit<Use, 'chokePoints'> {
  readonly reviewBy: string
  readonly state: 'reviewed' | 'waiting' | 'overdue'
}

export interface BreakglassListReport {
  readonly uses: readonly ListedUse[]
  /** Alarms that wait to be heard. */
  readonly pending: readonly Pending[]
  /** Uses of the last day by environment, against the number from which on they ring. */
  readonly rates: readonly Rate[]
  /** What somebody has to do: reviews that are overdue, rates that are exceeded. */
  readonly findings: readonly Problem[]
}

/** How long who asks waits for alarms to be heard; afterwards they wait on disk. */
const tellMs = 3_000

/** Every use in the log, what waits for a review, and what nobody has heard. What is overdue rings. */
export async function listBreakglass(config: Config, now: Date): Promise<BreakglassListReport> {
  const bell = bellOf(config, () => new Date())
  const book = await readLog(config, (view, bodies) => readUses(bodies, view))
  await ringFollowUps(bell, config, book.uses(), now)
  await bell.deliver({ withinMs: tellMs, all: true })
  const { pending, unreadable } = await bell.waiting()
  const { findings, ...more } = listedUses(book, config, now)
  return { ...more, findings: [...unreadable.slice(0, maxListed), ...findings], pending }
}

/** So many who have asked are listed for each use, and so many entries and alarms that cannot be read. */
export const maxListed = 100

/** What has to become of uses, and what somebody has to do about them. */
export function listedUses(
  book: Pick<UseBook, 'uses' | 'unreadable'>,
  config: Pick<Config, 'alarms' | 'log'>,
  now: Date,
): Omit<BreakglassListReport, 'pending'> {
  const rules = rulesOf(config)
  const { reviewMs } = rules
  const uses = book.uses()
  const stateOf = (use: Pick<Use, 'time' | 'review'>): ListedUse['state'] => {
    if (use.review !== undefined) return 'reviewed'
    return isOverdue(use, reviewMs, now) ? 'overdue' : 'waiting'
  }
  return {
    uses: uses.map((use) => {
      const { chokePoints: _, ...told } = use
      return {
        ...told,
        requesters: use.requesters.slice(0, maxListed),
        principals: use.principals.slice(0, maxListed),
        reviewBy: reviewBy(use, reviewMs).toISOString(),
        state: stateOf(use),
      }
    }),
    rates: ratesOf(uses, rules, now),
    findings: [...book.unreadable().slice(0, maxListed), ...useFindings(uses, rules, now)],
  }
}

/** When uses are overdue or too many. */
export function rulesOf({ alarms, log }: Pick<Config, 'alarms' | 'log'>): FollowUpRules {
  const { reviewMs, maxPerEnvironmentPerDay: maxPerDay, maxPerDayIn } = alarms
  return { reviewMs, maxPerDay, maxPerDayIn, origin: log.origin }
}

/** The uses of a log, as far as it can be read. */
export async function readUses(
  bodies: BodyStore,
  view: Pick<LogView, 'size' | 'entries'>,
): Promise<UseBook> {
  const book = openUses(bodies)
  await book.read(view)
  return book
}

/** Rings for uses that nobody has reviewed in time, and for too many of them. */
export async function ringFollowUps(
  bell: Pick<Bell, 'ring'>,
  config: Config,
  uses: readonly Use[],
  now: Date,
): Promise<void> {
  await bell.ring(followUps(uses, rulesOf(config), now))
}

export interface ReviewOptions {
  readonly config: Config
  /** The decision, by its place in the log. */
  readonly entry: number
  /** Who has looked; default is who runs this. */
  readonly by?: string
  readonly finding: string
  readonly now: Date
}

export interface ReviewReport {
  readonly entry: number
  readonly by: string
  /** Who that is, as the operating system says. */
  readonly principal: string
  readonly finding: string
  /** Where the review stands in the log. */
  readonly index: number
}

/**
 * Records what somebody else has found about a use; that closes it. Whoever runs this is recorded as well, whatever name
 * they say.
 *
 * @throws SallyportError BREAKGLASS_REVIEW when they had a part in the use
 */
export async function reviewBreakglass(options: ReviewOptions): Promise<ReviewReport> {
  const { config, entry, finding, now } = options
  const { requester, principal } = whoAsks()
  const reviewer = { by: options.by ?? requester, principal }
  const starting = startLogSigner(config)
  starting.catch(() => undefined)
  await using gate = await openGate(config, starting)
  const review = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassReview',
    time: now.toISOString(),
    entry,
    ...reviewer,
    finding,
  } as const
  const index = await recordReviewIn(gate.log, openUses(gate.bodies), review)
  return { entry, ...reviewer, finding, index }
}

/**
 * Records a review in a log whose uses are in this book; gives its place.
 *
 * @throws SallyportError BREAKGLASS_REVIEW when they had a part in the use, also where they asked while this was recorded
 */
export async function recordReviewIn(
  log: Pick<Log, 'append' | 'view'>,
  book: UseBook,
  review: BreakglassReview,
): Promise<number> {
  await book.read(await log.view())
  const { index } = await recordReview(log, review, book.at(review.entry))
  await book.read(await log.view())
  checkPart(review, book.at(review.entry))
  return index
}
