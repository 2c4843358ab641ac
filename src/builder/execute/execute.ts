import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { BuildDefinition } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { withFolder, type Storage, type StoredBlob } from '#materials'
import type { Blob, Mount, NpmPackage, RunStep, StepReport } from '#worker'
import { readPlan, type Plan, type PlannedStep } from '../definition/plan.ts'
import { collectOutputs } from './collect.ts'
import { blobOf, toolMounts } from './inputs.ts'
import { inputTree } from './input-tree.ts'
import { npmPackages } from './npm.ts'
import type { BuildOutput, Execution, StepOutput, StepRecord } from './records.ts'
import type { Variation } from './variation.ts'

export interface ExecutionPorts extends Storage {
  readonly runStep: RunStep
  readonly onEvent?: (event: StepEvent) => void
  readonly signal?: AbortSignal
  /** Changes of the surroundings that must not change the outputs. Never for a build whose provenance is signed. */
  readonly variation?: Variation
}

export type StepEvent =
  | { readonly kind: 'step-started'; readonly step: string; readonly commands: number }
  | { readonly kind: 'step-output'; readonly step: string; readonly chunk: Uint8Array }
  | {
      readonly kind: 'step-finished'
      readonly step: string
      readonly outcome: StepReport['outcome']
    }

/**
 * Does what a definition says, and nothing that it does not say: the one way in which steps are run, for a build, a
 * rebuild and a variation. Inputs are taken from the blob store by digest; what is missing there makes it fail.
 */
export async function executeDefinition(
  definition: BuildDefinition,
  ports: ExecutionPorts,
): Promise<Execution> {
  const plan = readPlan(definition)
  const inputs = await prepare(plan, ports)
  const steps: StepRecord[] = []
  const trees = new Map<string, StoredBlob>()
  for (const step of plan.planned.sallyport_steps) {
    const record = await runOne(step, { plan, inputs, trees }, ports)
    steps.push(record.step)
    if (record.problems !== undefined) return { kind: 'failed', steps, problems: record.problems }
    if (isInput(step.id, plan)) {
      const mtime = Number(plan.planned.sallyport_env['SOURCE_DATE_EPOCH'])
      trees.set(step.id, await inputTree(record.step.outputs, { mtime, step: step.id }, ports))
    }
  }
  return {
    kind: 'succeeded',
    steps,
    outputs: plan.planned.sallyport_outputs.map((output) => outputOf(output, steps)),
    platform: { kernel: release() },
  }
}

interface Prepared {
  readonly root: Blob
  readonly source: Blob
  readonly tools: readonly Mount[]
  readonly npm: readonly NpmPackage[]
}

interface Context {
  readonly plan: Plan
  readonly inputs: Prepared
  readonly trees: ReadonlyMap<string, StoredBlob>
}

async function prepare(plan: Plan, ports: ExecutionPorts): Promise<Prepared> {
  const wantsNpm = plan.planned.sallyport_steps.some(({ npm }) => npm)
  return {
    root: await blobOf(plan.root, ports),
    source: await blobOf(plan.source, ports),
    tools: await toolMounts(plan, ports),
    npm: wantsNpm ? await npmPackages(plan, ports) : [],
  }
}

interface Ran {
  readonly step: StepRecord
  readonly problems?: readonly [Problem, ...Problem[]]
}

