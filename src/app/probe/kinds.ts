/** A resource through which an image can get into a cluster. */
export interface PodBearing {
  readonly group: string
  readonly resource: string
  readonly kind: string
}

const workloads = ['deployments', 'replicasets', 'statefulsets', 'daemonsets'] as const
const names: Readonly<Record<string, string>> = {
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
}

export const podBearing: readonly PodBearing[] = [
  { group: '', resource: 'pods', kind: 'Pod' },
  { group: '', resource: 'podtemplates', kind: 'PodTemplate' },
  { group: '', resource: 'replicationcontrollers', kind: 'ReplicationController' },
  ...workloads.map((resource) => ({ group: 'apps', resource, kind: names[resource] ?? '' })),
  { group: 'batch', resource: 'jobs', kind: 'Job' },
  { group: 'batch', resource: 'cronjobs', kind: 'CronJob' },
]

/** The subresource of pods that brings images. */
export const ephemeral = 'pods/ephemeralcontainers'
