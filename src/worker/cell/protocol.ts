import type { Problem } from '#error'

import type { Defence } from './defence.ts'
import type { ServedPackage } from './npm-registry.ts'
import type { Architecture } from './syscalls.ts'
import type { OpenBlob } from './unpack.ts'

// What the orchestrator and the supervisor say to each other: one JSON document per line, over pipes. Files are never
// named between them: blobs and places for outputs are descriptors that the orchestrator opened.

export interface CellTools {
  readonly bwrap: string
  readonly ip: string
  readonly nft: string
  readonly mount: string
  readonly sh: string
  readonly mkfifo: string
  readonly setpriv: string
  readonly prlimit: string
}

/** Things of the host that a sandbox must not reach, put there to be looked for. */
export interface CanaryTargets {
  readonly keyFile: string
  readonly npmrc: string
  readonly unixSocket: string
  readonly abstractSocket: string
  readonly port: number
  readonly pid: number
}

export interface CellLimits {
  readonly diskBytes: number
  readonly inodes: number
  readonly wallSeconds: number
  readonly outputBytes: number
  readonly logBytes: number
  /** Set when no control group bounds the commands. */
  readonly perProcess?: { readonly memoryBytes: number; readonly processes: number }
}

export interface CellOutput {
  readonly path: string
  readonly type: 'file' | 'directory'
  /** An empty file of the caller, open for writing. */
  readonly fd: number
}

/** The first line that the supervisor reads. */
export interface CellSpec {
  readonly architecture: Architecture
  /** An empty folder; the scratch is mounted over it. */
  readonly folder: string
  readonly tools: CellTools
  /** The node binary, for the services. */
  readonly nodeFd: number
  /** The uid of the commands, as the cell counts: 1000 when it has one of its own, else the cell's only one, 0. */
  readonly payloadUid: number
  readonly commands: readonly (readonly string[])[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly root?: OpenBlob
  readonly source?: OpenBlob
  readonly mounts: readonly { readonly at: string; readonly tree: OpenBlob }[]
  readonly npmRegistry?: readonly ServedPackage[]
  readonly outputs: readonly CellOutput[]
  readonly limits: CellLimits
  readonly canaries: CanaryTargets
  readonly without: readonly Defence[]
  readonly secretEnvironmentUnsafe?: Readonly<Record<string, string>>
}

/**
 * The lines after it. `go-on` answers `place` (the process is where its limits are) and `probes` (they are contained);
 * `gone` answers `place` when there is no such process any more: then nothing must be let go on.
 * When the pipe ends, the supervisor ends, and the kernel ends everything else in the cell.
 */
export type ToCell =
  { readonly type: 'go-on' } | { readonly type: 'gone' } | { readonly type: 'cancel' }

export interface CellProbe {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly contained: boolean
}

export interface CellAttempt {
  readonly protocol: 'tcp' | 'udp' | 'dns' | 'other'
  readonly address?: string
  readonly port?: number
  readonly name?: string
  readonly count: number
}

export interface CellResult {
  readonly ended: 'done' | 'failed' | 'timed-out' | 'cancelled'
  readonly environment: Readonly<Record<string, string>>
  readonly logTruncated: boolean
  readonly exhausted: readonly ('disk' | 'inodes')[]
  readonly attempts: readonly CellAttempt[]
  readonly attemptsTruncated: boolean
  /** One for each declared output, in that order. */
  readonly outputs: readonly ('accepted' | 'refused')[]
  readonly refused: readonly Problem[]
  readonly undeclared: readonly string[]
}

export interface CellCommand {
  readonly exitCode?: number
  readonly signal?: string
  readonly durationMs: number
}

/** What the supervisor says. `place` and `probes` wait for `go-on`. */
export type FromCell =
  | { readonly type: 'place'; readonly pid: number }
  | { readonly type: 'probes'; readonly probes: readonly CellProbe[] }
  | { readonly type: 'log'; readonly data: string }
  | { readonly type: 'command'; readonly command: CellCommand }
  | { readonly type: 'result'; readonly result: CellResult }
  | { readonly type: 'failure'; readonly problems: readonly Problem[] }
