import type { JsonObject } from '#document'
import type { NetworkReport, ProbeResult, SandboxReport, StepOutcome } from '#worker'
import type { Problem } from '#error'

/** A declared output of a step, hashed by the orchestrator. A folder is the deterministic tar of it. */
export interface StepOutput {
  readonly path: string
  readonly type: 'file' | 'directory'
  readonly sha256: string
  readonly sha512: string
  readonly size: number
}

/** What was observed of one step, by the orchestrator and the supervisor of its sandbox; nothing of it is the step's word. */
export interface StepRecord {
  readonly id: string
  /** Unique to this run: the sandbox existed once. */
  readonly instance: string
  readonly outcome: StepOutcome
  readonly startedAt: string
  readonly finishedAt: string
  readonly commands: readonly {
    readonly argv: readonly string[]
    readonly exitCode?: number
    readonly signal?: string
    readonly durationMs: number
  }[]
  /** Everything the commands were started with. */
  readonly environment: Readonly<Record<string, string>>
  /** By the place in the sandbox where it was seen. */
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[]
  readonly outputs: readonly StepOutput[]
  readonly log: { readonly sha256: string; readonly size: number; readonly truncated: boolean }
  readonly network: NetworkReport
  readonly probes: readonly ProbeResult[]
  readonly sandbox: SandboxReport
  readonly undeclared: readonly string[]
  readonly exhausted: readonly string[]
}

/** A file that the build was for. */
export interface BuildOutput {
  readonly name: string
  readonly step: string
  readonly path: string
  readonly mediaType?: string
  readonly sha256: string
  readonly sha512: string
  readonly size: number
}

/** What became of a definition. A build that failed has problems and no outputs. */
export type Execution =
  | {
      readonly kind: 'succeeded'
      readonly steps: readonly StepRecord[]
      readonly outputs: readonly BuildOutput[]
      readonly platform: { readonly kernel: string }
    }
  | {
      readonly kind: 'failed'
      readonly steps: readonly StepRecord[]
      readonly problems: readonly [Problem, ...Problem[]]
    }

/** A step's record as JSON: the form whose digest the provenance names. */
export function stepJson(step: StepRecord): JsonObject {
  return JSON.parse(JSON.stringify(step)) as JsonObject
}
