import { ServerResponse } from 'node:http'
import type { SlottedRequest } from './slots.ts'

const pieceBytes = 64 * 1024

interface Piece {
  readonly bytes: Uint8Array
  readonly written: (() => void) | undefined
}

/**
 * A response that hands out what is large piece by piece, each when the one before is gone: given a whole answer, Node
 * tells nothing of it until the client has all, and with TLS holds it twice.
 */
export class PiecewiseResponse extends ServerResponse<SlottedRequest> {
  #rest: Piece[] = []
  #restBytes = 0
  #isEnding = false
  #wholeAt = performance.now()
  #takenAt = performance.now()

  /** What the client has not taken yet. */
  get left(): number {
    return this.#restBytes + this.writableLength
  }

  /** Since when the answer is whole; as `performance.now()`. */
  get wholeAt(): number {
    return this.#wholeAt
  }

  /** When the client last took a piece, or the answer was whole; as `performance.now()`. */
  get takenAt(): number {
    return this.#takenAt
  }

  override write(...given: readonly unknown[]): boolean {
    if (this.#isEnding) throw new TypeError('nothing can be written after the end of an answer')
    const piece = pieceOf(given)
    if (piece === undefined || !this.#isToWait(piece)) return super.write(...(given as [string]))
    this.#keep(piece)
    return this.#goOn()
  }

  override end(...given: readonly unknown[]): this {
    if (this.#isEnding) return this
    this.#wholeAt = this.#takenAt = performance.now()
    const piece = pieceOf(given)
    if (piece === undefined ? this.#rest.length === 0 : !this.#isToWait(piece))
      return super.end(...(given as []))
    if (!this.headersSent && piece !== undefined)
      this.setHeader('content-length', piece.bytes.length)
    const ended = given.find(isCallback)
    if (ended !== undefined) this.once('finish', ended)
    if (piece !== undefined) this.#keep({ bytes: piece.bytes, written: undefined })
    this.#isEnding = true
    this.#goOn()
    return this
  }

  /** What waits is not sent any more, and need not be kept for as long as this is. */
  override destroy(error?: Error): this {
    this.#rest = []
    this.#restBytes = 0
    return super.destroy(error)
  }

  /** Whoever waits for room is told of it when what was written before is gone, too. */
  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event === 'drain') {
      this.#takenAt = performance.now()
      if (!this.#handOut()) return true
    }
    return super.emit(event, ...given)
  }

  #isToWait({ bytes }: Piece): boolean {
    return this.#rest.length > 0 || bytes.length > pieceBytes
  }

  #keep({ bytes, written }: Piece): void {
    this.#restBytes += bytes.length
    for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
      const isLast = at + pieceBytes >= bytes.length
      const piece = bytes.subarray(at, at + pieceBytes)
      this.#rest.push({ bytes: piece, written: isLast ? written : undefined })
    }
  }

  #goOn(): boolean {
    return !this.writableNeedDrain && this.#handOut()
  }

  /** Whether there is room for more. */
  #handOut(): boolean {
    for (let [piece] = this.#rest; piece !== undefined; [piece] = this.#rest) {
      this.#rest.shift()
      this.#restBytes -= piece.bytes.length
      if (this.#isEnding && this.#rest.length === 0) super.end(piece.bytes, piece.written)
      else if (!super.write(piece.bytes, piece.written)) return false
    }
    return !this.#isEnding
  }
}

/** Undefined for what is no bytes, of which Node knows what to do. */
function pieceOf([chunk, ...more]: readonly unknown[]): Piece | undefined {
  const encoding = more.find((one) => typeof one === 'string') as BufferEncoding | undefined
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
  return bytes instanceof Uint8Array ? { bytes, written: more.find(isCallback) } : undefined
}

function isCallback(one: unknown): one is () => void {
  return typeof one === 'function'
}
