import { ServerResponse } from 'node:http'
import type { SlottedRequest } from './slots.ts'

const pieceBytes = 64 * 1024
const nothing = new Uint8Array()

/**
 * A response that hands out a large answer piece by piece, each when the one before is gone: given a whole answer, Node
 * tells nothing of it until the client has all, and with TLS holds it twice.
 */
export class PiecewiseResponse extends ServerResponse<SlottedRequest> {
  #rest: Uint8Array = nothing
  #takenAt = performance.now()

  /** What the client has not taken yet. */
  get left(): number {
    return this.#rest.length + this.writableLength
  }

  /** When the client last took a piece, or the answer was whole; as `performance.now()`. */
  get takenAt(): number {
    return this.#takenAt
  }

  override end(...given: readonly unknown[]): this {
    this.#takenAt = performance.now()
    const [first] = given
    const bytes = typeof first === 'string' && given.length === 1 ? Buffer.from(first) : first
    const isLarge = bytes instanceof Uint8Array && bytes.length > pieceBytes
    if (!isLarge || given.length > 1) return super.end(...(given as []))
    if (!this.headersSent) this.setHeader('content-length', bytes.length)
    this.#rest = bytes
    this.on('drain', () => this.#handOut())
    this.#handOut()
    return this
  }

  #handOut(): void {
    this.#takenAt = performance.now()
    while (this.#rest.length > 0) {
      const piece = this.#rest.subarray(0, pieceBytes)
      this.#rest = this.#rest.subarray(pieceBytes)
      if (this.#rest.length === 0) super.end(piece)
      else if (!this.write(piece)) return
    }
  }
}
