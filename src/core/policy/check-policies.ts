import { quote, type Problem } from '#error'
import { checkTerms, nearestName, type Signer, type Trust } from '#trust'
import type { BoundRule, PolicySet } from './policy.ts'

/**
 * Checks policies against the trust file, before anything is deployed: every signer they name exists and may make the
 * statements that the rule asks for, and what they demand can be reached.
 */
export function checkPolicies({ policies }: PolicySet, trust: Trust): readonly Problem[] {
  return policies.flatMap(({ rules, breakglass, line }) => [
    ...rules.flatMap((bound) => [...findUnknownSigners(bound, trust), ...checkRule(bound, trust)]),
    ...(breakglass === undefined ? [] : checkTerms(breakglass, trust.signers, line('breakglass'))),
  ])
}

/** Names in a rule's `by` that the trust file does not know: then nobody knows what the rule means. */
export function findUnknownSigners(
  { parameters, place }: BoundRule,
  trust: Trust,
): readonly Problem[] {
  return parameters.by.flatMap((name, index) => {
    if (trust.signers.has(name)) return []
    const near = nearestName(name, trust.signers.keys())
    const known = [...trust.signers.keys()].slice(0, 20).join(', ')
    return [
      {
        code: 'POLICY_SIGNER_UNKNOWN' as const,
        where: place.at(`by.${index}`),
        expected: `a signer of ${trust.file}: ${known}`,
        found: quote(name, 80),
        fix:
          near === undefined
            ? `Add ${quote(name, 80)} to "signers" in ${trust.file}, or name a signer that is there`
            : `Write "${near}" if you meant that, or add ${quote(name, 80)} to "signers" in ${trust.file}`,
      },
    ]
  })
}

function checkRule({ rule, parameters, place }: BoundRule, trust: Trust): readonly Problem[] {
  const signers = parameters.by.flatMap((name) => trust.signers.get(name) ?? [])
  if (signers.length < parameters.by.length) return []
  const types = rule.predicateTypes(parameters)
  const outsiders = signers.filter(
    ({ predicateTypes }) => !types.some((type) => predicateTypes.has(type)),
  )
  const roles = outsiders.map((signer): Problem => {
    const index = parameters.by.indexOf(signer.name)
    return {
      code: 'POLICY_SIGNER_ROLE',
      where: place.at(`by.${index}`),
      expected: `a signer that may make one of ${types.map((type) => quote(type)).join(', ')}`,
      found: `${signer.name}, which may only make ${listTypes(signer)}`,
      fix: `Remove ${signer.name} from "by", or, if it has this role too, give it a key and an entry of its own in ${trust.file}`,
    }
  })
  return [...roles, ...(rule.check?.(parameters, signers, place) ?? [])]
}

function listTypes({ predicateTypes }: Signer): string {
  return [...predicateTypes].map((type) => quote(type)).join(', ')
}
