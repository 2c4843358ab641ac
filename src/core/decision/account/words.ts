import type { RuleVerdict } from '#policy'
import type { RuleResult } from '../decision.ts'

/** Verdicts in the order they are counted, as people say them: `2 rules passed`, `1 missing`. */
const words: Readonly<Record<RuleVerdict, string>> = {
  PASS: 'passed',
  EXEMPTED: 'exempted',
  FAIL: 'failed',
  MISSING: 'missing',
  STALE: 'stale',
  UNVERIFIABLE: 'could not be checked',
  UNSUPPORTED: 'unsupported',
  ERROR: 'in error',
}

/** A verdict as it stands before the rule that it is about. */
export const shortWords: Readonly<Record<RuleVerdict, string>> = { ...words, PASS: 'pass' }

/** `2 rules passed`, `1 missing`: every verdict that there is. */
export function countRules(rules: readonly Pick<RuleResult, 'verdict'>[]): string[] {
  const order = Object.keys(words) as RuleVerdict[]
  return order.flatMap((verdict) => {
    const count = rules.filter((rule) => rule.verdict === verdict).length
    if (count === 0) return []
    const subject = verdict === 'PASS' ? `${count === 1 ? 'rule' : 'rules'} ` : ''
    return [`${count} ${subject}${words[verdict]}`]
  })
}
