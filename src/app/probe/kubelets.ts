import { request } from 'node:https'
import { isIP } from 'node:net'
import { z } from 'zod'
import { checkShape } from '#document'
import { goesOn, pagesOf, type Cluster, type ClusterAnswer } from './cluster.ts'
import type { Way } from './outcome.ts'

const pages = { perPage: 500, maxPages: 20 }
/** Kubelets that are asked at the same time. */
const width = 16
const timeoutMs = 3_000
const maxBytes = 4096
const usualPort = 10_250

const text = z.string().max(300)
const nodesSchema = z.looseObject({
  items: z
    .array(
      z.looseObject({
        metadata: z.looseObject({ name: text }),
        status: z
          .looseObject({
            addresses: z.array(z.looseObject({ type: text, address: text })).nullish(),
            daemonEndpoints: z
              .looseObject({
                kubeletEndpoint: z.looseObject({ Port: z.int().min(0).max(65_535) }).nullish(),
              })
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
})
type Node = NonNullable<z.output<typeof nodesSchema>['items']>[number]

/** What kubelets answer to anybody. */
export interface Kubelets {
  readonly ways: readonly Way[]
  /** Nodes whose kubelet cannot be reached from here: that says nothing about elsewhere. */
  readonly unreached: readonly string[]
}

/** Asks the kubelet of each node for its pods, as nobody. Nothing is started, and nothing is told to it. */
export async function tryKubelets(cluster: Cluster): Promise<Kubelets> {
  const found: { ways: Way[]; unreached: string[] } = { ways: [], unreached: [] }
  let why: string | undefined
  for await (const answer of pagesOf(cluster, '/api/v1/nodes', pages)) {
    if (answer.status === 200) await tryNodes(answer, found)
    why = whyNotAll(answer)
  }
  const unknown = why === undefined ? [] : [{ outcome: 'unknown', way: 'kubelets', why } as const]
  return { ...found, ways: [...unknown, ...found.ways] }
}

async function tryNodes(
  { body }: ClusterAnswer,
  { ways, unreached }: { readonly ways: Way[]; readonly unreached: string[] },
): Promise<void> {
  const { items } = checkShape(nodesSchema, body, { what: 'the nodes of the cluster' })
  const nodes = items ?? []
  for (let start = 0; start < nodes.length; start += width) {
    const some = nodes.slice(start, start + width)
    for (const [at, way] of (await Promise.all(some.map(tryNode))).entries()) {
      if (way === undefined) unreached.push(some[at]?.metadata.name ?? '')
      else ways.push(way)
    }
  }
}

function whyNotAll(answer: ClusterAnswer): string | undefined {
  if (answer.status !== 200) return `the API server does not list nodes: status ${answer.status}`
  const most = pages.perPage * pages.maxPages
  return goesOn(answer)
    ? `there are more than ${most} nodes: the kubelets of the others were not asked`
    : undefined
}

async function tryNode({ metadata, status }: Node): Promise<Way | undefined> {
  const way = `kubelet of ${metadata.name}, asked by nobody`
  // A node whose kubelet has not reported yet has port 0.
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port || usualPort
  const addresses = (status?.addresses ?? []).filter(
    ({ type, address }) => /^(?:Internal|External)IP$/.test(type) && isIP(address) !== 0,
  )
  const said = await Promise.all(addresses.map(({ address }) => askPods(address, port)))
  const known = said.filter((one) => one !== undefined)
  if (known.some(({ hasPods }) => hasPods)) {
    return {
      outcome: 'open',
      way,
      found: `it serves whoever reaches port ${port}: who lists its pods runs commands in them, too`,
      fix: 'Set authentication.anonymous.enabled: false and authorization.mode: Webhook in the configuration of the kubelet, and start it again',
    }
  }
  const [first] = known
  if (first === undefined) return undefined
  const other = known.find(({ code }) => code !== 401 && code !== 403)
  return other === undefined
    ? { outcome: 'closed', way, by: `kubelet (status ${first.code})` }
    : { outcome: 'unknown', way, why: `status ${other.code}, and no list of pods` }
}

interface KubeletAnswer {
  readonly code: number
  readonly hasPods: boolean
}

/** Undefined where nobody answers. */
function askPods(address: string, port: number): Promise<KubeletAnswer | undefined> {
  const options = {
    host: address,
    port,
    path: '/pods',
    headers: { accept: 'application/json', 'user-agent': 'sallyport-probe' },
    // Kubelets sign their certificates themselves. It is told nothing, and is believed only that it answers.
    rejectUnauthorized: false,
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  } as const
  return new Promise((resolve) => {
    const asking = request(options, (response) => {
      let start = ''
      const done = (): void => {
        const code = response.statusCode ?? 0
        resolve({ code, hasPods: code === 200 && /"kind"\s*:\s*"PodList"/.test(start) })
        asking.destroy()
      }
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        start += chunk
        if (start.length >= maxBytes) done()
      })
      response.on('end', done)
      response.on('error', done)
    })
    asking.on('error', () => resolve(undefined))
    // Whatever else ends it without an answer, such as a status 101.
    asking.on('close', () => resolve(undefined))
    asking.end()
  })
}
