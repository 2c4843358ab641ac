import {
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { quote, SallyportError } from '#error'
import { openDeadline } from '../deadline.ts'
import { unavailable } from '../unavailable.ts'
import { bareAddress, reachOf } from './addresses.ts'
import { openAgents, type Agents, type Limit } from './agents.ts'
import { openBody, readBody } from './body.ts'

/** Bounds of one call. Times are in milliseconds; `totalMs` covers all redirects. */
export interface HttpLimits {
  /** Until a new connection is there. */
  readonly connectMs: number
  readonly idleMs: number
  readonly totalMs: number
  readonly redirects: number
  /** How long a connection is kept that nobody uses. */
  readonly keptMs: number
}

/** How gathering speaks to servers. Safe by default: TLS with verified certificates, except to this very machine. */
export interface HttpOptions {
  /** Certificates of private authorities (PEM), believed beside those of the system. */
  readonly ca?: readonly string[]
  /** Hosts (`host` or `host:port`) that are spoken to without TLS. Default: this machine only. */
  readonly plainHttp?: readonly string[]
  /** Addresses that are otherwise refused, such as a link-local one where a registry really is. */
  readonly allowAddresses?: readonly string[]
  readonly limits?: Partial<HttpLimits>
  /** Connections to one host at a time; default 16. */
  readonly maxSockets?: number
}

export interface HttpRequest {
  /** What is asked for, in words, for messages. */
  readonly what: string
  readonly accept: string
  readonly maxBytes: number
  readonly authorization?: string
  /** How far inside the first hop may lead; default: anywhere that is not forbidden, because the caller named it. */
  readonly limit?: Limit
  /** A form to post instead of a GET. */
  readonly form?: string
  /** Something to write instead of a GET. It is never sent anywhere else than to the address given. */
  readonly content?: HttpContent
  readonly signal?: AbortSignal
}

export interface HttpContent {
  readonly method: 'POST' | 'PUT'
  readonly type: string
  readonly bytes: Uint8Array
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
  /** Where the server lies that the first hop led to; what it names may lie no further inside. */
  readonly limit: Limit
  /** The address that answered. */
  readonly url: URL
}

/** An answer whose body is read while it arrives. */
export interface HttpStream extends HttpAnswer {
  /**
   * The bytes, at most `maxBytes`, where the status is 200; otherwise `body` has them. It MUST be read or returned from.
   * It fails when it is cut off, too large, or silent for too long.
   */
  readonly content?: AsyncGenerator<Uint8Array>
}

export interface HttpClient {
  /** The scheme in which a host is spoken to. */
  schemeOf(host: string): 'http:' | 'https:'
  /**
   * Asks once and follows redirects: bounded, never in a circle, never from TLS to plain text, never further inside
   * than the first server lies, and with the credentials only to the host and port they were given for.
   *
   * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE, which names the host
   */
  send(url: URL, request: HttpRequest): Promise<HttpAnswer>
  /** The same, for what is too large to be held. The time is for the head of the answer; the body ends with `signal`. */
  stream(url: URL, request: HttpRequest): Promise<HttpStream>
  close(): void
}

const defaults: HttpLimits = {
  connectMs: 5_000,
  idleMs: 10_000,
  totalMs: 30_000,
  redirects: 5,
  keptMs: 15_000,
}

interface Context {
  readonly agents: Agents
  readonly limits: HttpLimits
  readonly schemeOf: (host: string) => 'http:' | 'https:'
}

/** Opens a client; it keeps connections until it is closed. */
export function openHttp(options: HttpOptions = {}): HttpClient {
  const { ca = [], plainHttp, allowAddresses = [], maxSockets = 16 } = options
  const isPlain = (host: string): boolean =>
    plainHttp === undefined ? isThisMachine(host) : plainHttp.includes(host)
  const schemeOf = (host: string): 'http:' | 'https:' => (isPlain(host) ? 'http:' : 'https:')
  const limits = { ...defaults, ...options.limits }
  const agents = openAgents(ca, allowAddresses, { maxSockets, keptMs: limits.keptMs })
  const context: Context = { agents, limits, schemeOf }
  return {
    schemeOf,
    send: (url, request) => follow(url, request, context, readWhole),
    stream: (url, request) => follow(url, request, context, readLater),
    close: () => agents.close(),
  }
}

type Read = (
  response: IncomingMessage,
  host: string,
  hop: Hop & Pick<HttpLimits, 'idleMs'>,
) => Promise<Pick<HttpStream, 'body' | 'content'>>

const readWhole: Read = async (response, host, hop) => ({
  body: await readBody(response, host, hop),
})

const readLater: Read = async (response, host, hop) =>
  response.statusCode === 200
    ? { body: new Uint8Array(), content: openBody(response, host, hop) }
    : readWhole(response, host, hop)

async function follow(
  first: URL,
  request: HttpRequest,
  context: Context,
  read: Read,
): Promise<HttpStream> {
  // For a body that is read later, the signal of who asks goes on to count, and this one does not.
  using late = openDeadline(context.limits.totalMs)
  const { signal } = request
  const signals = signal === undefined ? [late.signal] : [late.signal, signal]
  return await followAll(first, { ...request, signals }, context, read)
}

interface Signals {
  /** Each of them ends it. */
  readonly signals: readonly AbortSignal[]
}

async function followAll(
  first: URL,
  request: HttpRequest & Signals,
  context: Context,
  read: Read,
): Promise<HttpStream> {
  const { redirects } = context.limits
  const seen = new Set<string>()
  let url = first
  let limit = request.limit ?? 'loopback'
  for (;;) {
    seen.add(url.href)
    const authorization = url.origin === first.origin ? request.authorization : undefined
    const hop = { ...request, authorization }
    const answer = await ask(url, { hop, limit, context, read }).catch((cause: unknown) => {
      throw url.host === first.host ? cause : ledTo(first, url, cause)
    })
    // Only the first server was named by the caller: the others may lie as deep as it does, and no deeper.
    if (seen.size === 1) limit = answer.limit
    const next = redirectOf(answer, url, request)
    if (next === undefined) return { ...answer, limit }
    const target = quote(next.origin, 200)
    if (seen.has(next.href)) {
      throw unavailable(url.host, 'an answer', `redirects in a circle, through ${target}`)
    }
    if (seen.size > redirects) {
      throw unavailable(url.host, `at most ${redirects} redirects`, `one more, to ${target}`)
    }
    url = next
  }
}

/** Refuses an address before anything is sent to it. Names are judged when they are resolved. */
function check(url: URL, limit: Limit, { agents, schemeOf }: Context): void {
  if (url.protocol !== 'https:' && schemeOf(url.host) !== 'http:') {
    throw unavailable(
      url.host,
      'TLS, or a host that may be spoken to without it',
      quote(url.origin, 200),
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw unavailable(url.host, 'an address without a name and password', 'one with them')
  }
  const address = bareAddress(url.hostname)
  if (isIP(address) !== 0 && !agents.isPermitted(address, limit)) {
    throw unavailable(
      url.host,
      'an address where evidence may be looked for',
      `${quote(address)}, which is not allowed there`,
    )
  }
}

type Hop = Omit<HttpRequest, 'authorization' | 'signal'> &
  Signals & { readonly authorization: string | undefined }

interface Asked {
  readonly hop: Hop
  readonly limit: Limit
  readonly context: Context
  readonly read: Read
}

async function ask(url: URL, { hop, limit, context, read }: Asked): Promise<HttpStream> {
  check(url, limit, context)
  try {
    const response = await connect(url, hop, limit, context)
    const { remoteAddress = '' } = response.socket
    const reach = reachOf(remoteAddress)
    const status = response.statusCode ?? 0
    const parts = await read(response, url.host, { ...hop, idleMs: context.limits.idleMs })
    // An address that is forbidden and was let in by name is as far outside as any other.
    return {
      status,
      headers: response.headers,
      ...parts,
      limit: reach === 'forbidden' ? 'public' : reach,
      url,
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw unavailable(url.host, hop.what, failure(cause, hop), cause)
  }
}

function connect(
  url: URL,
  hop: Hop,
  limit: Limit,
  context: Context,
  isAgain = false,
): Promise<IncomingMessage> {
  const { authorization, accept, signals } = hop
  const content = contentOf(hop)
  const headers = {
    accept,
    'accept-encoding': 'identity',
    'user-agent': 'sallyport',
    ...(authorization === undefined ? {} : { authorization }),
    ...(content === undefined
      ? {}
      : { 'content-type': content.type, 'content-length': content.bytes.length }),
  }
  const options = {
    agent: context.agents.for(url.protocol, limit),
    headers,
    method: content?.method ?? 'GET',
  }
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
    watch(request, url.protocol === 'https:', context.limits)
    for (const signal of signals) endWith(request, signal)
    let answer: IncomingMessage | undefined
    request.on('response', (response) => resolve((answer = response)))
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(new Error('status 101'))
    })
    // Whatever else ends the request without an answer ends the waiting for one.
    request.on('close', () => reject(new Error('no answer')))
    request.on('error', (error: NodeJS.ErrnoException) => {
      // Without a length Node takes what came before a reset for the whole.
      if (answer?.complete === false) answer.destroy(error)
      const isNew = isAgain || !request.reusedSocket || answer !== undefined
      // The server closed a kept connection just when it was to be used again: that is no answer of any kind.
      if (!isNew && error.code === 'ECONNRESET') resolve(connect(url, hop, limit, context, true))
      else reject(error)
    })
    request.end(content?.bytes)
  })
}

