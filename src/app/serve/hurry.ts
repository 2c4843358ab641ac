import type { Decision } from '#decision'
import { SallyportError, type Problem } from '#error'

/**
 * A place that has not answered for so long is an outage, which a policy may let in. Whoever asks may want an answer sooner
 * (`?timeout=` at an API server): what is late for that is late, and no more.
 */
const outageMs = 5_000

/**
 * Refuses to record what only the lack of time would let in: `ms` were there for the evidence, and they were too few.
 *
 * @throws SallyportError ADMISSION_TIMEOUT
 */
export function checkHurry(decision: ForHurry, ms: number): void {
  if (ms < outageMs && isByOutage(decision)) throw new SallyportError(noOutage(ms))
}

export type ForHurry = Pick<Decision, 'effect' | 'verdict' | 'breakglass'>

/** A policy may let outages in, and in one the trust file says who may break the glass, where the policy says nobody. */
function isByOutage({ effect, verdict, breakglass }: ForHurry): boolean {
  if (effect === 'admitted-unavailable') return true
  const isOfTrust = effect === 'admitted-breakglass' && breakglass?.terms?.from === 'trust'
  return isOfTrust && verdict === 'UNDETERMINED'
}

/** Why there is no decision, when that is the reason. */
export function hurryIn(error: unknown): Problem | undefined {
  const cause = error instanceof SallyportError ? error.cause : undefined
  return cause instanceof SallyportError && cause.code === 'ADMISSION_TIMEOUT'
    ? cause.problems[0]
    : undefined
}

function noOutage(ms: number): Problem {
  const seconds = (time: number): string => `${(time / 1000).toFixed(1)} s`
  return {
    code: 'ADMISSION_TIMEOUT',
    where: 'evidence',
    expected: `${seconds(outageMs)} to look for evidence: what is silent for so long is an outage, and nothing else would let this in`,
    found: `${seconds(ms)}, and no answer in them`,
    fix: 'Ask again with more time, such as kubectl without --request-timeout; a webhook needs timeoutSeconds: 6 or more',
  }
}
