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

/** The subresource of pods that brings labels, and annotations that name artifacts. */
export const podStatus = 'pods/status'

/** What StatefulSets and DaemonSets make pods of, besides their own template. */
export const revision: PodBearing = {
  group: 'apps',
  resource: 'controllerrevisions',
  kind: 'ControllerRevision',
}

/** Their controllers write revisions of templates that were asked about; as in deploy/kubernetes/webhook. */
const revisionCondition =
  "!(request.userInfo.username in ['system:serviceaccount:kube-system:statefulset-controller', 'system:serviceaccount:kube-system:daemon-set-controller', 'system:kube-controller-manager'])"

/**
 * When the API server has to ask about a status; as in deploy/kubernetes/webhook. No other status may wait for a gate, or
 * kubelets could not report without it.
 */
const podStatusCondition =
  "object.metadata.?labels.orValue({}) != oldObject.metadata.?labels.orValue({}) || object.metadata.?annotations.orValue({}).exists(name, name.startsWith('seccomp-profile.') && object.metadata.annotations[name] != oldObject.metadata.?annotations[?name].orValue(''))"

/** What is asked about by a webhook of its own, under this condition and no other. */
export const conditions: ReadonlyMap<string, string> = new Map([
  [podStatus, podStatusCondition],
  [revision.resource, revisionCondition],
])
