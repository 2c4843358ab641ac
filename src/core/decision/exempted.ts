import type { Decision, RuleResult } from './decision.ts'

/** A rule that did not hold, and did not have to. */
export type ExemptedRule = RuleResult & Required<Pick<RuleResult, 'exemption'>>

const none: readonly ExemptedRule[] = []

/**
 * The rules that something was let in without, because of an exemption. None where it was not let in, or would have been
 * whatever the rules say. Asked of every decision: it makes nothing where there is nothing.
 */
export function exemptedIn({
  effect,
  rules,
}: Pick<Decision, 'effect' | 'rules'>): readonly ExemptedRule[] {
  if (effect === 'blocked' || effect === 'admitted-audit') return none
  if (!rules.some(({ verdict }) => verdict === 'EXEMPTED')) return none
  return rules.filter(
    (rule): rule is ExemptedRule => rule.verdict === 'EXEMPTED' && rule.exemption !== undefined,
  )
}
