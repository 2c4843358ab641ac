import type { Problem } from '#error'
import type { OpenAdmission } from './open-admission.ts'

/** That it was tried, and could still not be told. */
export interface Attempt {
  readonly times: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly next: number
  /** What kept it from being told. */
  readonly problems: readonly Problem[]
  /** Places that did not answer. */
  readonly away: readonly string[]
}

const firstWaitMs = 2_000
const longestWaitMs = 3_600_000
/** However often a place answers others, one question is not asked more often than this because of that. */
const sooneastMs = 60_000

/**
 * When each open question is asked again. In memory alone: a start begins with short waits again. `random` is between 0 and
 * 1, so that what failed together is not asked together.
 */
export class RecheckSchedule {
  readonly #attempts = new Map<number, Attempt>()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  of(first: number): Attempt | undefined {
    return this.#attempts.get(first)
  }

  /** Those whose time has come, who has waited longest first. */
  due(open: readonly OpenAdmission[], now: number, most: number): readonly OpenAdmission[] {
    const nextOf = ({ first }: OpenAdmission): number => this.#attempts.get(first)?.next ?? 0
    return open
      .filter((one) => isDue(this.#attempts.get(one.first), now))
      .sort((a, b) => nextOf(a) - nextOf(b) || a.first - b.first)
      .slice(0, most)
  }

  failed(first: number, now: number, problems: readonly Problem[], away: readonly string[]): void {
    const times = (this.#attempts.get(first)?.times ?? 0) + 1
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(times - 1, 20))
    const next = now + wait * (0.8 + 0.4 * this.#random())
    this.#attempts.set(first, { times, at: now, next, problems: problems.slice(0, 8), away })
  }

  /** These places answer: whoever could not be told because of one of them is worth asking soon. */
  answered(places: readonly string[], now: number): void {
    if (places.length === 0) return
    const answering = new Set(places)
    for (const [first, attempt] of this.#attempts) {
      if (!attempt.away.some((place) => answering.has(place))) continue
      const soon = Math.max(now, attempt.at + sooneastMs)
      if (soon < attempt.next) this.#attempts.set(first, { ...attempt, next: soon })
    }
  }

  /** Forgets what is not open any more. */
  keepOnly(open: readonly OpenAdmission[]): void {
    const firsts = new Set(open.map(({ first }) => first))
    for (const first of this.#attempts.keys()) if (!firsts.has(first)) this.#attempts.delete(first)
  }
}

/** A clock that was set back must not keep anything waiting for longer than the longest wait. */
function isDue(attempt: Attempt | undefined, now: number): boolean {
  return attempt === undefined || attempt.next <= now || attempt.at > now
}

/** The place that a source of evidence belongs to: what is down is a host, not one artifact in it. */
export function placeOfSource(name: string): string {
  const url = URL.parse(name.split(' ', 1)[0] ?? '')
  if (url !== null && /^https?:$/.test(url.protocol)) return url.host
  const [host = '', rest] = name.split('/', 2)
  return rest === undefined || host === '' ? name : host
}