/** Ends a request with a signal. The option of Node for that listens to whatever else could end it, for each request. */
function endWith(request: ClientRequest, signal: AbortSignal): void {
  const end = (): void => void request.destroy(new Error('there is no time left'))
  if (signal.aborted) return end()
  signal.addEventListener('abort', end, { once: true })
  request.once('close', () => signal.removeEventListener('abort', end))
}

function contentOf({ form, content }: Hop): HttpContent | undefined {
  if (form === undefined) return content
  return {
    method: 'POST',
    type: 'application/x-www-form-urlencoded',
    bytes: Buffer.from(form, 'utf8'),
  }
}

/** Who waits until another request gives its connection back is bounded by the whole time only: no server is slow there. */
function watch(request: ClientRequest, isSecure: boolean, limits: HttpLimits): void {
  const { connectMs, idleMs } = limits
  request.on('socket', (socket) => {
    // One that others have used may come by way of the queue, and is then not said to be reused.
    if (!socket.connecting) return
    const late = setTimeout(
      () => request.destroy(new Error(`no connection within ${connectMs} ms`)),
      connectMs,
    )
    const done = (): void => clearTimeout(late)
    socket.once(isSecure ? 'secureConnect' : 'connect', done)
    request.on('close', done)
  })
  request.setTimeout(idleMs, () => request.destroy(new Error(`silence for ${idleMs} ms`)))
}

