interface Entry<Value> {
  readonly value: Value
  readonly size: number
  /** Asked for since it was last passed over. */
  isUsed: boolean
}

/** Bounds of what is kept; without one there is none of its kind. */
export interface RecentBounds {
  /** How many. */
  readonly most?: number
  /** The sum of their sizes. */
  readonly size?: number
}

/**
 * Values by key, within bounds. When there is no room, the oldest goes that nobody asked for since it was last passed
 * over. Asking for one moves nothing: to put it behind the others each time would have a `Map` copied again and again.
 */
export class Recent<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #most: number
  readonly #maxSize: number
  #size = 0

  constructor({ most = Infinity, size = Infinity }: RecentBounds) {
    this.#most = most
    this.#maxSize = size
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.isUsed = true
    return entry.value
  }

  /** Keeps a value in the place of whatever was under this key; one that is larger than all that may be kept is not. */
  set(key: string, value: Value, size = 0): void {
    this.delete(key)
    if (size > this.#maxSize || this.#most < 1) return
    this.#makeRoom(size)
    this.#entries.set(key, { value, size, isUsed: false })
    this.#size += size
  }

  delete(key: string): void {
    this.#size -= this.#entries.get(key)?.size ?? 0
    this.#entries.delete(key)
  }

  #makeRoom(size: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#size + size <= this.#maxSize && this.#entries.size < this.#most) return
      this.delete(key)
      if (!entry.isUsed) continue
      // Once more round.
      entry.isUsed = false
      this.#entries.set(key, entry)
      this.#size += entry.size
    }
  }
}
