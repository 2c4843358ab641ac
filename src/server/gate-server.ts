import { getRequestListener } from '@hono/node-server'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { quote, SallyportError } from '#error'
import { openAccess, refusedOf, type RefusedAccess } from './access/access.ts'
import { findCertificate } from './access/certificate.ts'
import type { Role } from './access/principal.ts'
import type { AccessSettings } from './access/settings.ts'
import type { Journal } from './journal.ts'
import { listen, type Listener, type ListenLimits } from './listen.ts'
import type { Metrics } from './metrics.ts'
import { answerAdmission } from './routes/admission.ts'
import { openApiRoutes, patterns } from './routes/api.ts'
import { answerLogFile } from './routes/log-files.ts'
import type { GateService } from './routes/ports.ts'
import type { TlsFiles } from './tls.ts'
import { checkMethod, reading } from './wrong-method.ts'

export interface GateServerOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles
  readonly limits: ListenLimits
  readonly access: AccessSettings
  /** Subjects of client certificates that may send AdmissionReviews; empty: whoever reaches the gate, and nobody is believed to be who they say. */
  readonly admissionClients: readonly string[]
  /** What everybody may read, without saying who they are. */
  readonly open: { readonly log: boolean; readonly metrics: boolean }
  readonly service: GateService
  readonly metrics: Metrics
  readonly journal: Journal
  readonly clock: () => Date
  /** Told of everybody who is refused. MUST NOT throw. */
  readonly onRefused?: (refused: RefusedAccess) => void
}

/** Starts the gate: admission, the API, the log, health and metrics at one address. */
export async function startGateServer(options: GateServerOptions): Promise<Listener> {
  const { service, metrics, journal, clock, open, onRefused = () => undefined } = options
  const access = openAccess(options.access, clock, { routeOf, onRefused })
  const api = openApiRoutes(service, access, (error) => journal.error('request failed', error))
  const answerApi = getRequestListener(api.fetch, {
    overrideGlobalObjects: false,
    // For HTTP/1.0, which needs no Host.
    hostname: 'gate',
    errorHandler: (error) => {
      throw error instanceof Error && error.name === 'RequestError' ? unreadable(error) : error
    },
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request)
    const place = places.find((one) => isAt(one, path))
    if (place === undefined) return answerApi(request, response)
    checkMethod(request.method ?? '', place.methods ?? reading, path)
    const isOpen = place.roles === 'everybody' || (place.opened !== undefined && open[place.opened])
    const isProven = place.roles === 'API servers' && provenClient(request, options)
    if (!isOpen && typeof place.roles !== 'string') await access.require(request, place.roles)
    await place.handle({ request, response, path, service, metrics, isOpen, isProven })
  }
  return await listen({
    ...options,
    handler: answer,
    onDone: ({ url, status, seconds }) => metrics.request({ route: routeOf(url), status, seconds }),
    onError: (error, { method }) => journal.error('request failed', error, { method }),
  })
}

/** What the API cannot make an address of is a mistake of who asks, and no failure of the gate. */
function unreadable(cause: Error): SallyportError {
  return new SallyportError(
    {
      code: 'REQUEST_PARAMETER',
      where: 'request target and Host',
      expected: 'an address that /openapi.json lists, at the name of a host',
      found: quote(cause.message, 100),
      fix: 'Send the request to the address of the gate, as it is',
    },
    { cause },
  )
}

/** @throws SallyportError ACCESS_UNAUTHENTICATED where only some may ask, and this is none of them */
function provenClient(
  request: IncomingMessage,
  { admissionClients: clients, clock, onRefused }: GateServerOptions,
): boolean {
  if (clients.length === 0) return false
  const grants = clients.map((subject) => ({ subject, roles: [] }))
  if (findCertificate(request, grants, clock()) !== undefined) return true
  onRefused?.(refusedOf(request, { routeOf }))
  throw new SallyportError({
    code: 'ACCESS_UNAUTHENTICATED',
    where: 'admission',
    expected: 'a client certificate of an API server that admission.clients names',
    found: 'none that is valid',
    fix: 'Give the API server a client certificate for this webhook (its AdmissionConfiguration), and add its subject to admission.clients',
  })
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly service: GateService
  readonly metrics: Metrics
  /** Whether everybody may ask. */
  readonly isOpen: boolean
  /** Whether the client is an API server that `admission.clients` names. */
  readonly isProven: boolean
}

/** What is not part of the API, and who may ask for it. */
export interface Place {
  /** With a `/` at the end: everything below. */
  readonly path: string
  readonly roles: readonly Role[] | 'everybody' | 'API servers'
  /** Left out: it is read. */
  readonly methods?: readonly string[]
  /** The opt-out of the configuration with which everybody may. */
  readonly opened?: keyof GateServerOptions['open']
  readonly handle: (asked: Asked) => Promise<void> | void
}

const admission = (kind: 'validate' | 'pin'): Place['handle'] => {
  return ({ request, response, service, isProven }) =>
    answerAdmission(request, response, service, { kind, isProven })
}
const logFile: Place['handle'] = ({ request, response, path, service, isOpen }) =>
  answerLogFile(request, response, path.slice('/log/'.length), service, { isOpen })

/** The first that fits counts. What is neither here nor a route of the API does not exist. */
export const places: readonly Place[] = [
  {
    path: '/admission/validate',
    roles: 'API servers',
    methods: ['POST'],
    handle: admission('validate'),
  },
  { path: '/admission/pin', roles: 'API servers', methods: ['POST'], handle: admission('pin') },
  // Hashes tell nothing; entries tell who deploys what.
  {
    path: '/log/tile/entries/',
    roles: ['viewer', 'auditor', 'operator'],
    opened: 'log',
    handle: logFile,
  },
  { path: '/log/', roles: 'everybody', handle: logFile },
  {
    path: '/healthz',
    roles: 'everybody',
    handle: ({ response }) => answerText(response, 200, 'ok\n'),
  },
  {
    path: '/readyz',
    roles: 'everybody',
    handle: ({ response, service }) => answerReady(response, service),
  },
  {
    path: '/metrics',
    roles: ['viewer', 'operator'],
    opened: 'metrics',
    handle: async ({ response, metrics }) => answerText(response, 200, await metrics.text()),
  },
]

function isAt({ path }: Place, asked: string): boolean {
  return path.endsWith('/') ? asked.startsWith(path) : asked === path
}

/** How a request is counted: whoever asks may not choose how many rows there are. */
function routeOf(url: string): string {
  const path = pathOf({ url } as IncomingMessage)
  if (path === '/openapi.json') return path
  if (path.startsWith('/log/')) return '/log'
  return (
    places.find((one) => one.path === path)?.path ??
    patterns.find(({ pattern }) => pattern.test(path))?.path ??
    'other'
  )
}

/**
 * Ready is who can answer. A bad push of policies or certificates is told and no more: if it made every replica unready,
 * it would shut the gate.
 */
function answerReady(response: ServerResponse, service: GateService): void {
  const problems = service.health()
  const warnings = service.warnings?.() ?? []
  // Everybody may ask this: the journal has the rest.
  const codes = [...problems, ...warnings].map(({ code }) => `${code}\n`)
  if (problems.length > 0) return answerText(response, 503, codes.join(''))
  answerText(response, 200, ['ready\n', ...codes].join(''))
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