async function runOne(step: PlannedStep, context: Context, ports: ExecutionPorts): Promise<Ran> {
  const { inputs, plan } = context
  const mounts = [...inputs.tools, ...(await stepMounts(step, context, ports))]
  const { env = {}, mounts: more = [] } = ports.variation ?? {}
  ports.onEvent?.({ kind: 'step-started', step: step.id, commands: step.run.length })
  return withFolder(ports.workspace, async (folder) => {
    const collect = join(folder, 'collect')
    await mkdir(collect, { mode: 0o700 })
    const report = await ports.runStep(
      {
        id: step.id,
        commands: step.run,
        cwd: step.cwd,
        env: { ...plan.planned.sallyport_env, ...step.env, ...env },
        root: inputs.root,
        source: inputs.source,
        mounts: [...mounts, ...more],
        ...(step.npm ? { npmRegistry: inputs.npm } : {}),
        outputs: step.outputs,
        limits: plan.planned.sallyport_limits,
        collect,
      },
      {
        onOutput: (chunk) => ports.onEvent?.({ kind: 'step-output', step: step.id, chunk }),
        ...(ports.signal === undefined ? {} : { signal: ports.signal }),
      },
    )
    ports.onEvent?.({ kind: 'step-finished', step: step.id, outcome: report.outcome })
    return recordOf(step, report, { ...context, mounts, collect }, ports)
  })
}

async function stepMounts(
  step: PlannedStep,
  { trees }: Context,
  ports: ExecutionPorts,
): Promise<Mount[]> {
  return step.inputs.map((id) => {
    const tree = trees.get(id)
    if (tree === undefined) throw new TypeError(`step ${step.id} needs ${id}, which has not run`)
    return { at: `/in/${id}`, tree: { ...tree, path: ports.blobs.path(tree.sha256) } }
  })
}

async function recordOf(
  step: PlannedStep,
  report: StepReport,
  context: Context & { readonly mounts: readonly Mount[]; readonly collect: string },
  ports: ExecutionPorts,
): Promise<Ran> {
  const { inputs, mounts, collect, plan } = context
  const log = await ports.blobs.putFile(report.log.path)
  checkEnvironment(step, report, plan)
  const problems = [
    ...notContained(report),
    ...failureOf(step, report, ports.blobs.path(log.sha256)),
  ]
  const succeeded = problems.length === 0
  const outputs = succeeded
    ? await collectOutputs(step, report, { folder: collect, blobs: ports.blobs })
    : []
  const { instance, seen } = { instance: randomUUID(), seen: seenBy(step, inputs, mounts) }
  const record: StepRecord = {
    id: step.id,
    instance,
    outcome: report.outcome,
    startedAt: report.startedAt,
    finishedAt: report.finishedAt,
    commands: report.commands,
    environment: report.environment,
    inputs: seen,
    outputs,
    log: { ...log, truncated: report.log.truncated },
    network: report.network,
    probes: report.probes,
    sandbox: report.sandbox,
    undeclared: report.undeclared,
    exhausted: report.exhausted,
  }
  const [first, ...rest] = problems
  return first === undefined ? { step: record } : { step: record, problems: [first, ...rest] }
}

/** The worker adds what it fixes for all builds; what was planned must have arrived as it was planned. */
function checkEnvironment(step: PlannedStep, { environment }: StepReport, { planned }: Plan): void {
  const wanted = { ...planned.sallyport_env, ...step.env }
  const other = Object.keys(wanted).find((name) => environment[name] !== wanted[name])
  if (other === undefined) return
  throw new SallyportError({
    code: 'BUILD_WORKER_REPORT',
    where: `step ${step.id}: environment`,
    expected: `${other}=${quote(wanted[other])}`,
    found: quote(environment[other] ?? null),
    fix: 'Report this: the supervisor of the sandbox started the commands with something else',
  })
}

/** What the step could see, by where it saw it. */
function seenBy(
  step: PlannedStep,
  inputs: Prepared,
  mounts: readonly Mount[],
): StepRecord['inputs'] {
  return [
    { name: '/', sha256: inputs.root.sha256 },
    { name: '/build', sha256: inputs.source.sha256 },
    ...mounts.map(({ at, tree }) => ({ name: at, sha256: tree.sha256 })),
    ...(step.npm
      ? inputs.npm.map(({ name, version, tarball }) => ({
          name: `npm:${name}@${version}`,
          sha256: tarball.sha256,
        }))
      : []),
  ]
}

