import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { SallyportError } from '#error'

import { placeCanaries, type Canaries } from './canaries.ts'
import type { Defence } from './cell/defence.ts'
import type { CellProbe } from './cell/protocol.ts'
import type { Architecture } from './cell/syscalls.ts'
import { makeCellSpec, outputFile, type CellRequest } from './cell-spec.ts'
import { DescriptorTable } from './descriptor-table.ts'
import { findDescendant } from './host-process.ts'
import { newIdentity, type CellIdentity } from './identity.ts'
import { architectureOrThrow, toolsOrThrow } from './machine.ts'
import { lookFromOutside, outsideProbes, uncontained, type OutsideView } from './outside-probes.ts'
import { makeReport } from './report.ts'
import { launchCell, type LaunchedCell } from './launch.ts'
import { currentView, makeLimitGroup, type LimitGroup } from './limits/control-group.ts'
import { Session, type SessionOutcome } from './session.ts'
import { makeStaging, type Staging } from './staging.ts'
import type { RunStepOptions, StepReport } from './step.ts'
import type { Tools } from './tools.ts'
import { userNamespaceProblem } from './user-namespaces.ts'

/** What a test takes away from the isolation. There is no other way to do that. */
export interface Weakening {
  readonly without: readonly Defence[]
  readonly secretEnvironmentUnsafe?: Readonly<Record<string, string>>
}

/** Runs one step in a cell of its own. Everything that was made for it is gone when this settles. */
export async function runCell(
  request: CellRequest,
  options: RunStepOptions = {},
  weakenedUnsafe: Weakening = { without: [] },
): Promise<StepReport> {
  const run = new CellRun(request, options, weakenedUnsafe)
  try {
    return await run.run()
  } catch (error) {
    run.forgetOutputs()
    throw run.diagnose(error)
  } finally {
    await run.end()
  }
}

class CellRun {
  readonly #request: CellRequest
  readonly #options: RunStepOptions
  readonly #weakening: Weakening
  readonly #startedAt = new Date().toISOString()
  readonly #descriptors = new DescriptorTable()
  readonly #tools: Tools
  readonly #architecture: Architecture
  readonly #identity: CellIdentity
  readonly #staging: Staging
  #group: LimitGroup | undefined
  #canaries: Canaries | undefined
  #cell: LaunchedCell | undefined
  #outside: OutsideView | undefined
  #probes: readonly CellProbe[] = []

  constructor(request: CellRequest, options: RunStepOptions, weakening: Weakening) {
    this.#request = request
    this.#options = options
    this.#weakening = weakening
    this.#tools = toolsOrThrow()
    this.#architecture = architectureOrThrow()
    this.#identity = newIdentity()
    this.#staging = makeStaging(this.#identity)
  }

  async run(): Promise<StepReport> {
    this.#canaries = await placeCanaries(this.#staging.base)
    const name = `sallyport-step-${process.pid}-${randomBytes(8).toString('hex')}`
    this.#group = makeLimitGroup(name, this.#bounds(), currentView())
    const spec = makeCellSpec({
      request: this.#request,
      architecture: this.#architecture,
      tools: this.#tools,
      identity: this.#identity,
      folder: this.#staging.folder,
      descriptors: this.#descriptors,
      canaries: this.#canaries.targets,
      ...(this.#group === undefined ? { perProcess: this.#bounds() } : {}),
      weakening: this.#weakening,
    })
    this.#cell = this.#launch()
    const { onOutput, signal } = this.#options
    const outcome = await new Session({
      cell: this.#cell,
      spec,
      logFile: join(this.#request.collect, 'log'),
      ...(onOutput === undefined ? {} : { onOutput }),
      ...(signal === undefined ? {} : { signal }),
      place: (pid) => this.#place(pid),
      judge: (probes) => this.#judge(probes),
    }).run()
    return this.#report(outcome)
  }

  /** Names what the machine forbids, where that is why there was no sandbox. */
  diagnose(error: unknown): unknown {
    if (!(error instanceof SallyportError)) return error
    if (error.code !== 'WORKER_LOST' && error.code !== 'WORKER_SANDBOX_FAILED') return error
    const problem = userNamespaceProblem(this.#tools, this.#identity)
    return problem === undefined
      ? error
      : new SallyportError(problem, { cause: error, also: error.problems })
  }

  forgetOutputs(): void {
    const { outputs, collect } = this.#request
    outputs.forEach((output, index) => rmSync(outputFile(collect, output, index), { force: true }))
  }

  /** Takes away all that was made. */
  async end(): Promise<void> {
    if (this.#cell !== undefined) {
      this.#cell.input.end()
      const impatient = setTimeout(() => this.#cell?.kill(), 2000)
      await this.#cell.ended
      clearTimeout(impatient)
    }
    this.#canaries?.close()
    this.#descriptors.close()
    this.#group?.remove()
    this.#staging.remove()
  }

  #launch(): LaunchedCell {
    return launchCell({
      tools: this.#tools,
      identity: this.#identity,
      staging: this.#staging,
      groups: this.#group?.folders ?? [],
      descriptors: this.#descriptors.descriptors,
      without: new Set(this.#weakening.without),
    })
  }

  #bounds(): { memoryBytes: number; processes: number } {
    const { memoryBytes, processes } = this.#request.limits
    const without = new Set(this.#weakening.without)
    return {
      memoryBytes: without.has('memory-limit') ? 2 ** 40 : memoryBytes,
      processes: without.has('process-limit') ? 1 << 20 : processes,
    }
  }

  #place(pidInCell: number): boolean {
    const supervisor = this.#cell?.supervisor()
    const pid = supervisor === undefined ? undefined : findDescendant(supervisor, pidInCell)
    if (pid === undefined) return false
    this.#outside ??= lookFromOutside(pid)
    try {
      this.#group?.add(pid)
      return true
    } catch (cause) {
      // Bubblewrap gave up in the meantime, and says why.
      if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return false
      throw notPlaced(cause)
    }
  }

  #judge(inside: readonly CellProbe[]): void {
    const reached = this.#canaries?.reached() ?? []
    this.#probes = [...inside, ...outsideProbes(this.#outside, this.#identity, reached)]
    if (this.#weakening.without.length === 0) SallyportError.throwAll(uncontained(this.#probes))
  }

  #report(outcome: SessionOutcome): StepReport {
    return makeReport({
      request: this.#request,
      outcome,
      probes: this.#probes,
      group: this.#group,
      identity: this.#identity,
      architecture: this.#architecture,
      tools: this.#tools,
      startedAt: this.#startedAt,
    })
  }
}

function notPlaced(cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'WORKER_LIMITS',
      expected: 'every command under the limits of its step before it runs',
      found: cause instanceof Error ? cause.message : String(cause),
      fix: 'Run `sallyport doctor` and read what it says about control groups.',
    },
    { cause },
  )
}
