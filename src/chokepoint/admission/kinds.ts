import type { GroupVersionKind } from './review.ts'

/** Where the pod template of a kind stands: member names from the object to what has `metadata` and `spec`. */
export type TemplatePath = readonly string[]

/** The name of a kind without its version, as in `apps/Deployment`; the core group has no name: `Pod`. */
export function kindName({ group, kind }: Pick<GroupVersionKind, 'group' | 'kind'>): string {
  return group === '' ? kind : `${group}/${kind}`
}

/**
 * The kinds of Kubernetes that make pods, and the revisions that StatefulSets and DaemonSets make theirs of. In every version that
 * ever was, the template stands in the same place.
 */
export const builtInKinds: ReadonlyMap<string, TemplatePath> = new Map([
  ['Pod', []],
  ['PodTemplate', ['template']],
  ['ReplicationController', ['spec', 'template']],
  ['apps/Deployment', ['spec', 'template']],
  ['apps/ReplicaSet', ['spec', 'template']],
  ['apps/StatefulSet', ['spec', 'template']],
  ['apps/DaemonSet', ['spec', 'template']],
  ['apps/ControllerRevision', ['data', 'spec', 'template']],
  ['extensions/Deployment', ['spec', 'template']],
  ['extensions/ReplicaSet', ['spec', 'template']],
  ['extensions/DaemonSet', ['spec', 'template']],
  ['batch/Job', ['spec', 'template']],
  ['batch/CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
])

/** Subresources through which no image can get into a cluster: they carry no pod template. The status of a pod may bring labels. */
export const templateFree: ReadonlySet<string> = new Set([
  'scale',
  'status',
  'eviction',
  'binding',
  'resize',
  'exec',
  'attach',
  'portforward',
  'proxy',
  'log',
  'token',
  'approval',
  'finalize',
])
