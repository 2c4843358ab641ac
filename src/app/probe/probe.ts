import { z } from 'zod'
import { checkShape, type JsonObject } from '#document'
import { SallyportError } from '#error'
import {
  bindingAttempt,
  ephemeralAttempt,
  podAttempt,
  podAttempts,
  templateAttempt,
  type Attempt,
} from './attempts.ts'
import { goesOn, openCluster, pagesOf, type Cluster, type ClusterAnswer } from './cluster.ts'
import { podBearing, revision } from './kinds.ts'
import { readAccess, type ClusterOptions } from './kubeconfig.ts'
import { tryKubelets } from './kubelets.ts'
import { tryNodesProxy } from './nodes.ts'
import { findingOf, judge, type Way } from './outcome.ts'
import { tryRegistries, type RegistriesOptions } from './registries.ts'
import {
  gateWebhooks,
  inspectWebhooks,
  leftOut,
  leftOutInPart,
  webhooksSchema,
  type Finding,
  type Namespace,
  type Webhook,
} from './webhooks.ts'

export interface ProbeOptions extends ClusterOptions {
  /** Namespaces in which every way is tried; default is the first one that a webhook asks about. */
  readonly namespaces: readonly string[]
  /** Whether an API server, and its nodes, are asked. */
  readonly cluster: boolean
  readonly registries: RegistriesOptions
}

export interface ProbeReport {
  /** Absent when no API server was asked. */
  readonly server?: string
  /** `configuration/webhook` of each that asks a gate. */
  readonly webhooks: readonly string[]
  /** Ways around the gate that work. */
  readonly findings: readonly Finding[]
  /** Ways that are closed, and by whom. */
  readonly closed: readonly { readonly way: string; readonly by: string }[]
  readonly unknown: readonly { readonly way: string; readonly why: string }[]
  /** What no webhook can see. */
  readonly notes: readonly string[]
}

const pages = { perPage: 1000, maxPages: 20 }
const maxPods = 2000

/**
 * Tries the known ways around the gate: with server-side dry runs, reviews of access, and by reading. Nothing is stored or
 * started, and the gate records nothing.
 *
 * @throws SallyportError PROBE_KUBECONFIG, PROBE_CLUSTER, and as `tryRegistries`
 */
export async function probeBypass(options: ProbeOptions): Promise<ProbeReport> {
  const inCluster = options.cluster ? await probeCluster(options) : nothingTried
  const { ways, notes } = await tryRegistries(options.registries)
  const report = {
    ...inCluster,
    findings: [...inCluster.findings],
    closed: [...inCluster.closed],
    unknown: [...inCluster.unknown],
    notes: [...inCluster.notes, ...notes],
  }
  for (const way of ways) add(report, way)
  if (!options.cluster && ways.length + notes.length === 0) {
    const why = 'no proxy is configured here, and nothing is named with --pull'
    report.unknown.push({ way: 'registries', why })
  }
  return report
}

const nothingTried: ProbeReport = { webhooks: [], findings: [], closed: [], unknown: [], notes: [] }

async function probeCluster(options: ProbeOptions): Promise<ProbeReport> {
  const cluster = openCluster(await readAccess(options))
  const webhooks = gateWebhooks(checkAnswer(webhooksSchema, await read(cluster, registered)))
  const { namespaces, isWhole } = await namespacesOf(cluster)
  const outside = leftOut(webhooks, namespaces)
  const inside = namespaces.filter((one) => !outside.includes(one))
  const state: State = {
    cluster,
    webhooks,
    findings: [...inspectWebhooks(webhooks), ...leftOutInPart(webhooks, inside)],
    closed: [],
    unknown: isWhole ? [] : [moreNamespaces],
  }
  const first = inside.slice(0, 1).map(({ name }) => name)
  const thorough = options.namespaces.length > 0 ? options.namespaces : first
  for (const name of thorough) await tryEverything(state, name)
  for (const { name } of namespaces) {
    if (!thorough.includes(name)) await attempt(state, podAttempt(name))
  }
  add(state, await tryNodesProxy(cluster))
  const kubelets = await tryKubelets(cluster)
  for (const way of kubelets.ways) add(state, way)
  const { findings, closed, unknown } = state
  return {
    server: cluster.address,
    webhooks: webhooks.map(({ configuration, name }) => `${configuration}/${name}`),
    findings,
    closed,
    unknown,
    notes: await notesOf(cluster, outside, kubelets.unreached),
  }
}

const registered = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

/** What has come of everything that was tried. */
interface Tally {
  readonly findings: Finding[]
  readonly closed: { readonly way: string; readonly by: string }[]
  readonly unknown: { readonly way: string; readonly why: string }[]
}

interface State extends Tally {
  readonly cluster: Cluster
  readonly webhooks: readonly Webhook[]
}

function add({ findings, closed, unknown }: Tally, one: Way): void {
  const { way } = one
  switch (one.outcome) {
    case 'open':
      return void findings.push({ way, found: one.found, fix: one.fix })
    case 'closed':
      return void closed.push({ way, by: one.by })
    case 'unknown':
      return void unknown.push({ way, why: one.why })
  }
}

