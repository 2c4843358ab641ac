import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { quote, SallyportError, type Problem } from '#error'
import type { NpmAccess } from './config.ts'

/** How a body came here: what a fetch log says of it (MAT-35). */
export interface Transport {
  /** Scheme, host and port that gave the body; never credentials, path or query. */
  readonly origin: string
  /** Why the way was not an authenticated one; present only for content whose digest was known before. */
  readonly exception?: 'plain-http' | 'tls-unverified'
}

/** A way to ask registries: connections are kept, one set for all. */
export interface HttpClient {
  /**
   * Asks for an address and hands over the answer's body. Redirects are followed, at most five.
   *
   * With `authenticated: 'required'`, every hop must be HTTPS with a verified certificate (or this very machine);
   * with `'recorded'`, what was not is said in the transport, and the caller MUST know the content's digest.
   */
  fetch<T>(
    url: URL,
    options: FetchOptions,
    read: (body: AsyncIterable<Uint8Array>, transport: Transport) => Promise<T>,
  ): Promise<T>
  close(): void
}

export interface FetchOptions {
  readonly accept: string
  readonly authenticated: 'required' | 'recorded'
  /** What is fetched, for messages. */
  readonly what: string
}

/** The answer was not a body: what the server said, as a value that the caller can look at. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly status: number | undefined
  /** Asking again may help. */
  readonly passing: boolean
  constructor(message: string, status: number | undefined, passing: boolean, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.passing = passing
  }
}

const idleMs = 60_000
// Also an answer that comes byte by byte ends.
const wholeMs = 600_000
const maxRedirects = 5

export function openHttp(access: NpmAccess, sockets = 16): HttpClient {
  const common = { keepAlive: true, maxSockets: sockets, proxyEnv: access.proxy }
  const plain = new HttpAgent(common)
  const secure = new HttpsAgent({
    ...common,
    rejectUnauthorized: !access.tlsUnverified,
    ...(access.ca === undefined ? {} : { ca: [...access.ca] }),
  })
  const agents = { 'http:': plain, 'https:': secure }
  return {
    async fetch(url, options, read) {
      let exception: Transport['exception']
      let current = url
      for (let hop = 0; hop <= maxRedirects; hop += 1) {
        exception = weaker(exception, exceptionOf(current, access))
        if (exception !== undefined && options.authenticated === 'required')
          throw new SallyportError(unauthenticated(options.what, current, exception))
        const answer = await ask(current, agents, access, options)
        const next = redirectOf(answer, current)
        if (next === undefined) return await deliver(answer, current, exception, read)
        answer.resume()
        current = next
      }
      throw new HttpFailure(`more than ${maxRedirects} redirects`, undefined, false)
    },
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

function ask(
  url: URL,
  agents: { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent },
  access: NpmAccess,
  options: FetchOptions,
): Promise<IncomingMessage> {
  const authorization = access.authorization(url)
  const headers = {
    accept: options.accept,
    'user-agent': 'sallyport',
    ...(authorization === undefined ? {} : { authorization }),
  }
  const signal = AbortSignal.timeout(wholeMs)
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(new HttpFailure(nameOf(cause), undefined, true, cause))
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { agent: agents['https:'], headers, signal }, resolve)
        : httpRequest(url, { agent: agents['http:'], headers, signal }, resolve)
    request.setTimeout(idleMs, () => request.destroy(new Error(`silent for ${idleMs / 1000} s`)))
    request.on('error', failed)
    request.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      reject(new HttpFailure(`status ${statusCode}`, statusCode, false))
    })
    request.end()
  })
}

async function deliver<T>(
  answer: IncomingMessage,
  url: URL,
  exception: Transport['exception'],
  read: (body: AsyncIterable<Uint8Array>, transport: Transport) => Promise<T>,
): Promise<T> {
  const status = answer.statusCode ?? 0
  if (status !== 200) {
    answer.resume()
    throw new HttpFailure(
      `status ${status}`,
      status,
      status === 408 || status === 429 || status >= 500,
    )
  }
  const transport =
    exception === undefined ? { origin: url.origin } : { origin: url.origin, exception }
  try {
    return await read(answer as AsyncIterable<Uint8Array>, transport)
  } catch (cause) {
    if (cause instanceof SallyportError || cause instanceof HttpFailure) throw cause
    throw new HttpFailure(nameOf(cause), undefined, true, cause)
  } finally {
    answer.destroy()
  }
}

function redirectOf(answer: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0)) return undefined
  const to = URL.parse(answer.headers.location ?? '', from.href)
  if (to === null || !['http:', 'https:'].includes(to.protocol))
    throw new HttpFailure('a redirect to no http or https address', answer.statusCode, false)
  to.username = ''
  to.password = ''
  return to
}

function exceptionOf(url: URL, access: NpmAccess): Transport['exception'] {
  if (url.protocol === 'https:') return access.tlsUnverified ? 'tls-unverified' : undefined
  return isThisMachine(url.hostname) ? undefined : 'plain-http'
}

function weaker(a: Transport['exception'], b: Transport['exception']): Transport['exception'] {
  return a === 'plain-http' || b === 'plain-http' ? 'plain-http' : (a ?? b)
}

/** Loopback by address, not by name: nothing between here and there can change a byte. */
function isThisMachine(hostname: string): boolean {
  return hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = (cause as NodeJS.ErrnoException).code
  return code === undefined ? cause.message : code
}

function unauthenticated(
  what: string,
  url: URL,
  exception: NonNullable<Transport['exception']>,
): Problem {
  return {
    code: 'MATERIAL_TRANSPORT',
    where: what,
    expected: 'HTTPS with a verified certificate, because no digest is known yet',
    found:
      exception === 'plain-http' ? quote(url.origin) : `${quote(url.origin)} with "strict-ssl" off`,
    fix: 'Set an https registry with `npm config set registry` and leave "strict-ssl" on',
  }
}
