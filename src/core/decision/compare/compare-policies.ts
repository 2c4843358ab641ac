import { canonicalJson, type Json } from '#document'
import { quote } from '#error'
import {
  showArtifact,
  showDeployer,
  type BoundRule,
  type Exemption,
  type Policy,
  type PolicySet,
} from '#policy'
import { directionOf, type Direction } from './compare-values.ts'

/** One way in which policies differ, in words. */
export interface PolicyChange {
  readonly policy: string
  readonly direction: Direction
  /** `rule reviewed: approvals became 2, and was 1` */
  readonly words: string
}

/** Everything in which two sets of policies differ, policy by policy. Policies are the same when they have one name. */
export function comparePolicies(before: PolicySet, after: PolicySet): readonly PolicyChange[] {
  const old = new Map(before.policies.map((policy) => [policy.name, policy]))
  const now = new Map(after.policies.map((policy) => [policy.name, policy]))
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name) => {
    const [was, is] = [old.get(name), now.get(name)]
    if (was === undefined) return [whole(name, 'loosened', 'is new, and decides about', is)]
    if (is === undefined) return [whole(name, 'tightened', 'is gone, and decided about', was)]
    return comparePolicy(was, is).map((change) => ({ policy: name, ...change }))
  })
}

type Change = Omit<PolicyChange, 'policy'>

/** Where no policy decides, nothing is let in: a new policy can only let in more. */
function whole(name: string, direction: Direction, words: string, policy?: Policy): PolicyChange {
  const targets = (policy?.targets ?? []).map(showTarget).join(', ')
  return { policy: name, direction, words: `the policy ${words} ${targets}` }
}

function comparePolicy(was: Policy, is: Policy): readonly Change[] {
  return [
    ...members('targets', was.targets.map(showTarget), is.targets.map(showTarget)),
    ...members('artifacts', was.artifacts?.map(showArtifact), is.artifacts?.map(showArtifact)),
    ...members('deployers', was.deployers?.map(showDeployer), is.deployers?.map(showDeployer)),
    ...value('mode', was.mode, is.mode),
    ...value('whenUnavailable', was.whenUnavailable, is.whenUnavailable),
    ...members('breakglass', glassOf(was), glassOf(is)),
    ...compareExemptions(was.exemptions, is.exemptions),
    ...compareRules(was.rules, is.rules),
  ]
}

function glassOf({ breakglass }: Policy): readonly string[] | undefined {
  if (breakglass === undefined) return undefined
  const { approvers, count, maxDuration } = breakglass
  return [`${count} of ${approvers.join(', ')}`, `for ${maxDuration.text}`]
}

function compareRules(was: readonly BoundRule[], is: readonly BoundRule[]): readonly Change[] {
  const names = new Set([...was, ...is].map(({ rule }) => rule.name))
  return [...names].flatMap((name) => {
    const old = was.filter(({ rule }) => rule.name === name)
    const now = is.filter(({ rule }) => rule.name === name)
    return pairs(old, now).flatMap(([before, after]): readonly Change[] => {
      if (before === undefined) return [{ direction: 'tightened', words: `rule ${name} is new` }]
      if (after === undefined) return [{ direction: 'loosened', words: `rule ${name} is gone` }]
      return compareParameters(name, before.parameters, after.parameters)
    })
  })
}

type Pair = readonly [BoundRule | undefined, BoundRule | undefined]

/** Rules of one name: what is the same is a pair, then what stands in the same order. */
function pairs(was: readonly BoundRule[], is: readonly BoundRule[]): readonly Pair[] {
  const now = [...is]
  const old = was.filter((rule) => {
    const same = now.findIndex((other) => keyOf(other.parameters) === keyOf(rule.parameters))
    if (same >= 0) now.splice(same, 1)
    return same < 0
  })
  const count = Math.max(old.length, now.length)
  return Array.from({ length: count }, (_, index): Pair => [old[index], now[index]])
}

function compareParameters(name: string, before: object, after: object): readonly Change[] {
  const [old, now] = [leaves(before), leaves(after)]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)]
    if (keyOf(was) === keyOf(is)) return []
    const words = `rule ${name}: ${path} became ${show(is)}, and was ${show(was)}`
    return [{ direction: directionOf(path, was, is), words }]
  })
}

/** Parameters by path: lists, texts, numbers, spans of time and patterns are not looked into. */
function leaves(value: object, path = ''): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value) as readonly (readonly [string, unknown])[]) {
    const at = path === '' ? name : `${path}.${name}`
    if (member === undefined) continue
    if (!isGroup(member)) found.set(at, member)
    else for (const [inner, leaf] of leaves(member, at)) found.set(inner, leaf)
  }
  return found
}

function isGroup(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !('milliseconds' in value) && !('prefix' in value) && !('anyValueUnsafe' in value)
}

function compareExemptions(was: readonly Exemption[], is: readonly Exemption[]): readonly Change[] {
  const shown = (list: readonly Exemption[]): ReadonlySet<string> =>
    new Set(list.map(({ rule, expires }) => `${rule} until ${expires.toISOString()}`))
  const [old, now] = [shown(was), shown(is)]
  return [
    ...[...now].flatMap((one): Change[] =>
      old.has(one) ? [] : [{ direction: 'loosened', words: `exemption of ${one} is new` }],
    ),
    ...[...old].flatMap((one): Change[] =>
      now.has(one) ? [] : [{ direction: 'tightened', words: `exemption of ${one} is gone` }],
    ),
  ]
}

function members(
  path: string,
  was: readonly string[] | undefined,
  is: readonly string[] | undefined,
): readonly Change[] {
  if (keyOf(was) === keyOf(is)) return []
  const direction = directionOf(path, was, is)
  const shown = (list: readonly string[] | undefined): string => list?.join(', ') ?? 'not set'
  return [{ direction, words: `${path} became ${shown(is)}, and was ${shown(was)}` }]
}

function value(path: string, was: string, is: string): readonly Change[] {
  if (was === is) return []
  return [{ direction: directionOf(path, was, is), words: `${path} became ${is}, and was ${was}` }]
}

function showTarget({ environment, service }: Policy['targets'][number]): string {
  return quote(`${environment}/${service}`)
}

function show(leaf: unknown): string {
  if (leaf === undefined) return 'not set'
  const span = typeof leaf === 'object' && leaf !== null && 'text' in leaf ? leaf.text : undefined
  if (typeof span === 'string') return span
  return quote(keyOf(leaf), 300).slice(1, -1).replaceAll('\\"', '"')
}

function keyOf(leaf: unknown): string {
  return leaf === undefined ? '' : canonicalJson(leaf as Json)
}
