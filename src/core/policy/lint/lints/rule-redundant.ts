import { canonicalJson, type Json } from '#document'
import { type Lint, type ReadRule, rulesOf } from '../lint.ts'

export const ruleRedundant: Lint = {
  code: 'LINT_RULE_REDUNDANT',
  severity: 'note',
  entries: ['POL-17'],
  why: 'All rules must hold, so a rule that another one implies is never the reason of anything. Its author probably meant "or", or something else.',
  find: ({ policies }) =>
    policies.policies.flatMap((policy) => {
      const rules = rulesOf(policy)
      return rules.flatMap((rule, index) => {
        const other = rules.find(
          (one, at) => at !== index && implies(one, rule) && (at < index || !implies(rule, one)),
        )
        if (other === undefined) return []
        return [
          {
            where: rule.bound.place.at(),
            expected: 'rules that each demand something',
            found: `one that ${other.bound.place.id} implies`,
            fix: `Remove it; or, if one of the two was meant to be enough, name everybody in the "by" of one rule`,
          },
        ]
      })
    }),
}

const counts = new Set(['level', 'count', 'approvals'])

/** Whether whatever satisfies the first rule satisfies the second: the same rule, with numbers that are no smaller. */
function implies(one: ReadRule, other: ReadRule): boolean {
  if (one.name !== other.name) return false
  const fields = new Set([...Object.keys(one.parameters), ...Object.keys(other.parameters)])
  return [...fields].every((field) => {
    const [mine, theirs] = [one.parameters[field], other.parameters[field]]
    if (counts.has(field)) return Number(mine) >= Number(theirs)
    return canonicalJson((mine ?? null) as Json) === canonicalJson((theirs ?? null) as Json)
  })
}
