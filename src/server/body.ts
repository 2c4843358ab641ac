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
  const chunks: Buffer[] = []
  let size = 0
  slot?.yield()
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes} bytes`)
      slot?.hold(chunk.length)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError(cutOff(size), { cause })
  }
  slot?.take()
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size)
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
