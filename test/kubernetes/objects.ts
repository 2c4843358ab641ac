/** Objects of Kubernetes that bring images into a cluster. */

export interface Metadata {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export type KubernetesObject = Readonly<Record<string, unknown>>

const app = { app: 'shop' }

export function pod(name: string, images: string | KubernetesObject, more: Metadata = {}) {
  const { namespace = 'shop', labels = app, annotations = {} } = more
  const metadata = { name, namespace, labels, annotations }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: specOf(images) }
}

function specOf(images: string | KubernetesObject): KubernetesObject {
  return typeof images === 'string' ? { containers: [{ name: 'main', image: images }] } : images
}

/** Every other kind that makes pods, as it stands in the API. */
export function templates(
  name: string,
  image: string,
  annotations: Metadata['annotations'] = {},
): readonly KubernetesObject[] {
  const template = { metadata: { labels: app, annotations }, spec: specOf(image) }
  const jobTemplate = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
  const metadata = { name, namespace: 'shop' }
  const selector = { matchLabels: app }
  const apps = (kind: string, more: object = {}) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata,
    spec: { selector, template, ...more },
  })
  const job = { template: jobTemplate }
  return [
    apps('Deployment', { replicas: 1 }),
    apps('ReplicaSet'),
    apps('StatefulSet', { serviceName: name }),
    apps('DaemonSet'),
    { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: job },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata,
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } },
    },
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata,
      spec: { selector: app, template },
    },
    { apiVersion: 'v1', kind: 'PodTemplate', metadata, template },
  ]
}
