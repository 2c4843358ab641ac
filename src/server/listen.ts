import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { SallyportError } from '#error'
import { checkHead } from './check-head.ts'
import { networkOf } from './network.ts'
import { PiecewiseResponse } from './piecewise-response.ts'
import { problemResponseOf } from './problem-response.ts'
import { openSlots, SlottedRequest, type Slot, type Slots } from './slots.ts'
import { createSecure, type TlsFiles } from './tls.ts'
import { openTurns } from './turns.ts'
import { openUntaken } from './untaken.ts'

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
  /** Writes what went wrong, where clients expect another form than ours. */
  readonly refuse?: (request: IncomingMessage, response: ServerResponse, error: unknown) => void
  /** Told of what was not foreseen. MUST NOT throw. */
  readonly onError?: (error: unknown, request: IncomingMessage) => void
}

export interface ListenLimits {
  /** Requests that are answered at the same time; more are told to come back. */
  readonly concurrent: number
  /** Connections that are held at the same time; more are closed. */
  readonly connections: number
  /** Connections that one address, or the /64 of one of IPv6, may hold; without it as many as all together. */
  readonly perAddress?: number
  /** Within which a request, headers and body, must have arrived. */
  readonly requestSeconds: number
  /**
   * Who takes nothing of its answer for so long is cut off; default 300. The buffers of a connection tell of it in steps of up to
   * two megabytes.
   */
  readonly takeSeconds?: number
  /**
   * What is left of all answers together; default 128 MiB. Beyond it who has taken nothing for longest is cut off, but
   * nobody who takes all the time; beyond twice as much who came last.
   */
  readonly untakenBytes?: number
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
  /** When the certificate in use ends; undefined without TLS. */
  readonly certificateEnds: Date | undefined
  /** Takes nothing new, answers what it has, and is closed; after `seconds` it is closed in any case. */
  drain(seconds: number): Promise<void>
}

const maxHeaderBytes = 16 * 1024
const maxHeaders = 100
const headersMs = 5000
const keepAliveMs = 65_000
const checkMs = 1000
const takeSeconds = 300
const untakenBytes = 128 * 1024 * 1024
const idleMs = 20

/**
 * Listens, with bounds on everything that a client can make large or slow: connections, requests at a time, headers, and
 * the time until a request has arrived. The handler bounds the body.
 *
 * @throws SallyportError SERVER_LISTEN, SERVER_TLS
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, tls, limits } = options
  const slots = openSlots(limits.concurrent)
  const untaken = openUntaken({
    seconds: limits.takeSeconds ?? takeSeconds,
    bytes: limits.untakenBytes ?? untakenBytes,
  })
  const state: State = { slots, inFlight: 0, untaken, draining: false }
  const timing = {
    headersTimeout: Math.min(headersMs, limits.requestSeconds * 1000),
    requestTimeout: limits.requestSeconds * 1000,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkMs,
    maxHeaderSize: maxHeaderBytes,
    // Two lengths in one request are how one request is smuggled into another.
    insecureHTTPParser: false,
    requireHostHeader: true,
    IncomingMessage: SlottedRequest,
    ServerResponse: PiecewiseResponse,
  }
  const turns = openTurns()
  const onRequest = (request: SlottedRequest, response: PiecewiseResponse): void =>
    turns(request.socket, response, () => void answer(request, response, options, state))
  const secure = tls === undefined ? undefined : await createSecure(tls)
  const server =
    secure === undefined
      ? createHttp(timing, onRequest)
      : createHttps(
          // Who never ends the handshake holds a connection as well as who never ends the headers.
          { ...timing, ...secure.options, handshakeTimeout: timing.headersTimeout },
          onRequest,
        )
  secure?.follow(server as ReturnType<typeof createHttps>)
  server.maxHeadersCount = maxHeaders
  server.maxConnections = limits.connections
  shareConnections(server, limits.perAddress ?? limits.connections)
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
    get certificateEnds() {
      return secure?.ends
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

/** What is beyond the share of one address, or network of IPv6, is closed before a byte of it is read. */
function shareConnections(server: NetServer, most: number): void {
  const held = new Map<string, number>()
  server.on('connection', (socket) => {
    const from = networkOf(socket.remoteAddress ?? '')
    const count = (held.get(from) ?? 0) + 1
    held.set(from, count)
    socket.once('close', () => {
      const left = (held.get(from) ?? 1) - 1
      if (left > 0) held.set(from, left)
      else held.delete(from)
    })
    if (count > most) socket.destroy()
  })
}

const whyNot: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program that listens there (EADDRINUSE)',
  EADDRNOTAVAIL: 'an address of another machine (EADDRNOTAVAIL)',
  EACCES: 'a port that this user may not take (EACCES)',
  ENOTFOUND: 'a name that has no address (ENOTFOUND)',
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
            where: `serve.host, serve.port: ${host}:${port}`,
            expected: 'an address of this machine that is free',
            found: whyNot[cause.code ?? ''] ?? cause.code ?? cause.message,
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
  readonly slots: Slots
  inFlight: number
  readonly untaken: ReturnType<typeof openUntaken>
  draining: boolean
}

async function answer(
  request: SlottedRequest,
  response: PiecewiseResponse,
  { handler, onDone, onError, refuse = sendProblem }: ListenOptions,
  state: State,
): Promise<void> {
  const began = performance.now()
  response.on('error', () => undefined)
  state.inFlight += 1
  let slot: Slot | undefined
  try {
    if (state.draining) throw draining()
    checkHead(request)
    slot = state.slots.open(request)
    await handler(request, response)
  } catch (error) {
    if (!(error instanceof SallyportError)) onError?.(error, request)
    refuse(request, response, error)
  } finally {
    state.inFlight -= 1
    slot?.close()
    state.untaken.add(response)
    onDone?.({
      method: request.method ?? '',
      url: request.url ?? '',
      status: response.statusCode,
      seconds: (performance.now() - began) / 1000,
    })
  }
}

function draining(): SallyportError {
  return new SallyportError({
    code: 'SERVER_DRAINING',
    where: 'gate',
    expected: 'a gate that runs',
    found: 'one that is being stopped',
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
