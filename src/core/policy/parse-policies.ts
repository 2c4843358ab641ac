import { parseYaml, sha256Hex, type Json, type Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { checkDocument, nearestName } from '#trust'
import { z } from 'zod'
import { findAmbiguities } from './ambiguity.ts'
import { bindExemptions } from './rules/exemptions.ts'
import type { BoundRule, Policy, PolicySet } from './policy.ts'
import { policySchema } from './policy-schema.ts'
import type { Place, RuleParameters } from './rule.ts'
import { rules } from './rules.ts'

type Locate = (path: Path) => string

/**
 * Parses policy files, and reports all problems of all files at once with line and column: unknown rules and fields,
 * empty requirements, and two policies that own one target.
 *
 * @throws SallyportError DOCUMENT_… for their form, POLICY_… for what they say
 */
export function parsePolicies(
  files: readonly { readonly file: string; readonly bytes: Uint8Array }[],
): PolicySet {
  const problems: Problem[] = []
  const policies = files.flatMap(({ file, bytes }) => {
    try {
      return [parsePolicy(file, bytes, problems)]
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(...error.problems)
      return []
    }
  })
  problems.push(...findAmbiguities(policies))
  SallyportError.throwAll(problems)
  return Object.freeze({
    policies: Object.freeze(policies),
    files: files.map(({ file, bytes }) => ({ file, digest: sha256Hex(bytes) })),
  })
}

function parsePolicy(file: string, bytes: Uint8Array, problems: Problem[]): Policy {
  const { value, locate } = parseYaml(bytes, { file })
  const shape = checkDocument(policySchema, value, { what: 'the policy', locate })
  if (shape.require.length === 0) problems.push(empty(locate(['require'])))
  const { artifacts } = shape
  const rules = shape.require.flatMap((entry, index) =>
    bind(entry as Json, index, locate, problems),
  )
  return Object.freeze({
    name: shape.metadata.name,
    owner: shape.metadata.owner,
    file,
    digest: sha256Hex(bytes),
    targets: shape.targets.map((target, index) => ({
      ...target,
      where: locate(['targets', index]),
    })),
    ...(artifacts === undefined ? {} : { artifacts }),
    rules,
    exemptions: bindExemptions(
      shape.exemptions,
      rules.map(({ place }) => place.id),
      (index) => locate(['exemptions', index]),
      problems,
    ),
    mode: shape.mode,
    whenUnavailable: shape.whenUnavailable,
    line: (field: string) => locate([field]),
  })
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
    return [{ place: placeOf(`require[${index}].${name}`, at), rule, parameters }]
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

function empty(where: string): Problem {
  return {
    code: 'POLICY_RULES_EMPTY',
    where,
    expected: 'at least one rule: a policy that requires nothing would let everything in',
    found: 'an empty list',
    fix: 'Write what must hold, such as `- signed: {by: [release-builder]}`, or remove the policy: without one everything is denied',
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
