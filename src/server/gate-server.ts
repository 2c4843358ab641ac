import { getRequestListener } from '@hono/node-server'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SallyportError } from '#error'
import { openAccess } from './access/access.ts'
import { findCertificate } from './access/certificate.ts'
import type { Role } from './access/principal.ts'
import type { AccessSettings } from './access/settings.ts'
import type { Journal } from './journal.ts'
import { listen, type Listener, type ListenLimits } from './listen.ts'
import type { Metrics } from './metrics.ts'
import { answerAdmission } from './routes/admission.ts'
import { openApiRoutes, routes } from './routes/api.ts'
import { answerLogFile } from './routes/log-files.ts'
import type { GateService } from './routes/ports.ts'
import type { TlsFiles } from './tls.ts'

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
}

const readers: readonly Role[] = ['viewer', 'auditor', 'operator']

/** Starts the gate: admission, the API, the log, health and metrics at one address. */
export async function startGateServer(options: GateServerOptions): Promise<Listener> {
  const { service, metrics, journal, clock, open } = options
  const access = openAccess(options.access, clock)
  const api = openApiRoutes(service, access, (error) => journal.error('request failed', error))
  const answerApi = getRequestListener(api.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      throw error
    },
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request)
    const webhook = webhooks.get(path)
    if (webhook !== undefined) {
      const isProven = provenClient(request, options.admissionClients)
      return answerAdmission(request, response, service, { kind: webhook, isProven })
    }
    if (path.startsWith('/log/')) {
      // Hashes tell nothing; entries tell who deploys what.
      if (path.startsWith('/log/tile/entries') && !open.log) await access.require(request, readers)
      return answerLogFile(request, response, path.slice(5), service)
    }
    if (path === '/healthz') return answerText(response, 200, 'ok\n')
    if (path === '/readyz') return answerReady(response, service)
    if (path === '/metrics') {
      if (!open.metrics) await access.require(request, ['viewer', 'operator'])
      return answerText(response, 200, await metrics.text())
    }
    await answerApi(request, response)
  }
  return await listen({
    ...options,
    handler: answer,
    onDone: ({ url, status, seconds }) => metrics.request({ route: routeOf(url), status, seconds }),
    onError: (error, { method }) => journal.error('request failed', error, { method }),
  })
}

/** @throws SallyportError ACCESS_UNAUTHENTICATED where only some may ask, and this is none of them */
function provenClient(request: IncomingMessage, clients: readonly string[]): boolean {
  if (clients.length === 0) return false
  const grants = clients.map((subject) => ({ subject, roles: [] }))
  if (findCertificate(request, grants) !== undefined) return true
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

const webhooks: ReadonlyMap<string, 'validate' | 'pin'> = new Map([
  ['/admission/validate', 'validate'],
  ['/admission/pin', 'pin'],
] as const)
const fixed = new Set([...webhooks.keys(), '/healthz', '/readyz', '/metrics', '/openapi.json'])
const patterns = routes.map(({ path }) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}))

/** How a request is counted: whoever asks may not choose how many rows there are. */
function routeOf(url: string): string {
  const path = pathOf({ url } as IncomingMessage)
  if (fixed.has(path)) return path
  if (path.startsWith('/log/')) return '/log'
  return patterns.find(({ pattern }) => pattern.test(path))?.path ?? 'other'
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
