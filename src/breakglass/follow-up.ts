import { makeEvent, type SecurityEvent } from './alarms/event.ts'
import { limitIn, type RateLimits } from './rate.ts'
import type { Use } from './uses.ts'

/** More uses in one environment within a day than its limit ring. */
export interface FollowUpRules extends RateLimits {
  /** How long a use may wait for its review. */
  readonly reviewMs: number
  readonly origin: string
}

/** When a use has to have been reviewed. */
export function reviewBy({ time }: Pick<Use, 'time'>, reviewMs: number): Date {
  return new Date(Date.parse(time) + reviewMs)
}

export function isOverdue(use: Pick<Use, 'time' | 'review'>, reviewMs: number, now: Date): boolean {
  return use.review === undefined && now >= reviewBy(use, reviewMs)
}

/** What rings although nobody asks: uses that nobody has reviewed in time, once a day, and too many of them in a day. */
export function followUps(
  uses: readonly Use[],
  rules: FollowUpRules,
  now: Date,
): readonly SecurityEvent[] {
  const overdue = uses
    .filter((use) => isOverdue(use, rules.reviewMs, now))
    .map((use) => overdueEvent(use, rules, now))
  return [...overdue, ...tooFrequent(uses, rules)]
}

const dayMs = 86_400_000

function overdueEvent(use: Use, { origin, reviewMs }: FollowUpRules, now: Date): SecurityEvent {
  const due = reviewBy(use, reviewMs)
  const days = Math.floor((now.getTime() - due.getTime()) / dayMs)
  // A log that was lost and begun anew has the same places, and other uses in them.
  return makeEvent(`entry ${use.entry} day ${days} ${use.time}`, {
    time: now.toISOString(),
    type: 'breakglass-overdue',
    severity: 'critical',
    origin,
    summary: `BREAKGLASS of ${use.time} in ${use.environment}/${use.service} waits for its review since ${due.toISOString()}: entry ${use.entry}`,
    target: { environment: use.environment, service: use.service },
    artifact: use.artifact,
    entry: use.entry,
  })
}

/**
 * Uses within the 24 hours before each: beyond the limit nobody can tell misuse from routine. By when they were, because what was
 * recorded elsewhere comes into the log later.
 */
function tooFrequent(uses: readonly Use[], rules: FollowUpRules): readonly SecurityEvent[] {
  const byEnvironment = Map.groupBy(uses, ({ environment }) => environment)
  return [...byEnvironment].flatMap(([environment, own]) => {
    const limit = limitIn(environment, rules)
    const inOrder = own
      .map((use) => ({ use, at: Date.parse(use.time) }))
      .sort((a, b) => a.at - b.at || a.use.entry - b.use.entry)
    let first = 0
    return inOrder.flatMap(({ use, at }, last) => {
      while ((inOrder[first]?.at ?? at) <= at - dayMs) first += 1
      const count = last - first + 1
      return count <= limit ? [] : [tooFrequentEvent(use, { count, limit }, rules)]
    })
  })
}

function tooFrequentEvent(
  { entry, time, environment, service }: Use,
  { count, limit }: { readonly count: number; readonly limit: number },
  { origin }: FollowUpRules,
): SecurityEvent {
  return makeEvent(`frequent ${entry}`, {
    time,
    type: 'breakglass-too-frequent',
    severity: 'error',
    origin,
    summary: `BREAKGLASS ${count} times within a day in ${environment}, more than ${limit}: entry ${entry}`,
    target: { environment, service },
    entry,
  })
}
