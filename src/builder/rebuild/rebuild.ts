import type { BuildDefinition, Statement } from '#attestation'
import { canonicalJson, type Json } from '#document'
import { quote, SallyportError } from '#error'
import type { Storage } from '#materials'
import { compareFiles, type Difference } from '../compare.ts'
import { plannedParametersOf } from '../definition/define.ts'
import { readPlan, type Plan } from '../definition/plan.ts'
import { readDefinition } from '../definition/read.ts'
import { executeDefinition, type ExecutionPorts } from '../execute/execute.ts'
import type { BuildOutput, StepRecord } from '../execute/records.ts'
import { evaluateRecipe } from '../recipe/evaluate.ts'
import type { Recipe } from '../recipe/schema.ts'
import { definitionDigest } from '../shelf.ts'
import { contradiction, obtainInputs, type ObtainOptions } from './obtain.ts'

/** One output, as the provenance has it and as it came out again. */
export interface Compared {
  readonly name: string
  readonly expected: string | undefined
  readonly found: string | undefined
  /** Where the two bytes strings differ, when both are at hand. */
  readonly difference?: Difference
}

export interface RebuildResult {
  readonly verdict: 'reproduced' | 'different'
  /** Of the definition that both builds followed. */
  readonly definition: string
  readonly outputs: readonly Compared[]
  readonly steps: readonly StepRecord[]
}

export interface RebuildOptions extends ObtainOptions {
  readonly ports: Omit<ExecutionPorts, 'variation'>
}

/**
 * Builds again from provenance alone: its definition, and the inputs it names, by digest. Nothing else of this machine is
 * seen by a step. The statement is not verified here; who signed it is a question for the trust file.
 *
 * @throws SallyportError REBUILD_… when the provenance leaves something out or contradicts its own recipe, and what
 *   building throws; a difference in the outputs is a verdict, not an error
 */
export async function rebuild(
  statement: Statement,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const { ports } = options
  const definition = readDefinition(statement)
  const plan = readPlan(definition)
  const { recipe } = await obtainInputs(plan, options, ports)
  checkPlanned(plan, definition, recipe)
  const execution = await executeDefinition(definition, ports)
  if (execution.kind === 'failed') {
    const [first, ...also] = execution.problems
    throw new SallyportError(first, { also })
  }
  const outputs = await compareOutputs(statement, execution.outputs, ports)
  const isSame = outputs.every(({ expected, found }) => expected === found)
  return {
    verdict: isSame ? 'reproduced' : 'different',
    definition: definitionDigest(definition),
    outputs,
    steps: execution.steps,
  }
}

/** What ran must follow from recipe and parameters: a command that the source does not have is found here. */
function checkPlanned(plan: Plan, definition: BuildDefinition, recipe: Recipe): void {
  const { parameters } = plan.request
  const evaluated = evaluateRecipe(recipe, parameters)
  const committedAt = plan.source.descriptor.annotations?.['committedAt']
  const expected = plannedParametersOf({
    recipe,
    evaluated,
    root: plan.planned.sallyport_sandbox.root,
    commitTime: typeof committedAt === 'string' ? Date.parse(committedAt) / 1000 : Number.NaN,
    trees: new Map(
      plan.planned.sallyport_mounts.map(({ material, tree }) => [material, tree.sha256]),
    ),
  })
  const stated = plan.planned as unknown as { readonly [key: string]: Json }
  for (const [name, value] of Object.entries(expected)) {
    const [wanted, found] = [canonicalJson(value), canonicalJson(stated[name] ?? null)]
    if (wanted !== found)
      throw contradiction(`internalParameters.${name}`, quote(wanted, 400), quote(found, 400))
  }
  const settled = canonicalJson(evaluated.parameters)
  const said = canonicalJson(definition.externalParameters['parameters'] ?? null)
  if (settled !== said)
    throw contradiction('externalParameters.parameters', quote(settled), quote(said))
}

async function compareOutputs(
  { subject }: Statement,
  outputs: readonly BuildOutput[],
  { blobs }: Storage,
): Promise<readonly Compared[]> {
  const names = [
    ...new Set([...subject.map(({ name = '' }) => name), ...outputs.map(({ name }) => name)]),
  ]
  const compared: Compared[] = []
  for (const name of names) {
    const expected = subject.find((one) => one.name === name)?.digest?.['sha256']
    const found = outputs.find((one) => one.name === name)?.sha256
    const both = expected !== undefined && found !== undefined && expected !== found
    const difference =
      both && (await blobs.has(expected))
        ? await compareFiles(blobs.path(expected), blobs.path(found))
        : undefined
    compared.push({ name, expected, found, ...(difference === undefined ? {} : { difference }) })
  }
  return compared
}
