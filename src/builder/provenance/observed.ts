import type { Json, JsonObject } from '#document'
import { quote, SallyportError } from '#error'
import type { StepRecord } from '../execute/records.ts'

const maxDetails = 200

/**
 * What was observed while the steps ran, as `internalParameters` has it beside what was planned. Its writers are the
 * supervisors of the sandboxes and this machine; no field holds a word of a step.
 */
export function observedParameters(
  steps: readonly StepRecord[],
  platform: { readonly kernel: string },
): { readonly sandbox: JsonObject; readonly platform: JsonObject; readonly top: JsonObject } {
  return {
    sandbox: sandboxOf(steps),
    platform: { kernel: platform.kernel },
    top: {
      sallyport_environment: Object.fromEntries(
        steps.map(({ id, environment }) => [id, { ...environment }]),
      ),
      sallyport_network: networkOf(steps),
      sallyport_probes: probesOf(steps),
    },
  }
}

function sandboxOf(steps: readonly StepRecord[]): JsonObject {
  const seen = steps.map(({ sandbox }): JsonObject => {
    const { backend, version, seccomp, limits, namespaces, rootless } = sandbox
    return { backend, version, seccomp: { ...seccomp }, limits, namespaces, rootless }
  })
  const [first = {}, ...rest] = seen
  if (rest.every((other) => JSON.stringify(other) === JSON.stringify(first))) return first
  throw new SallyportError({
    code: 'BUILD_WORKER_REPORT',
    where: 'the sandboxes of the steps',
    expected: `one kind of sandbox for all steps: ${quote(first)}`,
    found: quote(rest),
    fix: 'Run the build again; something about this machine changed while it ran',
  })
}

function networkOf(steps: readonly StepRecord[]): JsonObject {
  const all = steps.flatMap(({ id, network }) =>
    network.attempts.map((attempt) => ({ step: id, ...attempt })),
  )
  return {
    mode: 'recorded',
    attempts: all.reduce((sum, { count }) => sum + count, 0),
    details: all.slice(0, maxDetails).map((attempt): Json => ({ ...attempt })),
    truncated: all.length > maxDetails || steps.some(({ network }) => network.truncated),
  }
}

function probesOf(steps: readonly StepRecord[]): JsonObject {
  const all = steps.flatMap(({ id, probes }) => probes.map((probe) => ({ step: id, ...probe })))
  const failed = all.filter(({ contained }) => !contained).length
  return { passed: all.length - failed, failed, names: [...new Set(all.map(({ name }) => name))] }
}
