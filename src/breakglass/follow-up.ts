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

export function isOverdue(use: Use, reviewMs: number, now: Date): boolean {
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
  return makeEvent(`entry ${use.entry} day ${days}`, {
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

/** Uses within the 24 hours before each: beyond the limit nobody can tell misuse from routine. */
function tooFrequent(uses: readonly Use[], rules: FollowUpRules): readonly SecurityEvent[] {
  return uses.flatMap((use) => {
    const limit = limitIn(use.environment, rules)
    const end = Date.parse(use.time)
    const count = uses.filter(
      ({ environment, time, entry }) =>
        environment === use.environment &&
        entry <= use.entry &&
        Date.parse(time) > end - dayMs &&
        Date.parse(time) <= end,
    ).length
    if (count <= limit) return []
    return [
      makeEvent(`frequent ${use.entry}`, {
        time: use.time,
        type: 'breakglass-too-frequent',
        severity: 'error',
        origin: rules.origin,
        summary: `BREAKGLASS ${count} times within a day in ${use.environment}, more than ${limit}: entry ${use.entry}`,
        target: { environment: use.environment, service: use.service },
        entry: use.entry,
      }),
    ]
  })
}
