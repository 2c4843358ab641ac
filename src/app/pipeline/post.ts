import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { getCACertificates } from 'node:tls'
import { SallyportError } from '#error'

export interface Posted {
  readonly status: number
  readonly body: Uint8Array
}

export interface GetOptions {
  readonly token: string
  /** PEM certificates of private authorities, believed beside those of the system. */
  readonly ca?: string
  readonly timeoutMs: number
}

export interface PostOptions extends GetOptions {
  readonly body: Uint8Array
}

const maxAnswer = 8 * 1024 * 1024
/** A bundle of 256 entries of a log, each as long as one may be. */
const maxFile = 256 * 65_537

/**
 * Posts to a gate that runs. A redirect is an answer like any other and is never followed: the token is for this address
 * and for no other.
 *
 * @throws SallyportError GATE_UNANSWERED
 */
export async function post(url: URL, { body, ...options }: PostOptions): Promise<Posted> {
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  return await ask(url, { method: 'POST', headers }, { ...options, body, most: maxAnswer })
}

/**
 * The same for a file of the log of a gate that runs.
 *
 * @throws SallyportError GATE_UNANSWERED
 */
export async function get(url: URL, options: GetOptions): Promise<Posted> {
  return await ask(url, { method: 'GET', headers: {} }, { ...options, most: maxFile })
}

interface Asking {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string | number>>
}

type AskOptions = GetOptions & { readonly body?: Uint8Array; readonly most: number }

async function ask(
  url: URL,
  { method, headers }: Asking,
  { token, ca, body, timeoutMs, most }: AskOptions,
): Promise<Posted> {
  const signal = AbortSignal.timeout(timeoutMs)
  const options: RequestOptions = {
    method,
    headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...headers },
    agent: false,
    signal,
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  }
  try {
    const response = await send(url, options, body)
    return { status: response.statusCode ?? 0, body: await readAll(response, most) }
  } catch (cause) {
    throw unanswered(url, cause, signal.aborted ? timeoutMs : undefined)
  }
}

function send(
  url: URL,
  options: RequestOptions,
  body: Uint8Array | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = start(url, options, resolve)
    request.on('error', reject)
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      reject(new Error(`status ${response.statusCode}`))
    })
    request.end(body)
  })
}

async function readAll(response: IncomingMessage, most: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw new Error(`more than ${most} bytes`)
    chunks.push(chunk)
  }
  if (!response.complete) throw new Error('an answer that was cut off')
  return new Uint8Array(Buffer.concat(chunks))
}

/** What OpenSSL and Node call a certificate that proves nothing: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const unproven =
  /^(?:UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|INVALID_|ERROR_IN_|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_)/

/** @param lateMs how long was waited, if that was too long */
function unanswered({ origin }: URL, cause: unknown, lateMs: number | undefined): SallyportError {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code !== undefined && unproven.test(code)) return stranger(origin, code, cause)
  return new SallyportError(
    {
      code: 'GATE_UNANSWERED',
      where: origin,
      expected: 'an answer of the gate',
      found:
        lateMs === undefined ? (code ?? message.slice(0, 200)) : `none within ${lateMs / 1000} s`,
      fix: 'Ask again; if it stays so, look whether the gate runs, and whether --ca has the authority of its certificate. Nothing is deployed without its answer',
    },
    { cause },
  )
}

/** KEY-17: whoever does not prove to be the gate is told nothing, so the token is still a secret. */
function stranger(where: string, code: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'GATE_UNANSWERED',
      where,
      expected:
        'a gate that proves who it is, with a certificate for this address from an authority that is believed here',
      found: `a certificate that does not (${code}); nothing was sent`,
      fix: 'Correct the address, or name the authority of the gate (--ca, or build.record.ca). If both are right, somebody else answers there: tell whoever runs that network',
    },
    { cause },
  )
}
