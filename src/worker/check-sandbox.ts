import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'

import { SallyportError, type Problem } from '#error'

import { newIdentity } from './identity.ts'
import { currentView, makeLimitGroup } from './limits/control-group.ts'
import { versionOf } from './machine.ts'
import { runCell } from './run-cell.ts'
import type { ProbeResult, SandboxReport } from './step.ts'
import { findTools } from './tools.ts'
import { userNamespaceSettings } from './user-namespaces.ts'

/** What this machine has to isolate a build with. Nothing is tried. */
export interface SandboxFacts {
  readonly kernel: string
  readonly architecture: string
  /** Program -> path, of those that are there. */
  readonly programs: Readonly<Record<string, string>>
  readonly bubblewrap?: string
  /** The commands would share the uid of the caller. */
  readonly rootless: boolean
  readonly limits: SandboxReport['limits']
  /** Settings of the kernel that decide about user namespaces. */
  readonly settings: Readonly<Record<string, string>>
}

/** What came of trying the whole sandbox, without any command in it. */
export interface SandboxCheck {
  /** Empty when builds can be isolated here. */
  readonly problems: readonly Problem[]
  readonly probes: readonly ProbeResult[]
  readonly sandbox?: SandboxReport
}

const limits = {
  memoryBytes: 64 << 20,
  processes: 16,
  diskBytes: 4 << 20,
  inodes: 256,
  wallSeconds: 30,
  outputBytes: 0,
  logBytes: 0,
}

/** For `sallyport doctor`: the parts of the sandbox on this machine. */
export function sandboxFacts(): SandboxFacts {
  const found = findTools()
  const programs = 'tools' in found ? { ...found.tools } : found.present
  const name = `sallyport-step-${process.pid}-${randomBytes(8).toString('hex')}`
  const group = makeLimitGroup(name, limits, currentView())
  group?.remove()
  return {
    kernel: release(),
    architecture: process.arch,
    programs,
    ...(programs.bwrap === undefined ? {} : { bubblewrap: versionOf(programs.bwrap) }),
    rootless: newIdentity().rootless,
    limits: group?.kind ?? 'rlimit',
    settings: userNamespaceSettings(),
  }
}

/** For `sallyport doctor`: makes a sandbox exactly like that of a step, and measures it. */
export async function checkSandbox(): Promise<SandboxCheck> {
  const collect = mkdtempSync(join(tmpdir(), 'sallyport-check-'))
  try {
    const empty = { commands: [], cwd: '/build', env: {}, mounts: [], outputs: [] }
    const { probes, sandbox } = await runCell({ id: 'check', ...empty, limits, collect })
    return { problems: [], probes, sandbox }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { problems: error.problems, probes: [] }
  } finally {
    rmSync(collect, { recursive: true, force: true })
  }
}
