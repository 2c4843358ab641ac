import type { IncomingMessage } from 'node:http'
import { SallyportError, type Problem } from '#error'
import { slotOf } from './slots.ts'

/**
 * Reads the body of a request, and no more of it than is allowed. What is announced as too large is refused before a
 * byte of it is read. While the client sends, others are answered.
 *
 * @throws SallyportError REQUEST_TOO_LARGE, REQUEST_CUT_OFF, SERVER_BUSY
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw tooLarge(maxBytes, `${announced} bytes`)
  const slot = slotOf(request)
  slot?.yield()
  const body = await collect(request, maxBytes, (bytes) => slot?.hold(bytes))
  slot?.take()
  return body
}

/** By events, because an iterator for each request costs the gate as much as reading JSON does. `hold` may throw. */
async function collect(
  request: IncomingMessage,
  maxBytes: number,
  hold: (bytes: number) => void,
): Promise<Uint8Array> {
  // Empty when it is over: the request outlives it, until the next one on its connection.
  let chunks: Buffer[] = []
  let size = 0
  // Then none of the events below would come any more.
  if (request.destroyed) throw new SallyportError(cutOff(size))
  return new Promise((resolve, reject) => {
    const refuse = (problem: unknown): void => {
      // What else comes is not for us.
      request.off('data', take)
      request.pause()
      reject(problem)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      try {
        if (size > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes} bytes`)
        hold(chunk.length)
      } catch (problem) {
        return refuse(problem)
      }
      chunks.push(chunk)
    }
    const cut = (cause?: unknown): void =>
      reject(new SallyportError(cutOff(size), cause === undefined ? {} : { cause }))
    request.on('data', take)
    request.once('end', () => {
      const [only] = chunks
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size))
      chunks = []
    })
    request.once('error', cut)
    request.once('close', () => {
      if (!request.complete) cut()
    })
  })
}

function tooLarge(maxBytes: number, found: string): SallyportError {
  return new SallyportError({
    code: 'REQUEST_TOO_LARGE',
    where: 'request body',
    expected: `at most ${maxBytes} bytes`,
    found,
    fix: 'Send less: evidence may also lie in a registry, where the gate looks for it',
  })
}

function cutOff(size: number): Problem {
  return {
    code: 'REQUEST_CUT_OFF',
    where: 'request body',
    expected: 'the whole body',
    found: `${size} bytes, then nothing`,
    fix: 'Send the request again',
  }
}
