import type { JsonObject } from '#document'
import type { Problem } from '#error'

/** Verified content on the host. The worker hashes it again while it unpacks it, and uses only what it hashed. */
export interface Blob {
  /** Host path of a regular file. */
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
  readonly size: number
}

/** A read-only tree inside the sandbox, such as `/tool/node` or `/in/<step id>`. */
export interface Mount {
  /** Absolute path, outside `/build`, `/proc`, `/dev`, `/tmp` and `/home`. */
  readonly at: string
  /** An uncompressed tar. */
  readonly tree: Blob
}

/** One version of one npm package, as the registry inside the sandbox serves it. */
export interface NpmPackage {
  readonly name: string
  readonly version: string
  /** Subresource integrity of the tarball, `sha512-…`. */
  readonly integrity: string
  readonly tarball: Blob
  /** What the packument says of this version (dependencies, bin, engines …); `dist` is written by the worker. */
  readonly manifest: JsonObject
}

/** A file or directory that the step promises to leave. */
export interface OutputSpec {
  /** Relative to `/build`. */
  readonly path: string
  readonly type: 'file' | 'directory'
}

export interface Limits {
  /** Of all processes together, what they write to the scratch included (it is memory too). */
  readonly memoryBytes: number
  /** Processes and threads together. */
  readonly processes: number
  /** Size of the scratch: source, `/build`, `/tmp`, `/home` and `/dev/shm` together. */
  readonly diskBytes: number
  readonly inodes: number
  /** All commands together. */
  readonly wallSeconds: number
  /** All declared outputs together. */
  readonly outputBytes: number
  readonly logBytes: number
}

/** Everything a step may see. What is not here does not exist in the sandbox. */
export interface StepSpec {
  readonly id: string
  /** Argument vectors, run in order over one scratch, each in namespaces of its own; the first failure ends the step. */
  readonly commands: readonly (readonly string[])[]
  /** Absolute, `/build` or below it. */
  readonly cwd: string
  /** Added to the fixed environment; the result is `StepReport.environment`. */
  readonly env: Readonly<Record<string, string>>
  /** An uncompressed tar, unpacked at `/`, read-only. */
  readonly root: Blob
  /** An uncompressed tar, unpacked at `/build`, writable. */
  readonly source: Blob
  readonly mounts: readonly Mount[]
  readonly npmRegistry?: readonly NpmPackage[]
  readonly outputs: readonly OutputSpec[]
  readonly limits: Limits
  /** An empty host folder of the caller, where the log and the accepted outputs are put. */
  readonly collect: string
}

/**
 * `succeeded`: every command returned 0 and every declared output was accepted. `output-refused`: the commands
 * returned 0, but a declared output is missing or unacceptable. The rest say which end the commands came to.
 */
export type StepOutcome =
  'succeeded' | 'failed' | 'timed-out' | 'out-of-memory' | 'output-refused' | 'cancelled'

export interface CommandReport {
  readonly argv: readonly string[]
  /** As a shell would report it: 128 + n for a process that signal n ended. Absent when the worker ended it. */
  readonly exitCode?: number
  /** Set when the worker ended it (time, memory, cancellation). */
  readonly signal?: string
  readonly durationMs: number
}

/** An accepted output. Nothing is said about its content: the caller hashes the file. */
export interface CollectedOutput {
  readonly path: string
  readonly type: 'file' | 'directory'
  /** Host path below `collect`: the file, or a deterministic tar of the directory. */
  readonly file: string
}

/** A destination that the step tried to reach. Nothing is reachable: each of these failed. */
export interface NetworkAttempt {
  readonly protocol: 'tcp' | 'udp' | 'dns' | 'other'
  readonly address?: string
  readonly port?: number
  /** DNS: the name that was asked for. */
  readonly name?: string
  /** TCP: connections; UDP and other: packets; DNS: queries. */
  readonly count: number
}

export interface NetworkReport {
  readonly mode: 'recorded'
  /** Sorted; not those to the loopback addresses. */
  readonly attempts: readonly NetworkAttempt[]
  /** There were more than could be listed. */
  readonly truncated: boolean
}

/** One measured fact about the isolation, taken in a sandbox like that of the commands, before they ran. */
export interface ProbeResult {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly contained: boolean
}

export interface SandboxReport {
  readonly backend: 'bubblewrap'
  /** Of bubblewrap. */
  readonly version: string
  readonly seccomp: { readonly sha256: string; readonly architecture: 'x86_64' | 'aarch64' }
  /** The kernel's uid of the commands (inside they are 1000). */
  readonly uid: number
  readonly limits: 'cgroup-v1' | 'cgroup-v2' | 'rlimit'
  readonly namespaces: readonly string[]
  readonly rootless: boolean
}

export interface StepReport {
  readonly id: string
  readonly outcome: StepOutcome
  /** In order; the commands after a failure are absent. */
  readonly commands: readonly CommandReport[]
  /** What the commands were started with, all of it. */
  readonly environment: Readonly<Record<string, string>>
  /** What the commands wrote, in one file. */
  readonly log: { readonly path: string; readonly bytes: number; readonly truncated: boolean }
  readonly outputs: readonly CollectedOutput[]
  readonly refused: readonly Problem[]
  /** New files beside the declared outputs (at most 100), which nobody asked for. */
  readonly undeclared: readonly string[]
  /** Limits that were reached, whether or not a command failed of it. */
  readonly exhausted: readonly ('memory' | 'processes' | 'disk' | 'inodes' | 'time' | 'log')[]
  readonly network: NetworkReport
  readonly probes: readonly ProbeResult[]
  readonly sandbox: SandboxReport
  readonly startedAt: string
  readonly finishedAt: string
}

export interface RunStepOptions {
  /** Receives what the commands write while they write it, bounded by `limits.logBytes`. */
  readonly onOutput?: (chunk: Uint8Array) => void
  /** Ends the step: everything is killed and the outcome is `cancelled`. */
  readonly signal?: AbortSignal
}

/**
 * Runs one step in a sandbox of its own. Rejects with a `SallyportError` when the step could not be run as promised
 * (`WORKER_…`): a machine that cannot isolate, a blob that is not what it was said to be, a probe that was not
 * contained. A build that fails is not an error: it is a report. Nothing of the step is left when this settles,
 * except the files under `collect`.
 */
export type RunStep = (spec: StepSpec, options?: RunStepOptions) => Promise<StepReport>
