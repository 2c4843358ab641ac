/**
 * Bytes that come in pieces, as one: whoever sends each of them by itself costs no more than the bytes. Never more than twice what
 * has come is held.
 */
export class Pieces {
  #bytes: Uint8Array = new Uint8Array()
  #size = 0
  readonly #announced: number

  /** `announced`: how many somebody says there are; as many come or not. */
  constructor(announced = 0) {
    this.#announced = announced
  }

  get size(): number {
    return this.#size
  }

  add(piece: Uint8Array): void {
    const size = this.#size + piece.length
    // All of them in one, as most are: nothing is copied.
    if (this.#size === 0 && size === this.#announced) this.#bytes = piece
    else this.#append(piece, size)
    this.#size = size
  }

  /** All of them; nothing may be added then. */
  whole(): Uint8Array {
    return this.#size === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#size)
  }

  #append(piece: Uint8Array, size: number): void {
    if (size > this.#bytes.length) this.#grow(size)
    this.#bytes.set(piece, this.#size)
  }

  #grow(size: number): void {
    const twice = 2 * this.#bytes.length
    const isAnnounced = this.#announced >= size
    const larger = new Uint8Array(
      Math.max(size, isAnnounced ? Math.min(twice, this.#announced) : twice),
    )
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}
