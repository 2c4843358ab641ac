import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { SallyportError, type Problem, type ProblemCode } from '#error'
import type { StepReport, StepSpec } from '#worker'

import type { Defence } from '../../src/worker/cell/defence.ts'
import { SyscallProgram } from '../../src/worker/cell/syscall-program.ts'
import { architectureOrThrow } from '../../src/worker/machine.ts'
import { checkSpec } from '../../src/worker/check-spec.ts'
import { runCell, type Weakening } from '../../src/worker/run-cell.ts'
import { smallRoot, tarOf, temporary, type TarFile } from './small-root.ts'

export const isRoot = process.getuid?.() === 0

/** How a run of an attack went. */
export interface AttackRun {
  /** Absent when the worker refused to run the step, or to go on. */
  readonly report?: StepReport
  readonly problems: readonly Problem[]
  readonly log: string
  readonly output: Buffer
  /** The content of an accepted output. */
  readonly collected: (index?: number) => Buffer | undefined
}

type Outcome = NonNullable<ReturnType<SyscallProgram['outcome']>>

export interface Attack {
  /** Taken away together, these let the attack through. */
  readonly without: readonly Defence[]
  /** What dash runs; prints BREACH when it got what it wanted, unless `worked` knows better. */
  readonly script?: string
  /** What a program of system calls does; returns how to read whether it worked. */
  readonly calls?: (program: SyscallProgram) => (outcome: Outcome) => boolean
  readonly worked?: (run: AttackRun) => boolean
  readonly secretEnvironmentUnsafe?: Readonly<Record<string, string>>
  readonly spec?: Partial<StepSpec>
  readonly files?: Readonly<Record<string, TarFile>>
  /** Starts something beside the step, before it; returns how to end that. */
  readonly beside?: (without: readonly Defence[]) => Promise<() => Promise<unknown>>
  /** While the step runs. */
  readonly meanwhile?: (run: Promise<AttackRun>) => Promise<void>
  /** More that must hold of the contained run. */
  readonly contained?: (run: AttackRun) => void
  /** The worker refuses to begin, with this code. Otherwise the contained run must have come to an end. */
  readonly refusedAs?: ProblemCode
  /** Why the kernel of some machines refuses even without the defence. */
  readonly mayBeImpossible?: string
}

/** A folder of the host for one attack, removed afterwards, and what to undo. */
export interface Place {
  readonly folder: string
  readonly after: (undo: () => void) => void
}

/**
 * Proves two things: the attack is contained, and it works when its defence is taken away. `needs: 'root'` marks what
 * can only be shown by a root that gives its privilege away.
 */
export function attack(
  name: string,
  make: (place: Place) => Attack | Promise<Attack>,
  options: { readonly needs?: 'root' } = {},
): void {
  const skip =
    options.needs === 'root' && !isRoot ? 'only root can give its own privilege away' : false
  test(name, { skip }, async (t) => {
    const place = placeFor(t)
    const tried = await make(place)
    const contained = await run(tried)
    const began = tried.refusedAs ?? contained.report?.id
    assert.equal(contained.report?.id ?? contained.problems[0]?.code, began, describe(contained))
    assert.equal(worked(tried, contained), false, `not contained: ${describe(contained)}`)
    tried.contained?.(contained)
    const open = await run(tried, tried.without)
    if (worked(tried, open)) return
    if (tried.mayBeImpossible === undefined)
      assert.fail(`does not work without ${tried.without.join(', ')}: ${describe(open)}`)
    t.diagnostic(`not demonstrable on this machine: ${tried.mayBeImpossible}`)
  })
}

export function placeFor(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-host-'))
  chmodSync(folder, 0o755)
  const undo: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })]
  t.after(() => undo.toReversed().forEach((step) => step()))
  return { folder, after: (step) => undo.push(step) }
}

export const limits: StepSpec['limits'] = {
  memoryBytes: 256 << 20,
  processes: 64,
  diskBytes: 32 << 20,
  inodes: 1000,
  wallSeconds: 30,
  outputBytes: 1 << 20,
  logBytes: 1 << 20,
}

/** Runs an attack once; without `without` it goes the way of every step. */
export async function run(tried: Attack, without: readonly Defence[] = []): Promise<AttackRun> {
  const program = new SyscallProgram(architectureOrThrow())
  const judge = tried.calls?.(program)
  const endOther = await tried.beside?.(without)
  const ran = runSpec(specOf(tried, judge === undefined ? undefined : program), {
    without,
    ...(tried.secretEnvironmentUnsafe !== undefined && without.includes('empty-environment')
      ? { secretEnvironmentUnsafe: tried.secretEnvironmentUnsafe }
      : {}),
  })
  await tried.meanwhile?.(ran)
  const result = await ran
  await endOther?.()
  if (judge === undefined) return result
  const log = outcomesOf(program, result.output).some(judge) ? 'BREACH' : 'contained'
  return { ...result, log }
}

// A program that made a copy of itself writes twice.
function outcomesOf(program: SyscallProgram, output: Buffer): Outcome[] {
  const size = program.outcomeSize
  const dumps = Array.from({ length: Math.floor(output.length / size) }, (_, index) =>
    program.outcome(output.subarray(index * size, (index + 1) * size)),
  )
  return dumps.filter((outcome) => outcome !== undefined)
}

function specOf(tried: Attack, program: SyscallProgram | undefined): Omit<StepSpec, 'collect'> {
  const files = {
    README: { content: 'source\n' },
    ...tried.files,
    ...(program === undefined ? {} : { attack: { content: program.elf(), executable: true } }),
  }
  return {
    id: 'attack',
    commands: [program === undefined ? ['sh', '-c', tried.script ?? 'true'] : ['/build/attack']],
    cwd: '/build',
    env: { SOURCE_DATE_EPOCH: '1700000000' },
    root: smallRoot(),
    source: tarOf(files),
    mounts: [],
    outputs: [],
    limits,
    ...tried.spec,
  }
}

/** Runs a step and keeps what came of it, also when the worker refused. */
export async function runSpec(
  spec: Omit<StepSpec, 'collect'>,
  weakening: Weakening = { without: [] },
  options: { readonly onOutput?: () => void; readonly signal?: AbortSignal } = {},
): Promise<AttackRun> {
  const collect = mkdtempSync(join(temporary, 'sallyport-collect-'))
  const chunks: Buffer[] = []
  const whole = { ...spec, collect }
  const files = new Map<string, Buffer>()
  const result = (problems: readonly Problem[], report?: StepReport): AttackRun => ({
    ...(report === undefined ? {} : { report }),
    problems,
    output: Buffer.concat(chunks),
    log: Buffer.concat(chunks).toString('latin1'),
    collected: (index = 0) => files.get(report?.outputs[index]?.file ?? ''),
  })
  try {
    checkSpec(whole)
    const onOutput = (chunk: Uint8Array): void => {
      chunks.push(Buffer.from(chunk))
      options.onOutput?.()
    }
    const report = await runCell(whole, { ...options, onOutput }, weakening)
    for (const { file } of report.outputs) files.set(file, readFileSync(file))
    return result(report.refused, report)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return result(error.problems)
  } finally {
    rmSync(collect, { recursive: true, force: true })
  }
}

function worked(tried: Attack, ran: AttackRun): boolean {
  return tried.worked === undefined ? ran.log.includes('BREACH') : tried.worked(ran)
}

function describe({ report, problems, log }: AttackRun): string {
  return JSON.stringify({
    outcome: report?.outcome,
    exhausted: report?.exhausted,
    problems,
    log: log.slice(0, 2000),
  })
}
