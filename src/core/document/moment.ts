/** Makes objects that have the methods of a date and are none inside: nobody can copy their time past those methods. */
function Hollow(): void {}
Hollow.prototype = Date.prototype

/**
 * A time that notes for how long whoever looks at it would see the same. `isBefore` and `isAtOrAfter` note the other time; who
 * reads it in any other way, `new Date(moment)` included, has seen this very millisecond.
 */
export class Moment extends (Hollow as unknown as DateConstructor) {
  readonly #time: number
  #until = Infinity

  /** Of a time in milliseconds since 1970. */
  constructor(time: number) {
    super()
    this.#time = time
  }

  /**
   * Milliseconds since 1970: from this moment on and before that one, everything that was asked of it is answered alike. The
   * moment itself once somebody has read it.
   */
  get until(): number {
    return this.#until
  }

  /** Whether it comes before `time`, in milliseconds since 1970. */
  precedes(time: number): boolean {
    if (!(this.#time < time)) return false
    this.#until = Math.min(this.#until, time)
    return true
  }

  static {
    for (const name of Reflect.ownKeys(Date.prototype)) {
      const method: unknown = Reflect.get(Date.prototype, name)
      if (name === 'constructor' || typeof method !== 'function') continue
      const value = function (this: Moment, ...values: unknown[]): unknown {
        this.#until = this.#time
        return Reflect.apply(method, new Date(this.#time), values)
      }
      Object.defineProperty(this.prototype, name, { value, writable: true, configurable: true })
    }
  }
}

/** `now < end`, noted where `now` is a `Moment`. */
export function isBefore(now: Date, end: Date | number): boolean {
  return now instanceof Moment ? now.precedes(Number(end)) : now.getTime() < Number(end)
}

/** `now >= begin`, noted where `now` is a `Moment`. */
export function isAtOrAfter(now: Date, begin: Date | number): boolean {
  return !Number.isNaN(Number(begin)) && !isBefore(now, begin)
}