async function tryEverything(state: State, namespace: string): Promise<void> {
  for (const one of podAttempts(namespace)) await attempt(state, one)
  const templates = podBearing.filter(({ resource }) => resource !== 'pods')
  for (const kind of [...templates, revision]) {
    for (const version of await versionsOf(state.cluster, kind.group, kind.resource)) {
      await attempt(state, templateAttempt(kind, version, namespace))
    }
  }
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?limit=1`
  const [pod] = itemsOf(await state.cluster.get(path))
  for (const attemptOf of [ephemeralAttempt, bindingAttempt]) {
    const one = attemptOf(namespace, pod?.metadata.name ?? '')
    if (pod !== undefined) await attempt(state, one)
    else state.unknown.push({ way: one.way, why: 'there is no pod to try it with' })
  }
}

async function attempt(state: State, one: Attempt): Promise<void> {
  const { cluster, webhooks } = state
  const { way } = one
  const tried = judge(await cluster.send(one.method, one.path, one.body), webhooks)
  if (tried.outcome === 'refused') add(state, { outcome: 'closed', way, by: tried.by })
  else if (tried.outcome === 'admitted')
    add(state, { outcome: 'open', ...findingOf(one, tried.note) })
  else add(state, { outcome: 'unknown', way, why: tried.why })
}

/** In which versions the API server has a resource: an old one may be forgotten by the rules. */
async function versionsOf(
  cluster: Cluster,
  group: string,
  resource: string,
): Promise<readonly string[]> {
  if (group === '') return ['v1']
  const { versions } = checkAnswer(groupSchema, await read(cluster, `/apis/${group}`))
  const found: string[] = []
  for (const { version } of versions) {
    const list = await read(cluster, `/apis/${group}/${encodeURIComponent(version)}`)
    const { resources } = checkAnswer(resourcesSchema, list)
    if (resources.some(({ name }) => name === resource)) found.push(version)
  }
  return found
}

const groupSchema = z.looseObject({ versions: z.array(z.looseObject({ version: z.string() })) })
const resourcesSchema = z.looseObject({ resources: z.array(z.looseObject({ name: z.string() })) })
const listSchema = z.looseObject({
  items: z
    .array(
      z.looseObject({
        metadata: z.looseObject({
          // Names stand in the addresses of requests that follow.
          name: z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'a name'),
          namespace: z.string().max(63).default(''),
          labels: z.record(z.string(), z.string()).default({}),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      }),
    )
    .nullish(),
})

const moreNamespaces = {
  way: 'namespaces',
  why: `there are more than ${pages.perPage * pages.maxPages}: in the others nothing was tried`,
}

async function namespacesOf(cluster: Cluster) {
  const namespaces: Namespace[] = []
  const path = '/api/v1/namespaces'
  let isWhole = true
  for await (const page of pagesOf(cluster, path, pages)) {
    const items = itemsOf(checkRead(cluster, path, page))
    namespaces.push(...items.map(({ metadata: { name, labels } }) => ({ name, labels })))
    isWhole = !goesOn(page)
  }
  return { namespaces, isWhole }
}

async function notesOf(
  cluster: Cluster,
  outside: readonly Namespace[],
  unreached: readonly string[],
): Promise<readonly string[]> {
  const listed = await cluster.get(`/api/v1/pods?limit=${maxPods}`)
  const pods = itemsOf(listed)
  const mirror = 'kubernetes.io/config.mirror'
  const fixed = pods
    .filter(({ metadata }) => Object.hasOwn(metadata.annotations, mirror))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const names = outside.map(({ name }) => name)
  return [
    ...(names.length === 0
      ? []
      : [`no webhook asks about the namespaces ${names.slice(0, 50).join(', ')}`]),
    ...(fixed.length === 0
      ? []
      : [
          `static pods come from files on their nodes, and nobody is asked about them: ${fixed.slice(0, 50).join(', ')}`,
        ]),
    ...(listed.status === 200 && !goesOn(listed)
      ? []
      : ['of the pods not all could be looked at: there may be more static ones']),
    ...(unreached.length === 0
      ? []
      : [
          `from here the kubelets of ${unreached.slice(0, 50).join(', ')} cannot be reached: ask from where pods, builds and people reach nodes, too`,
        ]),
    'who can log in to a node, or write to etcd, starts what they like: no webhook sees it',
  ]
}

async function read(cluster: Cluster, path: string): Promise<ClusterAnswer> {
  return checkRead(cluster, path, await cluster.get(path))
}

function checkRead(cluster: Cluster, path: string, answer: ClusterAnswer): ClusterAnswer {
  if (answer.status === 200) return answer
  const message = answer.body['message']
  throw new SallyportError({
    code: 'PROBE_CLUSTER',
    where: `${cluster.address}${path}`,
    expected: 'to be allowed to read this',
    found: `${answer.status} ${typeof message === 'string' ? message.slice(0, 200) : ''}`.trim(),
    fix: 'Ask as somebody who may read webhooks, namespaces and pods, and create what is tried, as docs/kubernetes.md lists',
  })
}

function checkAnswer<Value>(schema: z.ZodType<Value>, { body }: ClusterAnswer): Value {
  return checkShape(schema, body satisfies JsonObject, { what: 'answer of the API server' })
}

function itemsOf(answer: ClusterAnswer) {
  return answer.status === 200 ? (checkAnswer(listSchema, answer).items ?? []) : []
}
