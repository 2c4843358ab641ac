import { join } from 'node:path'

import type { CanaryTargets, CellLimits, CellSpec } from './cell/protocol.ts'
import type { Architecture } from './cell/syscalls.ts'
import type { DescriptorTable } from './descriptor-table.ts'
import type { CellIdentity } from './identity.ts'
import type { Weakening } from './run-cell.ts'
import type { OutputSpec, StepSpec } from './step.ts'
import type { Tools } from './tools.ts'

/** Like a step; `root` and `source` may be missing where there is no command to run. */
export type CellRequest = Omit<StepSpec, 'root' | 'source'> &
  Partial<Pick<StepSpec, 'root' | 'source'>>

export interface CellSpecOptions {
  readonly request: CellRequest
  readonly architecture: Architecture
  readonly tools: Tools
  readonly identity: CellIdentity
  readonly folder: string
  /** Filled with everything that the cell needs open. */
  readonly descriptors: DescriptorTable
  readonly canaries: CanaryTargets
  /** Set when no control group bounds the commands. */
  readonly perProcess?: CellLimits['perProcess']
  readonly weakening: Weakening
}

/** What the supervisor is told. Paths of the host become descriptors. */
export function makeCellSpec(options: CellSpecOptions): CellSpec {
  const { request, descriptors, weakening } = options
  // The first descriptor: the cell is started from it.
  const nodeFd = descriptors.forReading(process.execPath)
  return {
    architecture: options.architecture,
    folder: options.folder,
    tools: options.tools,
    nodeFd,
    payloadUid: weakening.without.includes('unprivileged-cell') ? 0 : options.identity.payloadUid,
    commands: request.commands,
    cwd: request.cwd,
    env: request.env,
    ...blobs(request, descriptors),
    outputs: request.outputs.map((output, index) => ({
      ...output,
      fd: descriptors.forWriting(outputFile(request.collect, output, index)),
    })),
    limits: {
      ...request.limits,
      ...(options.perProcess === undefined ? {} : { perProcess: options.perProcess }),
    },
    canaries: options.canaries,
    ...weakening,
  }
}

/** Where an accepted output is put. The name is ours, not the build's. */
export function outputFile(collect: string, { type }: OutputSpec, index: number): string {
  return join(collect, `output-${index}${type === 'directory' ? '.tar' : ''}`)
}

function blobs(
  { root, source, mounts, npmRegistry }: CellRequest,
  descriptors: DescriptorTable,
): Pick<CellSpec, 'root' | 'source' | 'mounts' | 'npmRegistry'> {
  return {
    ...(root === undefined ? {} : { root: descriptors.blob('the root', root) }),
    ...(source === undefined ? {} : { source: descriptors.blob('the source', source) }),
    mounts: mounts.map(({ at, tree }) => ({ at, tree: descriptors.blob(at, tree) })),
    ...(npmRegistry === undefined
      ? {}
      : {
          npmRegistry: npmRegistry.map(({ name, version, integrity, manifest, tarball }) => ({
            name,
            version,
            integrity,
            manifest,
            tarball: descriptors.blob(`${name}@${version}`, tarball),
          })),
        }),
  }
}
