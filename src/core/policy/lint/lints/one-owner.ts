import { quote } from '#error'
import { holdersOf, type Trust } from '#trust'
import { type Lint, type ReadRule, rulesOf } from '../lint.ts'

export const oneOwner: Lint = {
  code: 'LINT_ONE_OWNER',
  severity: 'warning',
  entries: ['KEY-08'],
  why: 'The rules look like several people watching each other, and one of them holds enough keys to satisfy all: who builds also approves. One stolen laptop is enough.',
  find: ({ policies, trust }) =>
    policies.policies.flatMap((policy) => {
      const all = rulesOf(policy)
      // Within one role nobody expects two people; it is a promise of separation that is not kept.
      if (new Set(all.map(({ bound }) => bound.parameters.by.join())).size < 2) return []
      const [first = [], ...rest] = all.map((rule) => ownersAlone(rule, trust))
      const owners = first.filter((owner) => rest.every((others) => others.includes(owner)))
      return owners.slice(0, 1).map((owner) => ({
        where: `${policy.line('require')} require`,
        expected: 'rules that no single owner of keys can satisfy alone',
        found: `${quote(owner, 80)}, who can sign everything that the ${all.length} rules of ${quote(policy.name)} ask for`,
        fix: `Give the keys of one of the roles to somebody else than ${quote(owner, 80)} in ${trust.file}, or raise a "count"`,
      }))
    }),
}

/** Who can satisfy the rule without anybody else. */
function ownersAlone({ bound, parameters }: ReadRule, trust: Trust): readonly string[] {
  const needed = Number(parameters['count'] ?? 1)
  if (needed > 1) return []
  const signers = bound.parameters.by.flatMap((name) => trust.signers.get(name) ?? [])
  return [...holdersOf(signers.filter(({ threshold }) => threshold === 1))]
}
