import type { ServerResponse } from 'node:http'
import { SallyportError, type Problem, type ProblemCode } from '#error'
import { phraseOf } from '../phrase.ts'

/** An answer that says no (OCI distribution-spec v1.1, "Error Codes"), or that something cannot be told. */
export interface Refusal {
  readonly status: number
  readonly code: string
  /** One line; registries' clients show it. */
  readonly message: string
  readonly problems: readonly Problem[]
  readonly headers?: Readonly<Record<string, string>>
}

const maxMessage = 2000

/** What a client is told about a problem. */
export function refusalOf(problem: Problem, problems: readonly Problem[] = [problem]): Refusal {
  const { status, code } = kinds[problem.code] ?? { status: 503, code: 'UNAVAILABLE' }
  const { where, expected, found, fix } = problem
  const login = status === 401 ? ' (such as podman login, with the token as the password)' : ''
  const message = `${problem.code}: ${where}: expected ${expected}, found ${found}; fix: ${fix}${login}`
  const headers = {
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="sallyport"' } : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  }
  return { status, code, message, problems, headers }
}

const kinds: Partial<Record<ProblemCode, { readonly status: number; readonly code: string }>> = {
  PROXY_TARGET: { status: 403, code: 'DENIED' },
  PROXY_MANIFEST: { status: 403, code: 'DENIED' },
  PROXY_BLOB: { status: 404, code: 'BLOB_UNKNOWN' },
  PROXY_UPSTREAM: { status: 502, code: 'UNAVAILABLE' },
  EVIDENCE_SOURCE_UNAVAILABLE: { status: 502, code: 'UNAVAILABLE' },
  EVIDENCE_CREDENTIALS: { status: 502, code: 'UNAVAILABLE' },
  ACCESS_UNAUTHENTICATED: { status: 401, code: 'UNAUTHORIZED' },
  ACCESS_FORBIDDEN: { status: 403, code: 'DENIED' },
  REQUEST_PARAMETER: { status: 400, code: 'UNSUPPORTED' },
  SERVER_BUSY: { status: 503, code: 'TOOMANYREQUESTS' },
}

/** What a client is told about anything that was thrown; of what was not foreseen it learns nothing. */
export function refusalOfError(error: unknown): Refusal {
  if (error instanceof SallyportError) {
    const { code, expected, found, fix } = error
    const where = error.where ?? 'gate'
    return refusalOf({ code, where, expected, found, fix }, error.problems)
  }
  const message = 'SERVER_INTERNAL: the proxy failed; the journal of the gate says why'
  return { status: 500, code: 'UNKNOWN', message, problems: [] }
}

/** Writes the answer. When half of another one is out, the connection is cut: nobody may take it for whole. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, headers } = refusal
  const body = refusalBody(refusal)
  // What is left of an upload is not read: the connection cannot be used again.
  if (!response.req.complete) response.setHeader('connection', 'close')
  // There is no body in which it could be read.
  if (response.req.method === 'HEAD') response.statusMessage = phraseOf(refusal.message)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'docker-distribution-api-version': 'registry/2.0',
    ...headers,
  })
  response.end(body)
}

/** `{"errors": [{code, message, detail}]}`; Node leaves the body out where HEAD was asked. */
export function refusalBody({ code, message, problems }: Refusal): string {
  const line = message
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, maxMessage)
    .toWellFormed()
  const detail = problems.length === 0 ? {} : { detail: { problems } }
  return JSON.stringify({ errors: [{ code, message: line, ...detail }] })
}
