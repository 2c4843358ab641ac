/**
 * What one rule says. MISSING: looked where it should be, and it is not there. UNVERIFIABLE: could not look.
 * UNSUPPORTED: the evidence is there and good, but of a kind that cannot answer the rule.
 * ERROR: the rule itself could not be evaluated, because the policy or the program is wrong.
 */
export type RuleVerdict =
  'PASS' | 'FAIL' | 'MISSING' | 'UNVERIFIABLE' | 'STALE' | 'UNSUPPORTED' | 'EXEMPTED' | 'ERROR'
