import type { IncomingMessage } from 'node:http'
import { Pieces } from '#document'
import { quote, SallyportError } from '#error'
import { unavailable } from '../unavailable.ts'

/** Of an answer that is no success nobody needs more. */
const maxOtherBytes = 64 * 1024

interface Expected {
  readonly what: string
  readonly maxBytes: number
}

/**
 * Reads a whole body, whose size nobody believes before it is read.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE when it is too large, cut off, or compressed
 */
export async function readBody(
  response: IncomingMessage,
  host: string,
  { what, maxBytes }: Expected,
): Promise<Uint8Array> {
  const isWanted = response.statusCode === 200
  const max = isWanted ? maxBytes : Math.min(maxBytes, maxOtherBytes)
  try {
    const announced = Number(response.headers['content-length'] ?? 0)
    if (!isWanted && announced > max) return new Uint8Array()
    if (announced > max) throw tooLarge(host, what, max, `${announced} bytes`)
    if (isWanted) refuseEncoding(response, host, what)
    const pieces = await collect(response, { max, announced })
    if (pieces === undefined && !isWanted) return new Uint8Array()
    if (pieces === undefined) throw tooLarge(host, what, max, 'more')
    if (!response.complete) throw unavailable(host, `${what}, whole`, 'an answer that was cut off')
    return pieces.whole()
  } finally {
    response.destroy()
  }
}

/** Everything, or undefined when it is more than `max` bytes. By events: an iterator for each answer costs more than the rest. */
function collect(
  response: IncomingMessage,
  { max, announced }: { readonly max: number; readonly announced: number },
): Promise<Pieces | undefined> {
  const pieces = new Pieces(announced)
  return new Promise((resolve, reject) => {
    // It broke off before anybody listened.
    if (response.destroyed) reject(response.errored ?? new Error('an answer that was cut off'))
    response.on('data', (chunk: Buffer) => {
      if (pieces.size + chunk.length > max) resolve(undefined)
      else pieces.add(chunk)
    })
    response.on('error', reject)
    // After its end, or an error, this is nothing new.
    response.on('close', () => resolve(pieces))
    response.on('end', () => resolve(pieces))
  })
}

/**
 * The same for a body that nobody holds whole: it is passed on as it arrives.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE, at once or while it is read
 */
export function openBody(
  response: IncomingMessage,
  host: string,
  expected: Expected & { readonly idleMs: number },
): AsyncGenerator<Uint8Array> {
  const { what, maxBytes: max } = expected
  try {
    const announced = Number(response.headers['content-length'] ?? 0)
    if (announced > max) throw tooLarge(host, what, max, `${announced} bytes`)
    refuseEncoding(response, host, what)
  } catch (error) {
    response.destroy()
    throw error
  }
  return passOn(response, host, expected)
}

async function* passOn(
  response: IncomingMessage,
  host: string,
  { what, maxBytes: max, idleMs }: Expected & { readonly idleMs: number },
): AsyncGenerator<Uint8Array> {
  let size = 0
  // Whoever reads slowly makes the connection silent: from here on only the waiting for a piece counts.
  const { socket } = response as { readonly socket: IncomingMessage['socket'] | null }
  // Node takes it from an answer that is whole and that nobody waits for any more.
  if (socket === null) throw unavailable(host, `${what}, whole`, 'an answer that was cut off')
  socket.setTimeout(0)
  const wait = (): NodeJS.Timeout =>
    setTimeout(
      () => response.destroy(unavailable(host, `${what}, whole`, `silence for ${idleMs} ms`)),
      idleMs,
    )
  let waiting = wait()
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      clearTimeout(waiting)
      size += chunk.length
      if (size > max) throw tooLarge(host, what, max, 'more')
      yield chunk
      waiting = wait()
    }
    if (!response.complete) throw unavailable(host, `${what}, whole`, 'an answer that was cut off')
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw unavailable(host, `${what}, whole`, 'an answer that was cut off', cause)
  } finally {
    clearTimeout(waiting)
    response.destroy()
  }
}

function tooLarge(host: string, what: string, max: number, found: string): SallyportError {
  return unavailable(host, `at most ${max} bytes of ${what}`, found)
}

// What was not asked for: a few bytes may stand for gigabytes.
function refuseEncoding(response: IncomingMessage, host: string, what: string): void {
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() === 'identity') return
  throw unavailable(host, `${what}, not compressed`, `content-encoding ${quote(encoding, 60)}`)
}
