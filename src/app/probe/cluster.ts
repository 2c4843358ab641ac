import { request, type RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { isObject, parseJson, type JsonObject } from '#document'
import { SallyportError } from '#error'
import type { ClusterAccess } from './kubeconfig.ts'

/** What an API server answered. */
export interface ClusterAnswer {
  readonly status: number
  /** Empty when it was no JSON object. */
  readonly body: JsonObject
  /** Its `Warning` headers. */
  readonly warnings: string
}

export interface Cluster {
  readonly address: string
  get(path: string): Promise<ClusterAnswer>
  /** MUST only be used with `dryRun=All`. */
  send(method: 'POST' | 'PATCH', path: string, body: JsonObject): Promise<ClusterAnswer>
}

const maxBytes = 64 * 1024 * 1024
/** A webhook may take 30 seconds, and there may be several. */
const timeoutMs = 70_000
// Also an answer that comes byte by byte ends.
const wholeMs = 600_000

export function openCluster(access: ClusterAccess): Cluster {
  const { server, ca, certificate, key } = access
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  }
  const ask = async (method: string, path: string, body?: JsonObject): Promise<ClusterAnswer> => {
    const url = new URL(server.href.replace(/\/$/, '') + path)
    const headers = headersOf(access, method, body)
    try {
      const signal = AbortSignal.timeout(wholeMs)
      return await exchange(url, { method, headers, timeout: timeoutMs, signal, ...tls }, body)
    } catch (cause) {
      throw unreachable(server, cause)
    }
  }
  return { address: server.origin, get: (path) => ask('GET', path), send: ask }
}

/** Whether there is more of a list than was asked for. */
export function goesOn(answer: ClusterAnswer): boolean {
  return nextOf(answer) !== ''
}

function nextOf({ body: { metadata } }: ClusterAnswer): string {
  const next = isObject(metadata) ? metadata['continue'] : undefined
  return typeof next === 'string' ? next : ''
}

export interface PageOptions {
  readonly perPage: number
  readonly maxPages: number
}

/** A list in pages; after an answer that is none there is no other. The last one may go on. */
export async function* pagesOf(
  cluster: Pick<Cluster, 'get'>,
  path: string,
  { perPage, maxPages }: PageOptions,
): AsyncGenerator<ClusterAnswer> {
  let next = ''
  for (let page = 0; page < maxPages; page += 1) {
    const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
    const answer = await cluster.get(`${path}?limit=${perPage}${more}`)
    yield answer
    next = answer.status === 200 ? nextOf(answer) : ''
    if (next === '') return
  }
}

function headersOf({ token }: ClusterAccess, method: string, body: JsonObject | undefined) {
  const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json'
  return {
    accept: 'application/json',
    'user-agent': 'sallyport-probe',
    ...(body === undefined ? {} : { 'content-type': type }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

async function exchange(
  url: URL,
  options: RequestOptions,
  body: JsonObject | undefined,
): Promise<ClusterAnswer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request(url, options, resolve)
    asking.on('error', reject)
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
    asking.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      reject(new Error(`status ${statusCode}`))
    })
    asking.end(body === undefined ? undefined : JSON.stringify(body))
  })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const { statusCode = 0, headers } = response
  const isJson = /^application\/json\b/.test(headers['content-type'] ?? '')
  const value = isJson
    ? parseJson(Buffer.concat(chunks), { what: url.pathname, maxBytes, maxValues: 8_000_000 })
    : {}
  // What something in between says in its place is no empty list.
  if (statusCode === 200 && !(isJson && isObject(value))) throw new Error('no object in JSON')
  return {
    status: statusCode,
    body: isObject(value) ? value : {},
    // Go sends them as UTF-8, and Node reads every header as Latin-1.
    warnings: Buffer.from(headers.warning ?? '', 'latin1').toString('utf8'),
  }
}

function unreachable(server: URL, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'PROBE_CLUSTER',
      where: server.origin,
      expected: 'an answer of the API server',
      found: cause instanceof Error ? cause.message.slice(0, 300) : 'an error',
      fix: 'Look whether `kubectl get namespaces` works with the same kubeconfig, then ask again',
    },
    { cause },
  )
}
