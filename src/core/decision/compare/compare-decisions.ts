import type { Problem } from '#error'
import type { Decision } from '../decision.ts'
import { compareGolden, goldenOf, type Difference } from '../fixture/golden.ts'

/** `now-denied` and `now-allowed` are what a change of policies does; `other-reasons` changes nobody's deployment. */
export type Outcome = 'same' | 'now-denied' | 'now-allowed' | 'other-reasons'

/** How two decisions about one question differ. */
export interface DecisionChange {
  readonly outcome: Outcome
  readonly artifact: string
  /** `production/shop` */
  readonly target: string
  readonly before: Pick<Decision, 'verdict' | 'effect'>
  readonly after: Pick<Decision, 'verdict' | 'effect'>
  readonly differences: readonly Difference[]
  /** Why it is denied by the one that denies it; where neither or both do, what the new one says. */
  readonly reasons: readonly Problem[]
}

/** Compares two decisions about the same artifact and evidence under different policies. */
export function compareDecisions(before: Decision, after: Decision): DecisionChange {
  const { artifact, target } = after.request
  const differences = compareGolden(goldenOf(before), goldenOf(after))
  const outcome = outcomeOf(before, after, differences)
  return {
    outcome,
    artifact: artifact.name,
    target: `${target.environment}/${target.service}`,
    before: { verdict: before.verdict, effect: before.effect },
    after: { verdict: after.verdict, effect: after.effect },
    differences,
    reasons: outcome === 'now-allowed' ? before.reasons : after.reasons,
  }
}

function outcomeOf(before: Decision, after: Decision, differences: readonly Difference[]): Outcome {
  const [was, is] = [before.effect !== 'blocked', after.effect !== 'blocked']
  if (was && !is) return 'now-denied'
  if (!was && is) return 'now-allowed'
  return differences.length === 0 ? 'same' : 'other-reasons'
}
