import type { Json, Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { checkDocument, nearestName } from '#trust'
import { z } from 'zod'
import type { BoundRule } from './policy.ts'
import type { Place, RuleParameters } from './rule.ts'
import { rules } from './rules.ts'

type Locate = (path: Path) => string

/** How many rules a policy may have. */
export const maxRules = 64

/** Binds each entry of `require` to its rule; what is wrong with one goes into `problems`, and the reading goes on. */
export function bindRules(
  entries: readonly unknown[],
  locate: Locate,
  problems: Problem[],
): readonly BoundRule[] {
  return entries
    .slice(0, maxRules)
    .flatMap((entry, index) => bind(entry as Json, index, locate, problems))
}

function bind(entry: Json, index: number, locate: Locate, problems: Problem[]): BoundRule[] {
  const isMapping = typeof entry === 'object' && entry !== null && !Array.isArray(entry)
  const names = isMapping ? Object.keys(entry) : []
  const [name] = names
  if (name === undefined || names.length > 1) {
    problems.push(notOneRule(names, locate(['require', index])))
    return []
  }
  const rule = rules.get(name)
  if (rule === undefined) {
    problems.push(unknownRule(name, locate(['require', index, name])))
    return []
  }
  const at = (path: Path): string => locate(['require', index, name, ...path])
  try {
    const shape = checkDocument(z.strictObject({ [name]: rule.schema }), entry, {
      what: 'the rule',
      locate: (path) => locate(['require', index, ...path]),
    })
    const parameters = shape[name] as RuleParameters
    const place = placeOf(`require[${index}].${name}`, at)
    problems.push(...(rule.faults?.(parameters, place) ?? []))
    return [{ place, rule, parameters }]
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return []
  }
}

function placeOf(id: string, locate: Locate): Place {
  const line = (field?: string): string => locate(field === undefined ? [] : field.split('.'))
  return {
    id,
    line,
    at: (field) => `${line(field)} ${field === undefined ? id : `${id}.${field}`}`,
  }
}

function notOneRule(names: readonly string[], where: string): Problem {
  return {
    code: 'POLICY_RULE_SHAPE',
    where,
    expected: 'exactly one rule in each entry of "require"',
    found: names.length === 0 ? 'none' : names.map((name) => quote(name, 40)).join(' and '),
    fix:
      names.length === 0
        ? 'Write the name of a rule and its parameters, or remove the entry'
        : 'Begin each rule with its own "-"',
  }
}

function unknownRule(name: string, where: string): Problem {
  const near = nearestName(name, rules.keys())
  const known = [...rules.keys()].join(', ')
  return {
    code: 'POLICY_RULE_UNKNOWN',
    where,
    expected: `one of ${known}`,
    found: quote(name, 60),
    fix:
      near === undefined
        ? `Name one of the rules ${known}; nothing else is understood, so nothing else can be required`
        : `Write "${near}" if you meant that`,
  }
}
