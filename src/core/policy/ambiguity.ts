import { quote, type Problem } from '#error'
import type { Policy } from './policy.ts'
import type { Target } from './request.ts'

/** POL-17: two policies for one target, and two policies of one name, are errors before anything is deployed. */
export function findAmbiguities(policies: readonly Policy[]): readonly Problem[] {
  const owners = new Map<string, { readonly policy: Policy; readonly where: string }>()
  const names = new Map<string, Policy>()
  const problems: Problem[] = []
  for (const policy of policies) {
    const namesake = names.get(policy.name)
    if (namesake !== undefined) problems.push(sameName(namesake, policy))
    names.set(policy.name, policy)
    for (const target of policy.targets) {
      const key = JSON.stringify([target.environment, target.service])
      const earlier = owners.get(key)
      if (earlier !== undefined)
        problems.push(ambiguous(target, earlier, { policy, where: target.where }))
      else owners.set(key, { policy, where: target.where })
    }
  }
  return problems
}

interface Owner {
  readonly policy: Policy
  readonly where: string
}

/** The problem of a target that two policies own; both are named. */
export function ambiguous(target: Target, first: Owner, second: Owner): Problem {
  const { environment, service } = target
  const name = ({ policy, where }: Owner): string => `${quote(policy.name)} (${where})`
  return {
    code: 'POLICY_AMBIGUOUS',
    where: second.where,
    expected: `exactly one policy for ${quote(service)} in ${quote(environment)}`,
    found:
      first.policy === second.policy
        ? `the target twice in ${name(first)} and ${second.where}`
        : `${name(first)} and ${name(second)}`,
    fix:
      first.policy === second.policy
        ? `Remove one of the two from "targets" in ${second.policy.file}`
        : `Remove the target from ${first.policy.file} or from ${second.policy.file}; if both must hold, put all rules into one policy`,
  }
}

function sameName(first: Policy, second: Policy): Problem {
  return {
    code: 'POLICY_NAME_DUPLICATE',
    where: second.line('metadata'),
    expected: 'a name that no other policy has: decisions are recorded under it',
    found: `${quote(second.name)}, which is also the name of the policy in ${first.file}`,
    fix: `Rename the policy in ${second.file}`,
  }
}
