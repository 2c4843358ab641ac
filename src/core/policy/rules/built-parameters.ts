import { canonicalJson, type Json } from '#document'
import { quote, type Problem } from '#error'
import { isUnset, type External, type ExternalParameter } from '../build-types.ts'
import type { Finding } from '../judge-each.ts'
import type { Place } from '../rule.ts'

/** The values that a parameter may have, or, as a dangerous choice written out, any. */
export type Allowed = readonly Json[] | { readonly anyValueUnsafe: true }

/** Everything a requester could choose is allowed explicitly, or refused (V6, POL-13). */
export function judgeParameters(
  external: External,
  allowed: Readonly<Record<string, Allowed>>,
  place: Place,
): readonly Finding[] {
  const stated = external.parameters.map((parameter) => judgeOne(parameter, allowed, place))
  const missing = Object.entries(allowed).map(([name, values]) =>
    isAnything(values) ||
    external.parameters.some((parameter) => parameter.name === name) ||
    values.some((value) => isUnset(value))
      ? undefined
      : unset(name, values, place),
  )
  return [...stated, ...missing]
    .filter((problem) => problem !== undefined)
    .map((problem) => ({ verdict: 'FAIL', problem }))
}

/** The build instructions are the ones allowed: another file of the same repository may build something else. */
export function judgeRecipe(
  found: string | undefined,
  wanted: string | readonly string[] | undefined,
  place: Place,
): readonly Finding[] {
  const paths = typeof wanted === 'string' ? [wanted] : wanted
  if (paths === undefined ? found === undefined : found !== undefined && paths.includes(found)) {
    return []
  }
  const problem: Problem =
    paths === undefined
      ? {
          code: 'PARAMETER_NOT_ALLOWED',
          where: place.at('recipe'),
          expected:
            'every parameter that the requester of a build can choose to be allowed by the rule',
          found: `the recipe ${quote(found)}, and no "recipe" in the rule`,
          fix: `Write \`recipe: ${found ?? ''}\` in the rule at ${place.line()} if that is how the artifact is built`,
        }
      : {
          code: 'RECIPE_MISMATCH',
          where: place.at('recipe'),
          expected: paths.map((path) => quote(path)).join(' or '),
          found: found === undefined ? 'provenance that names no recipe' : quote(found),
          fix: `Build it with ${quote(paths[0] ?? '')}, or change "recipe" at ${place.line()}`,
        }
  return [{ verdict: 'FAIL', problem }]
}

function judgeOne(
  { name, value }: ExternalParameter,
  allowed: Readonly<Record<string, Allowed>>,
  place: Place,
): Problem | undefined {
  const values = Object.hasOwn(allowed, name) ? allowed[name] : undefined
  if (values === undefined) return unlisted(name, value, place)
  if (isAnything(values)) return undefined
  const text = canonicalJson(value)
  if (values.some((one) => canonicalJson(one) === text)) return undefined
  return {
    code: 'PARAMETER_VALUE',
    where: place.at(`parameters.${name}`),
    expected: show(values),
    found: `${quote(name, 80)} = ${showValue(value)}`,
    fix: `Build it with ${quote(name, 80)} = ${showValue(values[0])}, or allow the value at ${place.line(`parameters.${name}`)}`,
  }
}

function unlisted(name: string, value: Json, place: Place): Problem {
  return {
    code: 'PARAMETER_NOT_ALLOWED',
    where: place.at('parameters'),
    expected: 'every parameter that the requester of a build can choose to be allowed by the rule',
    found: `${quote(name, 80)} = ${showValue(value)}, which the rule does not mention`,
    fix: `Build it without ${quote(name, 80)}, or, if the value is harmless, write \`parameters: {${key(name)}: [${showValue(value)}]}\` in the rule at ${place.line()}`,
  }
}

function unset(name: string, values: readonly Json[], place: Place): Problem {
  return {
    code: 'PARAMETER_VALUE',
    where: place.at(`parameters.${name}`),
    expected: show(values),
    found: `no parameter ${quote(name, 80)}, so the builder chose a value that nobody knows`,
    fix: `Build it with ${quote(name, 80)} = ${showValue(values[0])}, or add null to its values at ${place.line(`parameters.${name}`)}`,
  }
}

function show(values: readonly Json[]): string {
  return `${values.length === 1 ? '' : 'one of '}${values.map(showValue).join(', ')}`
}

function showValue(value: Json | undefined): string {
  return quote(value ?? null, 80)
}

function key(name: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(name) ? name : quote(name, 80)
}

function isAnything(values: Allowed): values is { readonly anyValueUnsafe: true } {
  return !Array.isArray(values)
}
