import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunStep, StepReport, StepSpec } from '#worker'

/**
 * A worker that runs nothing: a function writes what the step "made", and the report can be changed into whatever a broken
 * supervisor would say. It checks its inputs as the real one does.
 */
export function pretendWorker(
  make: (spec: StepSpec) => Readonly<Record<string, string>>,
  change: (report: StepReport, spec: StepSpec) => StepReport = (report) => report,
): { readonly runStep: RunStep; readonly specs: StepSpec[] } {
  const specs: StepSpec[] = []
  const runStep: RunStep = (spec) => {
    specs.push(spec)
    const blobs = [spec.root, spec.source, ...spec.mounts.map(({ tree }) => tree)]
    for (const { path, sha256 } of [
      ...blobs,
      ...(spec.npmRegistry ?? []).map((one) => one.tarball),
    ]) {
      if (createHash('sha256').update(readFileSync(path)).digest('hex') !== sha256)
        throw new Error(`${path} is not ${sha256}`)
    }
    const made = make(spec)
    const outputs = spec.outputs.map(({ path, type }, index) => {
      const file = join(spec.collect, `output-${index}`)
      writeFileSync(file, made[path] ?? '')
      return { path, type, file }
    })
    const log = join(spec.collect, 'log')
    writeFileSync(log, `the log of ${spec.id}\n`)
    return Promise.resolve(change(reportOf(spec, outputs, log), spec))
  }
  return { runStep, specs }
}

function reportOf(spec: StepSpec, outputs: StepReport['outputs'], log: string): StepReport {
  return {
    id: spec.id,
    outcome: 'succeeded',
    commands: spec.commands.map((argv) => ({ argv, exitCode: 0, durationMs: 1 })),
    environment: { HOME: '/home/build', ...spec.env },
    log: { path: log, bytes: 0, truncated: false },
    outputs,
    refused: [],
    undeclared: [],
    exhausted: [],
    network: { mode: 'recorded', attempts: [], truncated: false },
    probes: [{ name: 'pretended', expected: 'x', found: 'x', contained: true }],
    sandbox: {
      backend: 'bubblewrap',
      version: '0.0.0',
      seccomp: { sha256: '0'.repeat(64), architecture: 'x86_64' },
      uid: 1000,
      limits: 'rlimit',
      namespaces: [],
      rootless: true,
    },
    startedAt: '2026-11-20T10:00:00Z',
    finishedAt: '2026-11-20T10:00:01Z',
  }
}
