import type { Use } from './uses.ts'

/** How often the glass may be broken in an environment within a day. */
export interface RateLimits {
  /** Where nothing else is said. */
  readonly maxPerDay: number
  /** By environment. */
  readonly maxPerDayIn: Readonly<Record<string, number>>
}

/** How often it was. */
export interface Rate {
  readonly environment: string
  readonly lastDay: number
  readonly limit: number
}

const dayMs = 86_400_000

/** The uses of the last day in each environment, against what is allowed there. */
export function ratesOf(
  uses: readonly Pick<Use, 'environment' | 'time'>[],
  limits: RateLimits,
  now: Date,
): readonly Rate[] {
  const recent = uses.filter(({ time }) => now.getTime() - Date.parse(time) < dayMs)
  return [...new Set(uses.map(({ environment }) => environment))].sort().map((environment) => ({
    environment,
    lastDay: recent.filter((use) => use.environment === environment).length,
    limit: limitIn(environment, limits),
  }))
}

// An environment may have any name, `constructor`, too.
export function limitIn(environment: string, { maxPerDay, maxPerDayIn }: RateLimits): number {
  const own = Object.hasOwn(maxPerDayIn, environment) ? maxPerDayIn[environment] : undefined
  return own ?? maxPerDay
}
