import { quote, SallyportError, type Problem } from '#error'
import { parameterReference } from './parse.ts'
import { parsePattern } from './pattern.ts'
import type { Recipe } from './schema.ts'

/** A step with nothing left to decide: what runs, where, on what, and what must come out. */
export interface EvaluatedStep {
  readonly id: string
  readonly run: readonly (readonly string[])[]
  /** Absolute: `/build`, where the source is, or a folder in it. */
  readonly cwd: string
  /** Of this step alone; `env` of the recipe is for all. */
  readonly env: Readonly<Record<string, string>>
  readonly inputs: readonly string[]
  /** Whether the step sees the registry with the locked packages. */
  readonly npm: boolean
  /** Packages whose lifecycle scripts may run. */
  readonly scripts: readonly string[]
  readonly outputs: readonly { readonly path: string; readonly type: 'file' | 'directory' }[]
}

export interface EvaluatedRecipe {
  /** Every parameter of the recipe, with the value it has in this build. */
  readonly parameters: Readonly<Record<string, string>>
  readonly steps: readonly EvaluatedStep[]
}

/**
 * Puts parameters into the commands of a recipe, each as one whole argument. Pure: a verifier that has recipe and
 * parameters gets the same steps.
 *
 * @throws SallyportError BUILD_PARAMETER, with all problems
 */
export function evaluateRecipe(
  recipe: Recipe,
  parameters: Readonly<Record<string, string>>,
): EvaluatedRecipe {
  const values = settle(recipe, parameters)
  const steps = recipe.steps.map((step): EvaluatedStep => ({
    id: step.id,
    run: step.run.map((argv) => argv.map((argument) => substitute(argument, values))),
    cwd: step.cwd === undefined ? '/build' : `/build/${step.cwd}`,
    env: step.env ?? {},
    inputs: step.inputs ?? [],
    npm: step.npm ?? false,
    scripts: step.scripts ?? [],
    outputs: step.outputs,
  }))
  return { parameters: values, steps }
}

function settle(
  recipe: Recipe,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const known = Object.keys(recipe.parameters)
  const problems: Problem[] = Object.keys(given)
    .filter((name) => !Object.hasOwn(recipe.parameters, name))
    .map((name) => ({
      code: 'BUILD_PARAMETER',
      where: `parameters.${quote(name, 40).slice(1, -1)}`,
      expected:
        known.length === 0 ? 'no parameters; the recipe defines none' : `only ${known.join(', ')}`,
      found: `the parameter ${quote(name)}`,
      fix: `Remove ${quote(name)}, or define it in the recipe and have that reviewed`,
    }))
  const values: [string, string][] = []
  for (const [name, parameter] of Object.entries(recipe.parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : parameter.default
    const problem = checkValue(name, parameter, value)
    if (problem === undefined) values.push([name, value ?? ''])
    else problems.push(problem)
  }
  SallyportError.throwAll(problems)
  return Object.fromEntries(values)
}

function checkValue(
  name: string,
  parameter: Recipe['parameters'][string],
  value: string | undefined,
): Problem | undefined {
  const expected =
    'enum' in parameter
      ? `one of ${parameter.enum.map((item) => quote(item)).join(', ')}`
      : `at most 128 printable characters that match ${parameter.pattern} and do not begin with "-"`
  const where = `parameters.${name}`
  if (value === undefined) {
    const fix = `Give a value for ${quote(name)}: it has no default`
    return { code: 'BUILD_PARAMETER', where, expected, found: 'nothing', fix }
  }
  if (isAllowed(parameter, value)) return undefined
  const fix = `Give ${quote(name)} a value that the recipe allows`
  return { code: 'BUILD_PARAMETER', where, expected, found: quote(value), fix }
}

function isAllowed(parameter: Recipe['parameters'][string], value: string): boolean {
  if ('enum' in parameter) return parameter.enum.includes(value)
  // A value that begins with a hyphen would be an option of the command, not its argument.
  if (value.startsWith('-') || value.length > 128 || !/^[\u0020-\u007e]+$/.test(value)) return false
  return parsePattern(parameter.pattern)?.(value) ?? false
}

function substitute(argument: string, values: Readonly<Record<string, string>>): string {
  const name = parameterReference.exec(argument)?.[1]
  return name === undefined ? argument : (values[name] ?? '')
}
