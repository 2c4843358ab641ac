import type { Receipt } from '../log.ts'

/** An entry whose place in the log somebody waits for. */
export interface Waiter {
  readonly entry: Uint8Array
  readonly until: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (problem: unknown) => void
  id?: number
}

/** Of refusals for lack of time: under which id the entry may be in the store all the same. */
const submitted = new WeakMap<object, number>()

/** Under which id an entry may be recorded although its append was refused; undefined when it is certainly not. */
export function submittedAs(problem: unknown): number | undefined {
  return typeof problem === 'object' && problem !== null ? submitted.get(problem) : undefined
}

/** Who waits for what, and until when. Everybody is answered once, or refused when it is late. */
export class Waiters {
  readonly #late: () => object
  readonly #all = new Set<Waiter>()
  readonly #byId = new Map<number, Waiter>()
  #bytes = 0
  #none = Promise.withResolvers<void>()
  #timer: NodeJS.Timeout | undefined

  constructor(late: () => object) {
    this.#late = late
  }

  get count(): number {
    return this.#all.size
  }

  /** Of all entries that wait. */
  get bytes(): number {
    return this.#bytes
  }

  add(entry: Uint8Array, waitMs: number): { waiter: Waiter; receipt: Promise<Receipt> } {
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    const waiter: Waiter = { entry, until: performance.now() + waitMs, resolve, reject }
    this.#all.add(waiter)
    this.#bytes += entry.length
    // However the store hangs, nobody waits longer.
    this.#timer ??= setInterval(() => this.sweep(), 50)
    return { waiter, receipt: promise }
  }

  has(waiter: Waiter): boolean {
    return this.#all.has(waiter)
  }

  /** Gives an entry the id under which it is submitted. */
  name(waiter: Waiter, id: number): number {
    if (waiter.id !== undefined) this.#byId.delete(waiter.id)
    waiter.id = id
    this.#byId.set(id, waiter)
    return id
  }

  resolve(id: number, receipt: Receipt): void {
    const waiter = this.#byId.get(id)
    if (waiter === undefined) return
    this.#remove(waiter)
    waiter.resolve(receipt)
  }

  reject(waiter: Waiter, problem: unknown): void {
    if (!this.#all.has(waiter)) return
    this.#remove(waiter)
    waiter.reject(problem)
  }

  rejectAll(problem: unknown): void {
    for (const waiter of this.#all) this.reject(waiter, problem)
  }

  /** Refuses who has waited too long. They stand in the order of their time. */
  sweep(): void {
    const now = performance.now()
    for (const waiter of this.#all) {
      if (waiter.until > now) return
      const problem = this.#late()
      if (waiter.id !== undefined) submitted.set(problem, waiter.id)
      this.reject(waiter, problem)
    }
  }

  /** Waits until nobody waits. */
  async none(): Promise<void> {
    while (this.#all.size > 0) await this.#none.promise
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #remove(waiter: Waiter): void {
    this.#all.delete(waiter)
    this.#bytes -= waiter.entry.length
    if (waiter.id !== undefined) this.#byId.delete(waiter.id)
    if (this.#all.size > 0) return
    this.close()
    this.#none.resolve()
    this.#none = Promise.withResolvers()
  }
}
