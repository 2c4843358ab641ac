import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { sha256Hex, type Json } from '#document'
import { commitFault, type Fault } from './faults.ts'

export interface TestRegistryOptions {
  /** Whether there is a referrers API; default true. */
  readonly referrers?: boolean
  /** Whether the referrers API filters by type; default false. */
  readonly filters?: boolean
  /** Referrers on one page; default all. */
  readonly pageSize?: number
  /** What reading needs. */
  readonly auth?: {
    readonly kind: 'basic' | 'token'
    readonly username: string
    readonly password: string
    /** Whether writing needs it, too; default false. */
    readonly writes?: boolean
    /** What somebody without a name gets with the token that everybody is given; left out: no token. */
    readonly everybody?: 'served' | 'not found'
  }
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** A registry in this process: real HTTP, the distribution-spec as far as evidence needs it, and everything that can go wrong. */
export interface TestRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string
  readonly base: string
  /** What was asked for: method, path and the scheme of the authorization. */
  readonly requests: readonly string[]
  /** From now on, paths that match go wrong in this way. */
  fault(pattern: RegExp, fault: Fault): void
  heal(): void
  close(): Promise<void>
}

interface State {
  readonly options: TestRegistryOptions
  readonly blobs: Map<string, Buffer>
  /** By `repository@sha256:hex` and `repository:tag`. */
  readonly manifests: Map<string, Buffer>
  readonly requests: string[]
  faults: (readonly [RegExp, Fault])[]
  base: string
}

const token = 'test-token'
const tokenOfEverybody = 'token-of-everybody'

