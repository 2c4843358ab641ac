import type { JsonObject } from '#document'
import type { PodBearing } from './kinds.ts'

/** One request that would bring an image into a cluster that no gate can let in. */
export interface Attempt {
  readonly way: string
  readonly method: 'POST' | 'PATCH'
  readonly path: string
  readonly body: JsonObject
  /** What it means that it is admitted; otherwise that an image would be. */
  readonly admitted?: { readonly found: string; readonly fix: string }
}

/** Nobody has an artifact with this digest, and `.invalid` names no registry (RFC 6761). */
const image = `probe.invalid/sallyport-probe@sha256:${'0'.repeat(64)}`
const tag = 'probe.invalid/sallyport-probe:latest'
const labels = { app: 'sallyport-probe' }

/** Nothing else than the gate should have a reason to refuse: Pod Security "restricted" is met. */
const securityContext = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  runAsUser: 65_532,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}
const resources = {
  requests: { cpu: '1m', memory: '1Mi' },
  limits: { cpu: '1m', memory: '1Mi' },
}

function container(name: string, from = image): JsonObject {
  return { name, image: from, securityContext, resources }
}

/** The plainest way: a pod. */
export function podAttempt(namespace: string): Attempt {
  return ofPod('pods', namespace, { containers: [container('main')] })
}

/** A pod with its image where one may be overlooked. */
export function podAttempts(namespace: string): readonly Attempt[] {
  const empty = { name: 'main', image, securityContext, resources }
  const init = { containers: [empty], initContainers: [container('init')] }
  const volume = { name: 'data', image: { reference: image } }
  return [
    podAttempt(namespace),
    ofPod('pods, image by tag', namespace, { containers: [container('main', tag)] }),
    ofPod('pods, init container', namespace, init),
    ofPod('pods, image as volume', namespace, { containers: [empty], volumes: [volume] }),
  ]
}

function ofPod(way: string, namespace: string, spec: JsonObject): Attempt {
  return {
    way: `${way} in ${namespace}`,
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'sallyport-probe', labels },
      spec: { automountServiceAccountToken: false, restartPolicy: 'Never', ...spec },
    },
  }
}

/** A container for debugging in a pod that is there. */
export function ephemeralAttempt(namespace: string, pod: string): Attempt {
  const { resources: _, ...debug } = container('sallyport-probe')
  return {
    way: `pods/ephemeralcontainers in ${namespace}`,
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/pods/${pod}/ephemeralcontainers?dryRun=All`,
    body: { spec: { ephemeralContainers: [debug] } },
  }
}

/** A binding that brings an artifact into a pod that was decided about without it. */
export function bindingAttempt(namespace: string, pod: string): Attempt {
  return {
    way: `pods/binding in ${namespace}`,
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods/${pod}/binding?dryRun=All`,
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod, annotations: { 'seccomp-profile.kubernetes.cri-o.io/POD': image } },
      target: { apiVersion: 'v1', kind: 'Node', name: 'sallyport-probe' },
    },
    admitted: {
      found: 'whoever may bind pods would bring an artifact of theirs into one (dry run)',
      fix: 'Apply deploy/kubernetes/gate: its ValidatingAdmissionPolicy sallyport-bindings refuses it',
    },
  }
}

/** A kind with a pod template, in one of the versions that the API server has. */
export function templateAttempt(
  { group, resource, kind }: PodBearing,
  version: string,
  namespace: string,
): Attempt {
  const apiVersion = group === '' ? version : `${group}/${version}`
  const path = group === '' ? `/api/${version}` : `/apis/${apiVersion}`
  return {
    way: `${apiVersion} ${resource} in ${namespace}`,
    method: 'POST',
    path: `${path}/namespaces/${namespace}/${resource}?dryRun=All`,
    body: {
      apiVersion,
      kind,
      metadata: { name: 'sallyport-probe', labels },
      ...membersOf(kind),
    },
  }
}

function membersOf(kind: string): JsonObject {
  const template = (restartPolicy: string): JsonObject => ({
    metadata: { labels },
    spec: { automountServiceAccountToken: false, restartPolicy, containers: [container('main')] },
  })
  const job = { template: template('Never') }
  switch (kind) {
    case 'PodTemplate':
      return { template: template('Always') }
    case 'ReplicationController':
      return { spec: { selector: labels, template: template('Always') } }
    case 'Job':
      return { spec: job }
    case 'ControllerRevision':
      return { revision: 1, data: { spec: { template: template('Always') } } }
    case 'CronJob':
      return { spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } }
    default: {
      const service = kind === 'StatefulSet' ? { serviceName: 'sallyport-probe' } : {}
      const selector = { matchLabels: labels }
      return { spec: { selector, template: template('Always'), ...service } }
    }
  }
}
