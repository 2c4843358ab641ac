import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SallyportError, type Problem } from '#error'
import type { Witness, WitnessAnswer } from '#log'
import { readBody } from './body.ts'
import type { Journal } from './journal.ts'
import { listen, type Listener, type ListenLimits } from './listen.ts'
import type { Metrics } from './metrics.ts'
import type { TlsFiles } from './tls.ts'

export interface WitnessServerOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles
  readonly limits: ListenLimits
  readonly open: { readonly metrics: boolean }
  readonly witness: Witness
  readonly metrics: Metrics
  readonly journal: Journal
  /** What keeps the witness from cosigning. */
  readonly health: () => readonly Problem[]
  /** What somebody should look at, and does not keep it from cosigning. */
  readonly warnings: () => readonly Problem[]
}

/** A checkpoint with 16 signatures of ML-DSA-44, and the longest proof. */
const maxBody = 64 * 1024

/**
 * Starts a witness (C2SP tlog-witness): nobody has to say who they are, because a checkpoint is believed by the signature
 * of its log, and what was cosigned is public.
 */
export async function startWitnessServer(options: WitnessServerOptions): Promise<Listener> {
  const { witness, metrics, journal } = options
  const byHash = new Map(witness.origins.map((origin) => [hashOf(origin), origin]))
  const place = { ...options, byHash, tell: openTelling(journal) }
  return await listen({
    ...options,
    handler: (request, response) => answer(request, response, place),
    onDone: ({ url, status, seconds }) => metrics.request({ route: routeOf(url), status, seconds }),
    onError: (error, { method }) => journal.error('request failed', error, { method }),
  })
}

interface Place extends WitnessServerOptions {
  readonly byHash: ReadonlyMap<string, string>
  readonly tell: (answer: WitnessAnswer) => void
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  place: Place,
): Promise<void> {
  const { method = '', url = '/' } = request
  const { witness, tell } = place
  if (method === 'POST' && url === '/add-checkpoint') {
    const told = await witness.addCheckpoint(await readBody(request, maxBody))
    tell(told)
    return answerTold(response, told)
  }
  const isRead = method === 'GET' || method === 'HEAD'
  const isAnswered = isRead && (await answerRead(url, response, place))
  if (!isAnswered) throw new SallyportError(notThere(`${method} ${url}`.slice(0, 200), witness))
}

/** Whether there is something at this address. */
async function answerRead(
  url: string,
  response: ServerResponse,
  { witness, byHash, health, warnings, open, metrics }: Place,
): Promise<boolean> {
  const text = 'text/plain; charset=utf-8'
  const origin = byHash.get(/^\/([0-9a-f]{64})\/checkpoint$/.exec(url)?.[1] ?? '')
  const newest = origin === undefined ? undefined : await witness.newest(origin)
  if (newest !== undefined) send(response, 200, text, newest)
  else if (url === '/healthz') send(response, 200, text, 'ok\n')
  else if (url === '/readyz') answerReady(response, health(), warnings())
  else if (url === '/metrics' && open.metrics) send(response, 200, text, await metrics.text())
  else return false
  return true
}

function answerTold(response: ServerResponse, told: WitnessAnswer): void {
  switch (told.kind) {
    case 'cosigned':
      return send(response, 200, 'text/plain; charset=utf-8', told.lines)
    case 'stale':
      return send(response, 409, 'text/x.tlog.size', `${told.size}\n`)
    case 'refused': {
      const body = JSON.stringify({ problems: [told.problem] })
      return send(response, told.status, 'application/problem+json', body)
    }
  }
}

/**
 * Anybody can send again what a log has signed, as it is or with another proof: of each tree that is cosigned the journal is
 * told once, and once of each way in which others do not extend it.
 */
function openTelling(journal: Journal): (answer: WitnessAnswer) => void {
  const told = new Map<string, { readonly size: number; readonly codes: Set<string> }>()
  return (answer) => {
    if (answer.kind === 'cosigned') {
      const { origin, size } = answer
      if (told.get(origin)?.size === size) return
      told.set(origin, { size, codes: new Set() })
      journal.write('info', 'cosigned', { origin, size })
    } else if (answer.kind === 'refused' && answer.status === 422) {
      const { origin, problem } = answer
      const { size, codes } = told.get(origin) ?? { size: -1, codes: new Set() }
      if (codes.has(problem.code)) return
      told.set(origin, { size, codes: codes.add(problem.code) })
      journal.write('error', 'not cosigned', { problems: [problem] })
    }
  }
}

function answerReady(
  response: ServerResponse,
  problems: readonly Problem[],
  warnings: readonly Problem[],
): void {
  const isReady = problems.length === 0
  const codes = [...problems, ...warnings].map(({ code }) => `${code}\n`)
  const text = [...(isReady ? ['ready\n'] : []), ...codes].join('')
  return send(response, isReady ? 200 : 503, 'text/plain', text)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

function routeOf(url: string): string {
  if (/^\/[0-9a-f]{64}\/checkpoint$/.test(url)) return '/{origin}/checkpoint'
  return ['/add-checkpoint', '/healthz', '/readyz', '/metrics'].includes(url) ? url : 'other'
}

function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}

function notThere(found: string, { origins }: Witness): Problem {
  const [example = 'ORIGIN'] = origins
  return {
    code: 'REQUEST_NOT_FOUND',
    where: 'witness',
    expected: `POST /add-checkpoint, or GET /HASH/checkpoint with the SHA-256 of an origin that was cosigned, such as ${hashOf(example)} for ${example}`,
    found,
    fix: 'Read https://c2sp.org/tlog-witness, and ask for what it names',
  }
}
