import type { Json } from '#document'
import type { Exemption, Policy } from '#policy'
import { makeGrant, type Grant } from './grant.ts'
import { targetsOf } from './targets.ts'
import { waiverNames } from './waiver-names.ts'

/** DEP-09: what a policy lets in although it does not meet the policy, without anybody breaking the glass. */
export function waivers(policy: Policy): readonly Grant[] {
  return [
    ...policy.exemptions.map((one) => exemption(policy, one)),
    ...(policy.mode === 'audit' ? [audit(policy)] : []),
    ...(policy.whenUnavailable === 'allow' ? [unavailable(policy)] : []),
  ]
}

function exemption(
  policy: Policy,
  { rule: id, reason, owner, since, expires, where }: Exemption,
): Grant {
  const bound = policy.rules.find(({ place }) => place.id === id)
  const rule = bound?.rule.name ?? id
  const name = waiverNames(policy.name).exemption(rule)
  const others = policy.exemptions.filter((one) => one.rule !== id && one.rule.endsWith(`.${rule}`))
  const targets = targetsOf(policy)
  return makeGrant({
    id: `waiver:${name}`,
    kind: 'waiver',
    ...answeredBy(owner),
    may: [`be let in to ${targets} although "${rule}" does not hold: ${reason}`],
    where,
    ...(since === undefined ? {} : { from: since.toISOString() }),
    until: expires.toISOString(),
    trace: { kind: 'waiver', name, shared: others.length > 0 },
    // A stricter rule is another one to be exempted from.
    content: { targets, rule, parameters: written(bound?.parameters ?? {}), reason },
  })
}

/** What a rule asks for, without what it leaves out. */
function written(parameters: object): Json {
  return JSON.parse(JSON.stringify(parameters)) as Json
}

function audit(policy: Policy): Grant {
  const name = waiverNames(policy.name).audit
  const targets = targetsOf(policy)
  const { auditUntil } = policy
  return makeGrant({
    id: `waiver:${name}`,
    kind: 'waiver',
    ...answeredBy(policy.owner),
    may: [`be let in to ${targets} whatever the rules say`],
    where: policy.line('mode'),
    ...(auditUntil === undefined ? {} : { until: auditUntil.toISOString() }),
    trace: { kind: 'waiver', name, shared: false },
    content: { targets },
  })
}

function unavailable(policy: Policy): Grant {
  const name = waiverNames(policy.name).unavailable
  const targets = targetsOf(policy)
  return makeGrant({
    id: `waiver:${name}`,
    kind: 'waiver',
    ...answeredBy(policy.owner),
    may: [`be let in to ${targets} while evidence cannot be looked for, and be decided again`],
    where: policy.line('whenUnavailable'),
    trace: { kind: 'waiver', name, shared: false },
    content: { targets },
  })
}

function answeredBy(owner: string) {
  return { who: `whatever is deployed; ${owner} answers for it`, holders: [owner] }
}
