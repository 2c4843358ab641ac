import { z } from 'zod'
import { checkShape, type JsonObject } from '#document'
import type { Cluster } from './cluster.ts'
import type { Way } from './outcome.ts'

/** A command in a container comes by a GET, too: kubelets speak WebSocket. */
const verbs = ['get', 'create'] as const
const reviewSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) })

/** Who stands for everybody: who proves nothing, who proves anything, and a pod that nobody gave a right. */
const everybody = [
  { user: 'system:anonymous', groups: ['system:unauthenticated'] },
  { user: 'sallyport-probe', groups: ['system:authenticated'] },
  {
    user: 'system:serviceaccount:default:default',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  },
] as const

/**
 * Whether the API server leads to kubelets, which run commands in any container and ask no gate. It is only asked who may.
 * Administrators may anything, and that is no finding: then it is asked for everybody.
 */
export async function tryNodesProxy(cluster: Cluster): Promise<Way> {
  const mine = (attributes: Attributes): Promise<Reviewed> =>
    review(cluster, 'selfsubjectaccessreviews', { resourceAttributes: attributes })
  if ((await mine({ group: '*', resource: '*', verb: '*' })) !== 'allowed') {
    return wayOf('nodes/proxy for whoever asks here', await each([mine]))
  }
  const others = everybody.map(
    (who) => (attributes: Attributes) =>
      review(cluster, 'subjectaccessreviews', { ...who, resourceAttributes: attributes }),
  )
  return wayOf('nodes/proxy for everybody', await each(others))
}

type Attributes = Readonly<Record<'group' | 'resource' | 'verb', string>> & {
  readonly subresource?: string
}
type Reviewed = 'allowed' | 'refused' | { readonly why: string }

async function each(
  who: readonly ((attributes: Attributes) => Promise<Reviewed>)[],
): Promise<readonly Reviewed[]> {
  const found: Reviewed[] = []
  for (const ask of who) {
    for (const verb of verbs) {
      found.push(await ask({ group: '', resource: 'nodes', subresource: 'proxy', verb }))
    }
  }
  return found
}

function wayOf(way: string, reviewed: readonly Reviewed[]): Way {
  if (reviewed.includes('allowed')) {
    return {
      outcome: 'open',
      way,
      found: 'RBAC allows it: kubelets run commands in any container for them, and ask no gate',
      fix: 'Take nodes/proxy out of the roles that give it, "*" of the core group among them: `kubectl get clusterroles -o yaml` shows which',
    }
  }
  const unknown = reviewed.find((one) => typeof one === 'object')
  if (unknown !== undefined) return { outcome: 'unknown', way, why: unknown.why }
  return { outcome: 'closed', way, by: 'authorization of the API server' }
}

async function review(
  cluster: Cluster,
  resource: 'selfsubjectaccessreviews' | 'subjectaccessreviews',
  spec: JsonObject,
): Promise<Reviewed> {
  const kind =
    resource === 'subjectaccessreviews' ? 'SubjectAccessReview' : 'SelfSubjectAccessReview'
  const apiVersion = 'authorization.k8s.io/v1'
  const path = `/apis/${apiVersion}/${resource}?dryRun=All`
  const { status, body } = await cluster.send('POST', path, { apiVersion, kind, spec })
  if (status !== 201) {
    const { message } = body
    return { why: typeof message === 'string' ? message.slice(0, 300) : `status ${status}` }
  }
  const { allowed } = checkShape(reviewSchema, body, { what: `answer of ${resource}` }).status
  return allowed ? 'allowed' : 'refused'
}
