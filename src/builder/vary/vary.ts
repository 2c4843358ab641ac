import type { BuildDefinition } from '#attestation'
import { SallyportError } from '#error'
import { compareFiles } from '../compare.ts'
import { executeDefinition, type ExecutionPorts } from '../execute/execute.ts'
import type { BuildOutput, Execution } from '../execute/records.ts'
import type { Compared } from '../rebuild/rebuild.ts'
import { conditions, type Condition, type ConditionName, type Unavailable } from './conditions.ts'

export interface VariationReport {
  readonly verdict: 'reproducible' | 'different'
  readonly outputs: readonly Compared[]
  /** What was other in the second build. */
  readonly varied: readonly { readonly name: ConditionName; readonly what: string }[]
  /** What could not be varied on this machine, and why: the verdict says nothing about it. */
  readonly notVaried: readonly Unavailable[]
  /** When the outputs differ: each condition that changes them by itself. Empty when none alone does. */
  readonly culprits: readonly ConditionName[]
}

export interface VaryOptions {
  readonly ports: Omit<ExecutionPorts, 'variation'>
  /** Default is all of them. */
  readonly only?: readonly ConditionName[]
  /** The libfaketime that moves the clock; default is the installed one. */
  readonly faketime?: string
}

/**
 * Builds a definition twice, the second time under all other circumstances at once, and compares. When the outputs differ it
 * builds once more for each circumstance, to say which one it is. Nothing of it is signed.
 *
 * It changes the time zone, umask and CPUs of this process while it runs; it MUST be alone in it.
 */
export async function varyBuild(
  definition: BuildDefinition,
  { ports, only, faketime }: VaryOptions,
): Promise<VariationReport> {
  const wanted = conditions(ports, faketime).filter(
    ({ name }) => only === undefined || only.includes(name),
  )
  const varied = wanted.filter((one): one is Condition => 'apply' in one)
  const notVaried = wanted.filter((one): one is Unavailable => 'reason' in one)
  const usual = await executeUnder(definition, [], ports)
  const other = await executeUnder(definition, varied, ports)
  const outputs = await compare(usual.outputs, other.outputs, ports)
  const isSame = outputs.every(({ expected, found }) => expected === found)
  const culprits: ConditionName[] = []
  for (const condition of isSame ? [] : varied) {
    const alone = await executeUnder(definition, [condition], ports)
    if (alone.outputs.some(({ sha256 }, index) => sha256 !== usual.outputs[index]?.sha256))
      culprits.push(condition.name)
  }
  const user = only === undefined || only.includes('user') ? [userOf(usual, other)] : []
  return {
    verdict: isSame ? 'reproducible' : 'different',
    outputs,
    varied: [...varied, ...user.filter((one) => 'what' in one)].map(({ name, what }) => ({
      name,
      what,
    })),
    notVaried: [...notVaried, ...user.filter((one) => 'reason' in one)],
    culprits,
  }
}

/** Each sandbox has a uid of its own; whether that was so is seen afterwards. */
function userOf(usual: Succeeded, other: Succeeded): { name: 'user'; what: string } | Unavailable {
  const [before, after] = [usual, other].map(({ steps }) =>
    steps.map(({ sandbox }) => sandbox.uid).join(),
  )
  return before === after
    ? { name: 'user', reason: 'this machine gives all sandboxes the uid of the caller' }
    : { name: 'user', what: `the commands are uid ${after} for the kernel instead of ${before}` }
}

type Succeeded = Extract<Execution, { kind: 'succeeded' }>

async function executeUnder(
  definition: BuildDefinition,
  applied: readonly Condition[],
  ports: VaryOptions['ports'],
): Promise<Succeeded> {
  const undo: (() => void)[] = []
  try {
    let under: ExecutionPorts = ports
    for (const condition of applied) {
      const { storage, variation, undo: back } = await condition.apply()
      if (back !== undefined) undo.push(back)
      under = { ...under, ...storage, ...(variation === undefined ? {} : { variation }) }
    }
    const execution = await executeDefinition(definition, under)
    if (execution.kind === 'succeeded') return execution
    const [first, ...also] = execution.problems
    throw new SallyportError(first, { also })
  } finally {
    for (const back of undo.toReversed()) back()
  }
}

async function compare(
  usual: readonly BuildOutput[],
  other: readonly BuildOutput[],
  { blobs }: VaryOptions['ports'],
): Promise<readonly Compared[]> {
  return Promise.all(
    usual.map(async ({ name, sha256: expected }, index) => {
      const found = other[index]?.sha256
      if (found === undefined || found === expected) return { name, expected, found }
      const difference = await compareFiles(blobs.path(expected), blobs.path(found))
      return { name, expected, found, ...(difference === undefined ? {} : { difference }) }
    }),
  )
}
