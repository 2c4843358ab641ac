import type { AdmissionConfig } from '#config'
import { quote, type Problem } from '#error'
import type { BodyStore, LogView } from '#log'
import type { DeploymentRequest } from '#policy'
import type { ClusterOptions } from '../probe/kubeconfig.ts'
import { runningImages, type RunningImages } from '../probe/running.ts'
import { decisionIn } from './decision-in.ts'

/** What runs in a cluster, held against the log. */
export interface RunningReport {
  /** How many pods there are. */
  readonly pods: number
  /** What no decision of the log has let in. */
  readonly findings: readonly Problem[]
  /** Entries of the log that cannot be read, and pods of which nobody can say what they run. */
  readonly unknown: readonly Problem[]
}

const maxUnread = 20

export interface RunningOptions {
  readonly cluster: ClusterOptions
  readonly ownNamespace: string
  /** Which namespace is which environment; undefined where the gate is not told. */
  readonly admission: AdmissionConfig | undefined
}

/**
 * Everything that runs must have been let in by some decision of the log.
 *
 * @throws SallyportError PROBE_KUBECONFIG, PROBE_CLUSTER, LOG_…
 */
export async function lookAtRunning(
  view: Pick<LogView, 'size' | 'entries'>,
  bodies: BodyStore,
  { cluster, ...options }: RunningOptions,
): Promise<RunningReport> {
  const running = await runningImages(cluster)
  const letIn: LetIn = new Set()
  const unread: Problem[] = []
  const decisions = { bodies, unread: (problem: Problem) => void unread.push(problem) }
  for await (const { index, entry } of view.entries(0, view.size)) {
    const decision = await decisionIn(entry, index, decisions)
    if (decision !== undefined && decision.effect !== 'blocked') note(decision.request, letIn)
  }
  const report = compareRunning(running, letIn, options)
  return { ...report, unknown: [...unread.slice(0, maxUnread), ...report.unknown] }
}

/** `sha256`, and `sha256 environment`. */
export type LetIn = Set<string>

export function note({ artifact, target }: DeploymentRequest, letIn: LetIn): void {
  const sha256 = artifact.digest['sha256'] ?? ''
  letIn.add(sha256).add(`${sha256} ${target.environment}`)
}

/**
 * What was let in somewhere else counts for nothing here: there a policy may only watch, and whoever may ask could have
 * anything let in there beforehand.
 */
export function compareRunning(
  running: Pick<RunningImages, 'images' | 'pods' | 'unnamed'>,
  letIn: ReadonlySet<string>,
  { ownNamespace, admission }: Omit<RunningOptions, 'cluster'>,
): RunningReport {
  const isOurs = (pod: string): boolean => pod.startsWith(`${ownNamespace}/`)
  const isLetIn = (sha256: string, pod: string): boolean => {
    const namespace = pod.slice(0, pod.indexOf('/'))
    const mapped = admission?.namespaces[namespace] ?? admission?.others
    return letIn.has(mapped === undefined ? sha256 : `${sha256} ${mapped.environment}`)
  }
  const findings = running.images.flatMap(({ sha256, pods }) => {
    const others = pods.filter((pod) => !isOurs(pod) && !isLetIn(sha256, pod))
    return others.length > 0 ? [undecided(sha256, others)] : []
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