export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const state: State = {
    options,
    blobs: new Map(),
    manifests: new Map(),
    requests: [],
    faults: [],
    base: '',
  }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => undefined)
    void answer(request, response, state).catch(() => response.destroy())
  }
  const server: Server =
    options.tls === undefined ? createServer(handle) : createSecureServer(options.tls, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  state.base = `${options.tls === undefined ? 'http' : 'https'}://${host}`
  return {
    host,
    base: state.base,
    requests: state.requests,
    fault: (pattern, fault) => state.faults.push([pattern, fault]),
    heal: () => {
      state.faults = []
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: State,
): Promise<void> {
  const url = new URL(request.url ?? '/', state.base)
  const { authorization = '' } = request.headers
  state.requests.push(`${request.method} ${url.pathname} ${authorization.split(' ')[0]}`.trim())
  const fault = state.faults.find(([pattern]) => pattern.test(url.pathname))?.[1]
  if (fault !== undefined && request.method === 'GET') return commitFault(fault, response, url)
  if (url.pathname === '/token') return giveToken(authorization, url, response, state)
  if (isNobody(authorization, state)) return send(response, undefined)
  if (!isLetIn(request, state)) return challenge(response, state)
  return serve(request, response, url, state)
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  state: State,
): void | Promise<void> {
  const [, repository = '', kind = '', reference = ''] =
    /^\/v2\/(.+?)\/(blobs|manifests|referrers)\/(.+)$/.exec(url.pathname) ?? []
  if (request.method !== 'GET') {
    return store({ request, response, url, repository, kind, reference }, state)
  }
  if (kind === 'manifests') {
    const sign = reference.startsWith('sha256:') ? '@' : ':'
    return sendManifest(response, state.manifests.get(`${repository}${sign}${reference}`))
  }
  if (kind === 'blobs') return send(response, state.blobs.get(reference))
  if (kind === 'referrers' && state.options.referrers !== false) {
    return sendReferrers(response, url, repository, reference, state)
  }
  return send(response, undefined)
}

interface Upload {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly repository: string
  readonly kind: string
  readonly reference: string
}

/** Pushing: an upload is opened with POST and ended with PUT, as the real ones want it. */
async function store(upload: Upload, state: State): Promise<void> {
  const { request, response, url, repository, kind, reference } = upload
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const digest = `sha256:${sha256Hex(body)}`
  if (request.method === 'POST') {
    response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/1` }).end()
  } else if (kind === 'blobs') {
    state.blobs.set(url.searchParams.get('digest') ?? digest, body)
    response.writeHead(201).end()
  } else {
    state.manifests.set(`${repository}@${digest}`, body)
    if (!reference.startsWith('sha256:')) state.manifests.set(`${repository}:${reference}`, body)
    const subject = state.options.referrers === false ? undefined : subjectOf(body)
    response
      .writeHead(201, {
        'docker-content-digest': digest,
        ...(subject === undefined ? {} : { 'oci-subject': subject }),
      })
      .end()
  }
}

/** A registry with the referrers API says that it has understood what a manifest refers to. */
function subjectOf(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { subject?: { digest: string } }).subject?.digest
  } catch {
    return undefined
  }
}

function sendManifest(response: ServerResponse, body: Buffer | undefined): void {
  if (body === undefined) return send(response, undefined)
  let type = 'application/vnd.oci.image.manifest.v1+json'
  try {
    type = (JSON.parse(body.toString()) as { mediaType?: string }).mediaType ?? type
  } catch {
    // A registry that stores anything.
  }
  response.setHeader('content-type', type)
  response.setHeader('docker-content-digest', `sha256:${sha256Hex(body)}`)
  return send(response, body)
}

function sendReferrers(
  response: ServerResponse,
  url: URL,
  repository: string,
  subject: string,
  { manifests, options }: State,
): void {
  const type = options.filters === true ? url.searchParams.get('artifactType') : null
  const all = [...manifests]
    .filter(([key]) => key.startsWith(`${repository}@`))
    .map(([key, body]) => describe(key, body))
    .filter((one) => one.subject === subject && (type === null || one.artifactType === type))
  const start = Number(url.searchParams.get('start') ?? 0)
  const end = start + (options.pageSize ?? Infinity)
  if (end < all.length) {
    const next = new URL(url)
    next.searchParams.set('start', String(end))
    response.setHeader('link', `<${next.pathname}${next.search}>; rel="next"`)
  }
  if (type !== null) response.setHeader('oci-filters-applied', 'artifactType')
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  response.setHeader('content-type', mediaType)
  const index = {
    schemaVersion: 2,
    mediaType,
    manifests: all.slice(start, end).map(({ mediaType, digest, size, artifactType }) => ({
      mediaType,
      digest,
      size,
      artifactType,
    })),
  }
  response.end(JSON.stringify(index))
}

function describe(key: string, body: Buffer) {
  const digest = key.slice(key.indexOf('@') + 1)
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  try {
    const json = JSON.parse(body.toString()) as {
      artifactType?: string
      config?: { mediaType: string }
      subject?: { digest: string }
    }
    const artifactType = json.artifactType ?? json.config?.mediaType
    return { mediaType, digest, size: body.length, artifactType, subject: json.subject?.digest }
  } catch {
    return { mediaType, digest, size: body.length, artifactType: undefined, subject: undefined }
  }
}

function send(response: ServerResponse, body: Buffer | undefined): void {
  const errors: Json = { errors: [{ code: 'NOT_FOUND' }] }
  if (body === undefined) response.writeHead(404).end(JSON.stringify(errors))
  else response.end(body)
}

function isLetIn(request: IncomingMessage, { options: { auth } }: State): boolean {
  if (auth === undefined) return true
  if (request.method !== 'GET' && auth.writes !== true) return true
  const wanted = auth.kind === 'token' ? `Bearer ${token}` : basic(auth)
  const { authorization } = request.headers
  if (auth.everybody === 'served' && authorization === `Bearer ${tokenOfEverybody}`) return true
  return authorization === wanted
}

function isNobody(authorization: string, { options: { auth } }: State): boolean {
  return auth?.everybody === 'not found' && authorization === `Bearer ${tokenOfEverybody}`
}

function challenge(response: ServerResponse, { options: { auth }, base }: State): void {
  const how =
    auth?.kind === 'token' ? `Bearer realm="${base}/token",service="test"` : 'Basic realm="test"'
  response.writeHead(401, { 'www-authenticate': how }).end()
}

function giveToken(
  authorization: string,
  url: URL,
  response: ServerResponse,
  { options: { auth } }: State,
): void {
  const isRight = auth !== undefined && authorization === basic(auth)
  const scope = url.searchParams.get('scope') ?? ''
  const isEverybody = auth?.everybody !== undefined && authorization === ''
  if (isEverybody) response.end(JSON.stringify({ token: tokenOfEverybody }))
  else if (!isRight || !/^repository:.+:pull(?:,push)?$/.test(scope)) response.writeHead(401).end()
  else response.end(JSON.stringify({ token }))
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
