import { quote, type Problem } from '#error'
import { nearestName } from '#trust'
import { ambiguous } from './ambiguity.ts'
import type { Policy, PolicySet } from './policy.ts'
import type { Target } from './request.ts'

/** Finds the one policy that owns a target; none or two is a problem, never a guess. */
export function selectPolicy(
  { policies }: PolicySet,
  target: Target,
): { readonly policy: Policy } | { readonly problem: Problem } {
  const owners = policies.flatMap((policy) =>
    policy.targets
      .filter(
        ({ environment, service }) =>
          environment === target.environment && service === target.service,
      )
      .map(({ where }) => ({ policy, where })),
  )
  const [first, second] = owners
  if (first === undefined) return { problem: missing(policies, target) }
  if (second !== undefined) return { problem: ambiguous(target, first, second) }
  return { policy: first.policy }
}

/** POL-25: no policy, no deployment; and the reader learns which file to write. */
function missing(policies: readonly Policy[], target: Target): Problem {
  const { environment, service } = target
  const targets = policies.flatMap((policy) => policy.targets)
  const same = targets.filter((one) => one.service === service).map((one) => one.environment)
  const found =
    same.length === 0
      ? `no policy for this service in any environment (${policies.length === 1 ? '1 policy' : `${policies.length} policies`} read)`
      : `policies for it in ${same.map((one) => quote(one, 60)).join(', ')} only`
  return {
    code: 'POLICY_MISSING',
    where: `${quote(environment, 100)}/${quote(service, 100)}`,
    expected: `exactly one policy whose "targets" has {environment: ${quote(environment, 100)}, service: ${quote(service, 100)}}`,
    found,
    fix: fixOf(policies, target, near(targets, target)),
  }
}

function fixOf(policies: readonly Policy[], target: Target, meant: Target | undefined): string {
  const { environment, service } = target
  const write = `write ${folderOf(policies)}${fileName(service)}-${fileName(environment)}.yaml with this target`
  if (meant === undefined)
    return `${write.charAt(0).toUpperCase()}${write.slice(1)} and what it requires`
  return `Ask for --environment ${meant.environment} --service ${meant.service} if you meant that, or ${write}`
}

/** The target that a misspelt one most likely means. */
function near(targets: readonly Target[], { environment, service }: Target): Target | undefined {
  const sameEnvironment = targets.filter((one) => one.environment === environment)
  const sameService = targets.filter((one) => one.service === service)
  const otherService = nearestName(
    service,
    sameEnvironment.map((one) => one.service),
  )
  const otherEnvironment = nearestName(
    environment,
    sameService.map((one) => one.environment),
  )
  return (
    sameEnvironment.find((one) => one.service === otherService) ??
    sameService.find((one) => one.environment === otherEnvironment)
  )
}

function folderOf(policies: readonly Policy[]): string {
  const file = policies[0]?.file ?? 'policies/'
  return file.slice(0, file.lastIndexOf('/') + 1)
}

function fileName(text: string): string {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) ? text : 'NAME'
}