/** The worker refuses to run commands when a probe got through; that is not left to it alone. */
function notContained({ id, probes }: StepReport): Problem[] {
  const none: Problem[] = [
    {
      code: 'BUILD_NOT_CONTAINED',
      where: `step ${id}`,
      expected: 'probes of the sandbox before the first command',
      found: 'none',
      fix: 'Run `sallyport doctor`, and report this',
    },
  ]
  if (probes.length === 0) return none
  return probes
    .filter(({ contained }) => !contained)
    .map(({ name, expected, found }) => ({
      code: 'BUILD_NOT_CONTAINED',
      where: `step ${id}: probe ${name}`,
      expected,
      found: quote(found),
      fix: 'Run `sallyport doctor` to see what this machine lacks; nothing is built without it',
    }))
}

function failureOf(step: PlannedStep, report: StepReport, log: string): Problem[] {
  if (report.outcome === 'succeeded') return []
  if (report.outcome === 'output-refused') {
    if (report.refused.length > 0) return [...report.refused]
    throw new SallyportError({
      code: 'BUILD_WORKER_REPORT',
      where: `step ${step.id}`,
      expected: 'the outputs that were refused',
      found: 'none',
      fix: 'Report this: the supervisor of the sandbox said something that cannot be',
    })
  }
  const last = report.commands.at(-1)
  return [
    {
      code: 'BUILD_STEP_FAILED',
      where: `step ${step.id}`,
      expected: `${quote((last?.argv ?? step.run[0] ?? []).join(' '))} to exit with 0`,
      found: foundOf(report),
      fix: fixOf(report, log),
    },
  ]
}

function foundOf({ outcome, commands, exhausted }: StepReport): string {
  const last = commands.at(-1)
  const how = last?.exitCode === undefined ? outcome : `exit code ${last.exitCode}`
  return exhausted.length === 0
    ? how
    : `${how}, after it had reached its limit of ${exhausted.join(', ')}`
}

function fixOf({ outcome, exhausted, network }: StepReport, log: string): string {
  if (outcome === 'cancelled') return 'Start the build again: it was stopped from outside'
  if (outcome === 'timed-out' || exhausted.includes('time'))
    return 'Raise "wall" in "limits" of the recipe, or make the step faster'
  if (outcome === 'out-of-memory' || exhausted.includes('memory'))
    return 'Raise "memory" in "limits" of the recipe, or make the step need less'
  if (exhausted.includes('disk') || exhausted.includes('inodes'))
    return 'Raise "disk" in "limits" of the recipe, or make the step write less'
  const [attempt] = network.attempts
  if (attempt !== undefined) {
    const target = attempt.name ?? `${attempt.address ?? ''}:${String(attempt.port ?? '')}`
    return `Lock what the step needs: it tried to reach ${quote(target)}, and a build has no network (its log: ${log})`
  }
  return `Read ${log}, the log of the step, and correct the source or the recipe`
}

function isInput(id: string, { planned }: Plan): boolean {
  return planned.sallyport_steps.some(({ inputs }) => inputs.includes(id))
}

function outputOf(
  output: Plan['planned']['sallyport_outputs'][number],
  steps: readonly StepRecord[],
): BuildOutput {
  const { step, path, name, mediaType } = output
  const made: StepOutput | undefined = steps
    .find(({ id }) => id === step)
    ?.outputs.find((candidate) => candidate.path === path && candidate.type === 'file')
  if (made === undefined) {
    throw new SallyportError({
      code: 'BUILD_OUTPUT',
      where: `output ${quote(path)}`,
      expected: `a file that step ${quote(step)} declares`,
      found: 'none',
      fix: 'Name an output file of the step in "outputs" of the recipe',
    })
  }
  const { sha256, sha512, size } = made
  return {
    name,
    step,
    path,
    sha256,
    sha512,
    size,
    ...(mediaType === undefined ? {} : { mediaType }),
  }
}