function redirectOf(
  { status, headers }: HttpAnswer,
  from: URL,
  request: HttpRequest,
): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined
  const to = URL.parse(headers.location ?? '', from.href)
  if (to === null || !['http:', 'https:'].includes(to.protocol)) {
    throw unavailable(from.host, request.what, `status ${status} to no http or https address`)
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    const target = quote(to.origin, 200)
    throw unavailable(from.host, 'redirects that keep TLS', `one to ${target}`)
  }
  if (request.form !== undefined || request.content !== undefined) {
    throw unavailable(from.host, 'an answer where something was sent', `status ${status}`)
  }
  to.username = ''
  to.password = ''
  to.hash = ''
  return to
}

/** A failure of a server that nobody named: the one that led there is the dependency. */
function ledTo(first: URL, url: URL, cause: unknown): unknown {
  if (!(cause instanceof SallyportError)) return cause
  const found = `${cause.found}, at ${quote(url.host, 200)}, where it redirects to`
  return unavailable(first.host, cause.expected, found, cause)
}

function failure(cause: unknown, { signals }: Signals): string {
  if (signals.some(({ aborted }) => aborted)) return 'no complete answer within the time given'
  if (!(cause instanceof Error)) return 'an unknown failure'
  const { code } = cause as NodeJS.ErrnoException
  return code === undefined ? quote(cause.message, 200) : code
}

/** Loopback, by address or by its one name. */
function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?$/.test(host)
}
