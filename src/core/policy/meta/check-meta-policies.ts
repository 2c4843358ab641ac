import { quote, type Problem } from '#error'
import type { BoundRule, Exemption, Policy } from '../policy.ts'
import { demands } from './demands.ts'
import { selects, type MetaPolicy, type Requirement } from './meta-policy.ts'

/** POL-18: policies that break a meta-policy, with both named. A policy set with such a problem is not activated. */
export function checkMetaPolicies(
  policies: readonly Policy[],
  metaPolicies: readonly MetaPolicy[],
): readonly Problem[] {
  return metaPolicies.flatMap((meta) =>
    policies
      .filter(({ targets }) => targets.some((target) => selects(meta, target)))
      .flatMap((policy) => [
        ...meta.require.flatMap((requirement) => checkRequirement(policy, meta, requirement)),
        ...checkForbidden(policy, meta),
      ]),
  )
}

function checkRequirement(
  policy: Policy,
  meta: MetaPolicy,
  requirement: Requirement,
): readonly Problem[] {
  const judged = policy.rules
    .filter(({ rule }) => rule.name === requirement.rule)
    .map((bound) => checkRule(bound, policy, meta, requirement))
  // All rules of a policy must hold, so one that is strict enough is enough.
  const [nearest] = [...judged].sort((a, b) => a.length - b.length)
  return nearest ?? [missing(policy, meta, requirement)]
}

function missing(policy: Policy, meta: MetaPolicy, requirement: Requirement): Problem {
  const { rule, by, wanted, where } = requirement
  const shown = Object.entries(wanted).map(
    ([field, value]) => `${field} ${demands[rule]?.[field]?.show(value) ?? ''}`,
  )
  const written = Object.entries(wanted).map(([field, value]) => {
    const path = demands[rule]?.[field]?.path ?? [field]
    return path.reduceRight((inner, part) => `${part}: ${inner}`, valueOf(value))
  })
  const details = [...shown, ...(by === undefined ? [] : [`by ${by.join(' or ')}`])]
  return {
    code: 'POLICY_META_MISSING',
    where: `${policy.line('require')} require`,
    expected: `the rule ${rule}${details.length === 0 ? '' : ` (${details.join('; ')})`}, as ${source(meta, where)} demands`,
    found: `${quote(policy.name)} requires ${policy.rules.map((one) => one.rule.name).join(', ') || 'nothing'}`,
    fix: `Add \`- ${rule}: {${['by: […]', ...written].join(', ')}}\` to "require" in ${policy.file}`,
  }
}

function checkRule(
  bound: BoundRule,
  policy: Policy,
  meta: MetaPolicy,
  { rule, by, wanted, where }: Requirement,
): readonly Problem[] {
  const { place, parameters } = bound
  const outsiders = by === undefined ? [] : parameters.by.filter((name) => !by.includes(name))
  const weak = Object.entries(wanted).flatMap(([field, value]): Problem[] => {
    const demand = demands[rule]?.[field]
    if (demand === undefined) throw new TypeError(`${rule}.${field} is no demand`)
    const found = valueAt(parameters, demand.path)
    if (demand.isMet(found, value)) return []
    const path = demand.path.join('.')
    return [
      {
        code: 'POLICY_META_WEAK',
        where: place.at(path),
        expected: `${path}: ${demand.show(value)}, as ${source(meta, where)} demands`,
        found: `${quote(policy.name)} has ${found === undefined ? `no "${path}"` : show(found)}`,
        fix: `Write \`${path}: ${valueOf(value)}\` at ${place.line(path)}`,
      },
    ]
  })
  if (outsiders.length === 0) return weak
  return [
    ...weak,
    {
      code: 'POLICY_META_WEAK',
      where: place.at('by'),
      expected: `nobody but ${(by ?? []).join(', ')}, as ${source(meta, where)} demands`,
      found: `${quote(policy.name)} also believes ${outsiders.join(', ')}`,
      fix: `Remove ${outsiders.join(', ')} from "by" at ${place.line('by')}`,
    },
  ]
}

function checkForbidden(policy: Policy, meta: MetaPolicy): readonly Problem[] {
  const { mode, whenUnavailable, rules, exemptions } = meta.forbid
  const forbidden = (where: string, key: string, found: string, fix: string): Problem => ({
    code: 'POLICY_META_FORBIDDEN',
    where,
    expected: `what ${source(meta, meta.line(['forbid', ...key.split('.')]))} does not forbid`,
    found: `${quote(policy.name)} has ${found}`,
    fix,
  })
  const problems: Problem[] = []
  if (mode === policy.mode) {
    const fix = `Write "mode: enforce" in ${policy.file}`
    problems.push(forbidden(`${policy.line('mode')} mode`, 'mode', 'mode: audit', fix))
  }
  if (whenUnavailable === policy.whenUnavailable) {
    const fix = `Write "whenUnavailable: deny" in ${policy.file}`
    const where = `${policy.line('whenUnavailable')} whenUnavailable`
    problems.push(forbidden(where, 'whenUnavailable', 'whenUnavailable: allow', fix))
  }
  for (const { rule, place } of policy.rules.filter((one) => rules.includes(one.rule.name))) {
    const fix = `Remove the rule at ${place.line()}, and say the same with other rules`
    problems.push(forbidden(place.at(), 'rules', `the rule ${rule.name}`, fix))
  }
  for (const exemption of policy.exemptions) {
    const found = forbiddenExemption(exemption, exemptions)
    const fix = `Remove or shorten the exemption at ${exemption.where}`
    if (found !== undefined) problems.push(forbidden(exemption.where, 'exemptions', found, fix))
  }
  return problems
}

function forbiddenExemption(
  { rule, since, expires }: Exemption,
  forbid: MetaPolicy['forbid']['exemptions'],
): string | undefined {
  const name = rule.slice(rule.lastIndexOf('.') + 1)
  if (forbid?.of.includes(name) === true) return `an exemption from ${rule}`
  if (forbid?.longerThan === undefined) return undefined
  const { milliseconds, text } = forbid.longerThan
  // Without a beginning nobody can say how long it is.
  if (since === undefined) return `an exemption from ${rule} that does not say "since" when`
  return expires.getTime() - since.getTime() > milliseconds
    ? `an exemption from ${rule} that is longer than ${text}`
    : undefined
}

function source({ name, file }: MetaPolicy, where: string): string {
  return `meta-policy ${quote(name)} (${where.startsWith(file) ? where : file})`
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, part) => (current as Readonly<Record<string, unknown>> | undefined)?.[part],
    value,
  )
}

function show(found: unknown): string {
  return typeof found === 'object' && found !== null && 'text' in found
    ? String(found.text)
    : quote(found)
}

function valueOf(wanted: unknown): string {
  if (Array.isArray(wanted)) return `[${wanted.join(', ')}]`
  return typeof wanted === 'object' && wanted !== null && 'text' in wanted
    ? String(wanted.text)
    : String(wanted)
}
