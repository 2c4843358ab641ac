import type { Problem } from '#error'
import type { RuleResult } from './decision.ts'

interface Group {
  readonly result: RuleResult
  /** What a fix of this rule's problems changes. */
  readonly fixes: 'artifact' | 'evidence'
}

/**
 * Every reason once, what to fix first coming first: what is wrong with the policy, then what needs another artifact,
 * then what is to be signed about it; whoever approves an artifact that must be built again approves in vain. A place
 * that could not be reached comes before what may lie there, and after what is bad whatever lies there.
 */
export function orderReasons(groups: readonly Group[]): readonly Problem[] {
  const ranked = groups
    .filter(({ result }) => result.verdict !== 'EXEMPTED')
    .flatMap(({ result, fixes }) =>
      result.problems.map((problem) => ({ problem, rank: rankOf(problem, result, fixes) })),
    )
  const seen = new Set<string>()
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .map(({ problem }) => problem)
    .filter(({ code, expected, found, fix }) => {
      const key = JSON.stringify([code, expected, found, fix])
      const isNew = !seen.has(key)
      seen.add(key)
      return isNew
    })
}

function rankOf({ code }: Problem, { verdict }: RuleResult, fixes: Group['fixes']): number {
  if (code.startsWith('POLICY_')) return 0
  if (code === 'RULE_FAILED') return 1
  const rank = fixes === 'artifact' ? 3 : 4
  if (code !== 'EVIDENCE_UNAVAILABLE') return rank
  return verdict === 'UNVERIFIABLE' ? rank - 0.5 : rank + 0.5
}
