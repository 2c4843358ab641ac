import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { SallyportError } from '#error'
import { problemResponseOf } from './problem-response.ts'
import { createSecure, type TlsFiles } from './tls.ts'

/** Answers one request, completely, or throws before it has written anything. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Without it plain HTTP is spoken; whoever wires this decides where that may be. */
  readonly tls?: TlsFiles
  readonly limits: ListenLimits
  readonly handler: Handler
  /** Told of every request that is over. MUST NOT throw. */
  readonly onDone?: (done: Done) => void
  /** Told of what was not foreseen. MUST NOT throw. */
  readonly onError?: (error: unknown, request: IncomingMessage) => void
}

export interface ListenLimits {
  /** Requests that are answered at the same time; more are told to come back. */
  readonly concurrent: number
  /** Connections that are held at the same time; more are closed. */
  readonly connections: number
  /** Within which a request, headers and body, must have arrived. */
  readonly requestSeconds: number
}

export interface Done {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly seconds: number
}

/** A server that listens. */
export interface Listener {
  /** Such as `https://127.0.0.1:8443`. */
  readonly address: string
  readonly inFlight: number
  /** Takes nothing new, answers what it has, and is closed; after `seconds` it is closed in any case. */
  drain(seconds: number): Promise<void>
}

const maxHeaderBytes = 16 * 1024
const maxHeaders = 100
const headersMs = 5000
const keepAliveMs = 65_000
const checkMs = 1000
const idleMs = 20

/**
 * Listens, with bounds on everything that a client can make large or slow: connections, requests at a time, headers, and
 * the time until a request has arrived. The handler bounds the body.
 *
 * @throws SallyportError SERVER_LISTEN, SERVER_TLS
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, tls, limits } = options
  const state = { inFlight: 0, draining: false }
  const timing = {
    headersTimeout: Math.min(headersMs, limits.requestSeconds * 1000),
    requestTimeout: limits.requestSeconds * 1000,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkMs,
    maxHeaderSize: maxHeaderBytes,
    // Two lengths in one request are how one request is smuggled into another.
    insecureHTTPParser: false,
    requireHostHeader: true,
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response, options, state)
  }
  const secure = tls === undefined ? undefined : await createSecure(tls)
  const server =
    secure === undefined
      ? createHttp(timing, onRequest)
      : createHttps({ ...timing, ...secure.options }, onRequest)
  secure?.follow(server as ReturnType<typeof createHttps>)
  server.maxHeadersCount = maxHeaders
  server.maxConnections = limits.connections
  try {
    await start(server, host, port)
  } catch (error) {
    secure?.close()
    throw error
  }
  return {
    address: `${tls === undefined ? 'http' : 'https'}://${addressOf(server.address() as AddressInfo)}`,
    get inFlight() {
      return state.inFlight
    },
    async drain(seconds) {
      state.draining = true
      secure?.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // A connection is idle again as soon as its answer is out: it must not wait for the client to give it up.
      const idle = setInterval(() => server.closeIdleConnections(), idleMs)
      const over = setTimeout(() => server.closeAllConnections(), seconds * 1000)
      await closed
      clearInterval(idle)
      clearTimeout(over)
    },
  }
}

async function start(
  server: ReturnType<typeof createHttp> | ReturnType<typeof createHttps>,
  host: string,
  port: number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new SallyportError(
          {
            code: 'SERVER_LISTEN',
            where: `server.listen ${host}:${port}`,
            expected: 'an address of this machine that is free',
            found: cause.code ?? cause.message,
            fix: 'Choose another address or port, or stop what listens there',
          },
          { cause },
        ),
      ),
    )
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      server.on('error', () => undefined)
      resolve()
    })
  })
}

function addressOf({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

interface State {
  inFlight: number
  readonly draining: boolean
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handler, limits, onDone, onError }: ListenOptions,
  state: State,
): Promise<void> {
  const began = performance.now()
  response.on('error', () => undefined)
  state.inFlight += 1
  try {
    if (state.draining) throw turnedAway('SERVER_DRAINING')
    if (state.inFlight > limits.concurrent) throw turnedAway('SERVER_BUSY')
    await handler(request, response)
  } catch (error) {
    if (!(error instanceof SallyportError)) onError?.(error, request)
    sendProblem(request, response, error)
  } finally {
    state.inFlight -= 1
    onDone?.({
      method: request.method ?? '',
      url: request.url ?? '',
      status: response.statusCode,
      seconds: (performance.now() - began) / 1000,
    })
  }
}

function turnedAway(code: 'SERVER_BUSY' | 'SERVER_DRAINING'): SallyportError {
  return new SallyportError({
    code,
    where: 'gate',
    expected: 'room for one more request',
    found: code === 'SERVER_BUSY' ? 'none' : 'a gate that is being stopped',
    fix: 'Ask again in a second; if it stays so, run more replicas of the gate',
  })
}

/** Answers with what went wrong. When half an answer is out already, the connection is cut: nobody may take it for whole. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, headers, body } = problemResponseOf(error)
  // What is left of the body is not read: the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close')
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
