import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { sandboxNamespaces } from './cell/bubblewrap.ts'
import type { CellProbe } from './cell/protocol.ts'
import { seccompProgram } from './cell/seccomp.ts'
import type { Architecture } from './cell/syscalls.ts'
import { outputFile, type CellRequest } from './cell-spec.ts'
import type { CellIdentity } from './identity.ts'
import type { LimitGroup } from './limits/control-group.ts'
import { versionOf } from './machine.ts'
import type { SessionOutcome } from './session.ts'
import type { CollectedOutput, SandboxReport, StepOutcome, StepReport } from './step.ts'
import type { Tools } from './tools.ts'

export interface ReportSources {
  readonly request: CellRequest
  readonly outcome: SessionOutcome
  readonly probes: readonly CellProbe[]
  readonly group: LimitGroup | undefined
  readonly identity: CellIdentity
  readonly architecture: Architecture
  readonly tools: Tools
  readonly startedAt: string
}

/** Puts together what the orchestrator saw and what the supervisor said. Removes places of refused outputs. */
export function makeReport(sources: ReportSources): StepReport {
  const { request, outcome, group } = sources
  const { result, commands, logBytes } = outcome
  const memoryKills = group?.memoryKills() ?? 0
  const refusedProcesses = group?.refusedProcesses() ?? 0
  const exhausted: StepReport['exhausted'] = [
    ...(memoryKills > 0 ? (['memory'] as const) : []),
    ...(refusedProcesses > 0 ? (['processes'] as const) : []),
    ...result.exhausted,
    ...(result.ended === 'timed-out' ? (['time'] as const) : []),
    ...(result.logTruncated ? (['log'] as const) : []),
  ]
  return {
    id: request.id,
    outcome: outcomeOf(outcome, memoryKills),
    commands: commands.map((command, index) => ({
      argv: request.commands[index] ?? [],
      ...command,
    })),
    environment: result.environment,
    log: { path: join(request.collect, 'log'), bytes: logBytes, truncated: result.logTruncated },
    outputs: collected(sources),
    refused: result.refused,
    undeclared: result.undeclared,
    exhausted,
    network: { mode: 'recorded', attempts: result.attempts, truncated: result.attemptsTruncated },
    probes: sources.probes,
    sandbox: sandboxOf(sources),
    startedAt: sources.startedAt,
    finishedAt: new Date().toISOString(),
  }
}

// A build that lost a process to the kernel's memory killer did not do what its commands say, even if they returned 0.
function outcomeOf({ result }: SessionOutcome, memoryKills: number): StepOutcome {
  if (result.ended === 'timed-out' || result.ended === 'cancelled') return result.ended
  if (memoryKills > 0) return 'out-of-memory'
  if (result.ended === 'failed') return 'failed'
  return result.outputs.every((answer) => answer === 'accepted') ? 'succeeded' : 'output-refused'
}

function collected({ request, outcome }: ReportSources): CollectedOutput[] {
  return request.outputs.flatMap((output, index) => {
    const file = outputFile(request.collect, output, index)
    if (outcome.result.outputs[index] === 'accepted') return [{ ...output, file }]
    rmSync(file, { force: true })
    return []
  })
}

function sandboxOf({ architecture, identity, group, tools }: ReportSources): SandboxReport {
  return {
    backend: 'bubblewrap',
    version: versionOf(tools.bwrap),
    seccomp: {
      sha256: createHash('sha256').update(seccompProgram(architecture)).digest('hex'),
      architecture,
    },
    uid: identity.kernelUid,
    limits: group?.kind ?? 'rlimit',
    namespaces: [...sandboxNamespaces, 'net'].sort(),
    rootless: identity.rootless,
  }
}
