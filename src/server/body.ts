import type { IncomingMessage } from 'node:http'
import { Pieces } from '#document'
import { SallyportError, type Problem } from '#error'
import type { CutOff } from './body-memory.ts'
import { slotOf } from './slots.ts'

const sendLess = 'Send less: evidence may also lie in a registry, where the gate looks for it'

/**
 * Reads the body of a request, and no more of it than is allowed. What is announced as too large is refused before a
 * byte of it is read. While the client sends, others are answered. `fix` is for whoever sends too much.
 *
 * @throws SallyportError REQUEST_TOO_LARGE, REQUEST_CUT_OFF, SERVER_BUSY
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  fix = sendLess,
): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw tooLarge(maxBytes, `${announced} bytes`, fix)
  const slot = slotOf(request)
  slot?.yield()
  const pieces = new Pieces(announced)
  await collect(request, pieces, (bytes, cutOff) => {
    if (pieces.size + bytes > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes} bytes`, fix)
    slot?.hold(bytes, cutOff)
  })
  slot?.take()
  return pieces.whole()
}

/**
 * By events, because an iterator for each request costs the gate as much as reading JSON does. Nothing of it is left on
 * the request, which lives until the next one on its connection. `hold` may throw.
 */
async function collect(
  request: IncomingMessage,
  pieces: Pieces,
  hold: (bytes: number, cutOff: CutOff) => void,
): Promise<void> {
  // Then none of the events below would come any more.
  if (request.destroyed) throw new SallyportError(cutOff(0))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const take = (chunk: Buffer): void => {
    try {
      hold(chunk.length, reject)
      pieces.add(chunk)
    } catch (problem) {
      reject(problem)
    }
  }
  const cut = (cause?: unknown): void => {
    // It is closed after its end, too: an error for each request, with its stack, would be made for nobody.
    if (request.readableEnded) return
    reject(new SallyportError(cutOff(pieces.size), cause === undefined ? {} : { cause }))
  }
  const listeners = { data: take, end: resolve, error: cut, close: cut }
  for (const [event, listener] of Object.entries(listeners)) request.on(event, listener)
  try {
    await promise
  } catch (problem) {
    // What else comes is not for us.
    request.pause()
    throw problem
  } finally {
    for (const [event, listener] of Object.entries(listeners)) request.off(event, listener)
  }
}

function tooLarge(maxBytes: number, found: string, fix: string): SallyportError {
  return new SallyportError({
    code: 'REQUEST_TOO_LARGE',
    where: 'request body',
    expected: `at most ${maxBytes} bytes`,
    found,
    fix,
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
