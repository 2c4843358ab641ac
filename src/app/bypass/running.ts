import { quote, type Problem } from '#error'
import type { BodyStore, LogView } from '#log'
import type { ClusterOptions } from '../probe/kubeconfig.ts'
import { runningImages } from '../probe/running.ts'
import { decisionIn } from './decision-in.ts'

/** What runs in a cluster, held against the log. */
export interface RunningReport {
  /** How many pods there are. */
  readonly pods: number
  /** What no decision of the log has let in. */
  readonly findings: readonly Problem[]
  /** Pods of which nobody can say what they run. */
  readonly unknown: readonly Problem[]
}

/**
 * Everything that runs must have been let in by some decision of the log.
 *
 * @throws SallyportError PROBE_KUBECONFIG, PROBE_CLUSTER, LOG_…
 */
export async function lookAtRunning(
  view: Pick<LogView, 'size' | 'entries'>,
  bodies: BodyStore,
  { cluster, ownNamespace }: { readonly cluster: ClusterOptions; readonly ownNamespace: string },
): Promise<RunningReport> {
  const running = await runningImages(cluster)
  const letIn = new Set<string>()
  for await (const { entry } of view.entries(0, view.size)) {
    const decision = await decisionIn(entry, bodies)
    if (decision !== undefined && decision.effect !== 'blocked')
      letIn.add(decision.request.artifact.digest['sha256'] ?? '')
  }
  const isOurs = (pod: string): boolean => pod.startsWith(`${ownNamespace}/`)
  const findings = running.images.flatMap(({ sha256, pods }) => {
    const others = pods.filter((pod) => !isOurs(pod))
    return others.length > 0 && !letIn.has(sha256) ? [undecided(sha256, others)] : []
  })
  const unknown = running.unnamed.filter((one) => !isOurs(one)).map(unnamed)
  return { pods: running.pods, findings, unknown }
}

function undecided(sha256: string, pods: readonly string[]): Problem {
  return {
    code: 'BYPASS_UNDECIDED',
    where: pods.slice(0, 5).join(', '),
    expected: 'a decision of this log that let these bytes in',
    found: `sha256:${sha256} in ${pods.length} pods, and no such decision`,
    fix: 'Deploy it again through the gate: delete the pods, and whoever made them asks for new ones',
  }
}

function unnamed(pod: string): Problem {
  return {
    code: 'AUDIT_LOG_UNREADABLE',
    where: `pod ${quote(pod, 300)}`,
    expected: 'a digest of every image that it runs',
    found: 'an image without digest, and a node that has not said what it means',
    fix: 'Name the image by its digest',
  }
}
