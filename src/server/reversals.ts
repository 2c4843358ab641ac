import type { Decision } from '#decision'
import { Recent } from '#document'

/** Notices what is refused although it was let in before: the sign of a bad rollout of policies, trust or evidence. */
export interface Reversals {
  /** Whether this decision refuses what an earlier one let in, at the same target. */
  isReversal(decision: Pick<Decision, 'effect' | 'request'>): boolean
}

const defaultMost = 20_000

/** Remembers `most` that were let in since the process started, those of lately. */
export function watchReversals(most = defaultMost): Reversals {
  const admitted = new Recent<true>({ most })
  return {
    isReversal({ effect, request: { artifact, target } }) {
      const key = JSON.stringify([artifact.digest['sha256'], target.environment, target.service])
      const wasAdmitted = admitted.get(key) === true
      if (effect !== 'admitted') return effect === 'blocked' && wasAdmitted
      if (!wasAdmitted) admitted.set(key, true)
      return false
    },
  }
}
