import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { NpmReply } from '#chokepoint'

/** Somebody who takes nothing of a stream for so long is gone. */
const usualStallMs = 300_000

/** Sends an answer of the npm proxy; resolves when a stream is out, or is cut off. Never rejects. */
export async function sendNpmReply(
  { status, headers, body, phrase }: NpmReply,
  request: IncomingMessage,
  response: ServerResponse,
  stallMs = usualStallMs,
): Promise<void> {
  // Half an answer is out: nobody may take it for whole.
  if (response.headersSent) {
    response.destroy()
    return
  }
  // What is left of the body is not read: the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close')
  // npm shows the status line and the body, and would say it twice; others show the status line alone.
  const isNpm = request.headers['user-agent']?.startsWith('npm/') === true
  if (phrase !== undefined && !isNpm) response.statusMessage = phrase
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const length = status === 304 ? {} : { 'content-length': bytes.length }
    response.writeHead(status, { ...headers, ...length })
    // Nobody waits until it is taken: the server bounds what lies here, and cuts off who takes nothing.
    response.end(bytes)
    return
  }
  response.writeHead(status, headers)
  response.setTimeout(stallMs, () => response.destroy())
  // Whoever asked has gone, or is cut off: what was decided is recorded.
  await pipeline(body, response).catch(() => undefined)
}
