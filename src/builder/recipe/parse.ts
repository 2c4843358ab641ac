import { checkShape, parseJson } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { isReserved } from './reserved.ts'
import { recipe as recipeShape, type Recipe, type RecipeStep } from './schema.ts'

/** Where a recipe is, unless a request says otherwise. */
export const defaultRecipePath = 'sallyport.build.json'

export const parameterReference = /^\$\{parameters\.([A-Za-z0-9_]+)\}$/
const referenceStart = '${parameters.'

/**
 * Parses a recipe: what is built from what, by which commands. Everything in it can be seen; nothing is templated
 * but whole arguments. All problems are reported at once.
 *
 * @throws SallyportError DOCUMENT_…, RECIPE_…
 */
export function parseRecipe(bytes: Uint8Array, options: { readonly file: string }): Recipe {
  const { file } = options
  const json = parseJson(bytes, { what: file, maxBytes: 256 * 1024, maxDepth: 16 })
  const recipe = checkShape(recipeShape, json, { what: file })
  SallyportError.throwAll([
    ...checkSteps(recipe, file),
    ...recipe.steps.flatMap((step, index) => checkStep(recipe, step, `${file}: steps[${index}]`)),
    ...checkEnvironment(recipe.env, `${file}: env`),
    ...checkOutputs(recipe, file),
    ...checkToolchains(recipe, file),
    ...checkDefaults(recipe, file),
  ])
  return recipe
}

function checkSteps(recipe: Recipe, file: string): Problem[] {
  const ids = recipe.steps.map(({ id }) => id)
  const twice = duplicates(ids).map((id) => duplicate(`${file}: steps`, `the step ${quote(id)}`))
  const dangling = recipe.steps.flatMap((step, index) =>
    (step.inputs ?? [])
      .filter((input) => !ids.slice(0, index).includes(input))
      .map((input) =>
        reference(
          `${file}: steps[${index}].inputs`,
          index === 0
            ? 'no inputs, because this is the first step'
            : `an earlier step: ${list(ids.slice(0, index))}`,
          input,
        ),
      ),
  )
  return [...twice, ...dangling]
}

function checkStep(recipe: Recipe, step: RecipeStep, where: string): Problem[] {
  return [
    ...step.run.flatMap((argv, index) => checkCommand(recipe, argv, `${where}.run[${index}]`)),
    ...checkEnvironment(step.env ?? {}, `${where}.env`),
    ...duplicates(step.inputs ?? []).map((id) =>
      duplicate(`${where}.inputs`, `the input ${quote(id)}`),
    ),
    ...nested(step.outputs.map(({ path }) => path)).map((path) =>
      duplicate(`${where}.outputs`, `the output ${quote(path)}, itself or inside another output,`),
    ),
  ]
}

function checkCommand(recipe: Recipe, argv: readonly string[], where: string): Problem[] {
  const [program = ''] = argv
  const problems: Problem[] = []
  if (!/^[A-Za-z0-9._+/-]+$/.test(program) || program.startsWith('-') || hasDots(program)) {
    problems.push({
      code: 'RECIPE_COMMAND',
      where: `${where}[0]`,
      expected: 'the name of a program in the root or a toolchain, or a path without ".."',
      found: quote(program),
      fix: 'Name the program itself; parameters and shell syntax cannot stand here',
    })
  }
  for (const [index, argument] of argv.entries()) {
    if (!argument.includes(referenceStart)) continue
    const name = parameterReference.exec(argument)?.[1]
    if (name === undefined) {
      problems.push({
        code: 'RECIPE_COMMAND',
        where: `${where}[${index}]`,
        expected: 'a parameter as a whole argument, such as "${parameters.target}"',
        found: quote(argument),
        fix: 'Give the parameter an argument of its own',
      })
    } else if (!Object.hasOwn(recipe.parameters, name)) {
      const known = Object.keys(recipe.parameters)
      problems.push(reference(`${where}[${index}]`, `a parameter: ${list(known)}`, name))
    }
  }
  return problems
}

function checkEnvironment(env: Readonly<Record<string, string>>, where: string): Problem[] {
  return Object.entries(env).flatMap(([name, value]): Problem[] => {
    const problems: Problem[] = []
    if (isReserved(name)) {
      problems.push({
        code: 'RECIPE_ENVIRONMENT',
        where: `${where}.${name}`,
        expected: 'variables that the builder does not set itself',
        found: quote(name),
        fix: name.toUpperCase().startsWith('NPM_CONFIG_')
          ? 'Give npm the setting as an argument of the command that needs it'
          : `Remove ${quote(name)}, or use another name`,
      })
    }
    if (value.includes(referenceStart)) {
      problems.push({
        code: 'RECIPE_ENVIRONMENT',
        where: `${where}.${name}`,
        expected: 'a fixed value',
        found: quote(value),
        fix: 'Give the parameter to the command as an argument of its own',
      })
    }
    return problems
  })
}

function checkOutputs(recipe: Recipe, file: string): Problem[] {
  const problems = recipe.outputs.flatMap((output, index): Problem[] => {
    const where = `${file}: outputs[${index}]`
    const step = recipe.steps.find(({ id }) => id === output.step)
    if (step === undefined) {
      const ids = recipe.steps.map(({ id }) => id)
      return [reference(`${where}.step`, `a step: ${list(ids)}`, output.step)]
    }
    const files = step.outputs.filter(({ type }) => type === 'file').map(({ path }) => path)
    if (files.includes(output.path)) return []
    return [
      reference(
        `${where}.path`,
        `a file among the outputs of step ${quote(step.id)}: ${list(files)}`,
        output.path,
      ),
    ]
  })
  const names = recipe.outputs.map(({ path }) => path.split('/').at(-1) ?? path)
  const twice = duplicates(names).map((name) =>
    duplicate(`${file}: outputs`, `the file name ${quote(name)}`),
  )
  return [...problems, ...twice]
}

function checkToolchains(recipe: Recipe, file: string): Problem[] {
  const places = recipe.toolchains.map(({ at }) => at)
  return duplicates(places).map((at) => duplicate(`${file}: toolchains`, `the folder ${quote(at)}`))
}

function checkDefaults(recipe: Recipe, file: string): Problem[] {
  return Object.entries(recipe.parameters).flatMap(([name, parameter]) => {
    const { default: value } = parameter
    if (value === undefined || !('enum' in parameter) || parameter.enum.includes(value)) return []
    return [
      reference(`${file}: parameters.${name}.default`, `one of ${list(parameter.enum)}`, value),
    ]
  })
}

function hasDots(path: string): boolean {
  return path.split('/').some((part) => part === '..')
}

function duplicates(items: readonly string[]): string[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))]
}

/** Outputs that are equal to, or inside of, another output of the same step. */
function nested(paths: readonly string[]): string[] {
  return paths.filter((path, index) =>
    paths.some(
      (other, at) =>
        at !== index && (path.startsWith(`${other}/`) || (path === other && at < index)),
    ),
  )
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'there is none' : items.map((item) => quote(item)).join(', ')
}

function reference(where: string, expected: string, found: string): Problem {
  return {
    code: 'RECIPE_REFERENCE',
    where,
    expected,
    found: quote(found),
    fix: `Define ${quote(found)}, or correct its spelling`,
  }
}

function duplicate(where: string, what: string): Problem {
  return {
    code: 'RECIPE_DUPLICATE',
    where,
    expected: 'each of them once',
    found: `${what} twice`,
    fix: 'Remove one of the two, or rename it',
  }
}
