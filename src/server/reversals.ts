import type { Decision } from '#decision'

/** Notices what is refused although it was let in before: the sign of a bad rollout of policies, trust or evidence. */
export interface Reversals {
  /** Whether this decision refuses what an earlier one let in, at the same target. */
  isReversal(decision: Pick<Decision, 'effect' | 'request'>): boolean
}

const defaultMost = 20_000

/** Remembers the newest `most` that were let in since the process started. */
export function watchReversals(most = defaultMost): Reversals {
  const admitted = new Set<string>()
  return {
    isReversal({ effect, request: { artifact, target } }) {
      const key = JSON.stringify([artifact.digest['sha256'], target.environment, target.service])
      if (effect !== 'admitted') return effect === 'blocked' && admitted.has(key)
      admitted.delete(key)
      admitted.add(key)
      const [oldest] = admitted
      if (admitted.size > most && oldest !== undefined) admitted.delete(oldest)
      return false
    },
  }
}
