import type { Json } from '#document'
import { showDeployer, type Deployer, type Policy, type PolicySet } from '#policy'
import type { BreakglassTerms, Trust } from '#trust'
import { makeGrant, type Grant } from './grant.ts'
import { targetsOf } from './targets.ts'
import { waivers } from './waivers.ts'

/** Who may deploy, who may let something in although a rule says no, and what comes in without anybody having to. */
export function grantsOfPolicies({ policies }: PolicySet, trust: Trust): readonly Grant[] {
  const everywhere =
    trust.breakglass === undefined
      ? []
      : approvers(trust.breakglass, trust, {
          name: 'trust',
          at: 'every target where no policy can decide',
          where: trust.line('breakglass'),
        })
  return [
    ...policies.flatMap((policy) => [...deployers(policy), ...waivers(policy)]),
    ...policies.flatMap((policy) =>
      policy.breakglass === undefined
        ? []
        : approvers(policy.breakglass, trust, {
            name: policy.name,
            at: targetsOf(policy),
            where: policy.line('breakglass'),
          }),
    ),
    ...everywhere,
  ]
}

function deployers(policy: Policy): readonly Grant[] {
  const { name, deployers: named } = policy
  const targets = targetsOf(policy)
  const may = [`deploy to ${targets} what the policy ${name} lets in`]
  if (named !== undefined)
    return named.map((one) =>
      makeGrant({
        id: `deployer:${name} ${idOf(one)}`,
        kind: 'deployer',
        who: showDeployer(one),
        holders: typeof one === 'string' ? [one] : [],
        may,
        where: policy.line('deployers'),
        trace: { kind: 'deployer', policy: name, deployer: one },
        content: { targets, deployer: one as Json },
      }),
    )
  return [
    makeGrant({
      id: `deployer:${name} anybody`,
      kind: 'deployer',
      who: 'everybody whom a choke point lets ask',
      holders: [],
      may,
      where: `${policy.line('targets')} no "deployers"`,
      trace: { kind: 'deployer', policy: name },
      content: { targets },
    }),
  ]
}

function idOf(one: Deployer): string {
  return typeof one === 'string' ? one : `${one.prefix}…`
}

function approvers(
  { approvers: names, count, maxDuration }: BreakglassTerms,
  trust: Trust,
  place: { readonly name: string; readonly at: string; readonly where: string },
): readonly Grant[] {
  return names.map((name) => {
    const signer = trust.signers.get(name)
    const owners = [...new Set(signer?.keys.map(({ owner }) => owner) ?? [])].sort()
    const keys = [...new Set(signer?.keys.map(({ keyid }) => keyid) ?? [])].sort()
    return makeGrant({
      id: `approver:${place.name} ${name}`,
      kind: 'approver',
      who: `${name} (${owners.join(', ')})`,
      holders: [name, ...owners],
      may: [
        `let something into ${place.at} although a rule says no, for at most ${maxDuration.text}; it takes ${count}`,
      ],
      where: place.where,
      trace: { kind: 'approver', policy: place.name, owners },
      content: { at: place.at, count, maxMs: maxDuration.milliseconds, owners, keys },
    })
  })
}
