import type { Config } from '#config'
import type { Problem } from '#error'
import { lookAtRunning } from '../bypass/running.ts'
import { readLog } from '../log.ts'
import type { ClusterOptions } from '../probe/kubeconfig.ts'
import { readRulebook } from '../rulebook.ts'
import { checkChokePoints, type ChokePointsReport } from './choke-points.ts'
import { readSeen } from './seen.ts'

export interface PointsOptions {
  readonly config: Config
  readonly now: Date
  /** How many entries of the log are read, the newest first. */
  readonly maxEntries: number
  /** Asks a cluster, too, whether the log has let in what runs there. */
  readonly cluster?: ClusterOptions
  readonly ownNamespace: string
}

export interface PointsReport extends ChokePointsReport {
  readonly read: { readonly entries: number; readonly since?: string; readonly complete: boolean }
  /** Pods that were held against the log; absent when no cluster was asked. */
  readonly running?: number
  readonly unknown: readonly Problem[]
}

/**
 * Whether each target is reached through declared points only, as far as configuration, log and cluster can tell.
 *
 * @throws SallyportError FILE_…, TRUST_…, POLICY_…, LOG_…, PROBE_…
 */
export async function chokePoints(options: PointsOptions): Promise<PointsReport> {
  const { config, now, maxEntries, cluster, ownNamespace } = options
  const { admission } = config
  const { policies } = await readRulebook(config, { now })
  return await readLog(config, async (view, bodies) => {
    const from = new Date(now.getTime() - config.accessReview.intervalMs)
    const { letIn, entries, since, complete } = await readSeen(view, bodies, { from, maxEntries })
    const checked = checkChokePoints(config, policies, [...letIn.values()])
    const running =
      cluster === undefined
        ? undefined
        : await lookAtRunning(view, bodies, { cluster, ownNamespace, admission })
    return {
      targets: checked.targets,
      findings: [...checked.findings, ...(running?.findings ?? [])],
      unknown: running?.unknown ?? [],
      ...(running === undefined ? {} : { running: running.pods }),
      read: { entries, complete, ...(since === undefined ? {} : { since }) },
    }
  })
}
