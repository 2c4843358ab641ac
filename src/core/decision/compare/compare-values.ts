import { canonicalJson, type Json } from '#document'

/** Whether a policy lets more in than before, less, or something else. */
export type Direction = 'loosened' | 'tightened' | 'changed'

/** How a parameter is to be read: what a greater value, a longer list or a later word means. */
type Sense =
  | { readonly kind: 'number'; readonly more: Direction }
  | { readonly kind: 'list'; readonly longer: Direction; readonly present: Direction }
  | { readonly kind: 'words'; readonly strictestFirst: readonly string[] }
  | { readonly kind: 'place' }
  | { readonly kind: 'any'; readonly present: Direction }

const atLeast: Sense = { kind: 'number', more: 'tightened' }
const age: Sense = { kind: 'number', more: 'loosened' }
const whoCounts: Sense = { kind: 'list', longer: 'loosened', present: 'loosened' }
const accepted: Sense = { kind: 'list', longer: 'loosened', present: 'tightened' }
const demanded: Sense = { kind: 'list', longer: 'tightened', present: 'tightened' }
const demand: Sense = { kind: 'any', present: 'tightened' }
const words = (...strictestFirst: readonly string[]): Sense => ({ kind: 'words', strictestFirst })

/** By the path of the parameter in its rule; `parameters.*` stands for every external parameter of `built`. */
const senses: Readonly<Record<string, Sense>> = {
  by: whoCounts,
  builtBy: whoCounts,
  level: atLeast,
  approvals: atLeast,
  count: atLeast,
  within: age,
  database: age,
  commit: age,
  build: age,
  from: { kind: 'place' },
  refs: { kind: 'list', longer: 'loosened', present: 'loosened' },
  'parameters.*': { kind: 'list', longer: 'loosened', present: 'loosened' },
  suites: demanded,
  levels: demanded,
  root: words('pinned', 'measured'),
  networkAttempts: words('none', 'allowed'),
  warnings: words('deny', 'allow'),
  'deny.severity': words('low', 'medium', 'high', 'critical'),
  'deny.unless': { kind: 'any', present: 'loosened' },
  'licenses.allow': accepted,
  'licenses.deny': demanded,
  'licenses.unknown': words('deny', 'allow'),
  'packages.deny': demanded,
  allow: accepted,
  deny: demanded,
  verified: demand,
  'verified.by': whoCounts,
  'verified.levels': demanded,
  'verified.except': whoCounts,
  version: demand,
  artifacts: accepted,
  targets: whoCounts,
  deployers: accepted,
  mode: words('enforce', 'audit'),
  whenUnavailable: words('deny', 'allow'),
  breakglass: { kind: 'any', present: 'loosened' },
}

/** What a change of one parameter means for what is let in. `changed` where that cannot be told without an artifact. */
export function directionOf(path: string, before: unknown, after: unknown): Direction {
  const sense = senses[path.replace(/^parameters\..*/s, 'parameters.*')]
  if (sense === undefined) return 'changed'
  if (before === undefined || after === undefined) return presence(sense, after !== undefined)
  switch (sense.kind) {
    case 'number':
      return byNumber(sense.more, before, after)
    case 'list':
      return byList(sense.longer, before, after)
    case 'words':
      return byWords(sense.strictestFirst, before, after)
    case 'place':
      return byPlace(before, after)
    case 'any':
      return 'changed'
  }
}

function presence(sense: Sense, isNew: boolean): Direction {
  switch (sense.kind) {
    case 'number':
      return isNew ? 'tightened' : 'loosened'
    case 'list':
    case 'any':
      return isNew ? sense.present : opposite(sense.present)
    case 'place':
    case 'words':
      return 'changed'
  }
}

function byNumber(more: Direction, before: unknown, after: unknown): Direction {
  const [old, now] = [numberOf(before), numberOf(after)]
  if (old === undefined || now === undefined || old === now) return 'changed'
  return now > old ? more : opposite(more)
}

/** A whole number, or a span of time. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const span = (value as { readonly milliseconds?: unknown } | null)?.milliseconds
  return typeof span === 'number' ? span : undefined
}

function byList(longer: Direction, before: unknown, after: unknown): Direction {
  if (!Array.isArray(before) || !Array.isArray(after)) return 'changed'
  const [old, now] = [keys(before), keys(after)]
  if (isSubset(old, now)) return longer
  return isSubset(now, old) ? opposite(longer) : 'changed'
}

function byWords(strictestFirst: readonly string[], before: unknown, after: unknown): Direction {
  const [old, now] = [strictestFirst.indexOf(String(before)), strictestFirst.indexOf(String(after))]
  if (old < 0 || now < 0) return 'changed'
  return now > old ? 'loosened' : 'tightened'
}

/** One place, or everything below a path that ends with "/". */
function byPlace(before: unknown, after: unknown): Direction {
  if (isWithin(before, after)) return 'loosened'
  return isWithin(after, before) ? 'tightened' : 'changed'
}

function isWithin(inner: unknown, outer: unknown): boolean {
  const [text, prefix] = [prefixOf(inner) ?? inner, prefixOf(outer)]
  return typeof text === 'string' && prefix !== undefined && text.startsWith(prefix)
}

function prefixOf(place: unknown): string | undefined {
  const prefix = (place as { readonly prefix?: unknown } | null)?.prefix
  return typeof prefix === 'string' ? prefix : undefined
}

function keys(list: readonly unknown[]): ReadonlySet<string> {
  return new Set(list.map((one) => canonicalJson(one as Json)))
}

function isSubset(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  return [...some].every((one) => all.has(one))
}

function opposite(direction: Direction): Direction {
  if (direction === 'changed') return 'changed'
  return direction === 'loosened' ? 'tightened' : 'loosened'
}
