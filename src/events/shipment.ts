import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from './message.ts'
import type { EventStore, EventStream } from './ports.ts'
import type { Sink } from './sink.ts'

export interface ShipmentOptions {
  /** A name that stays: how far it has come is remembered by it. */
  readonly name: string
  readonly sink: Sink
  readonly store: EventStore
  /** Whether this sink wants to hear of it. */
  readonly wants: (message: Message) => boolean
  readonly clock: () => Date
  readonly timeoutMs?: number
  /** Between two looks for what is new. */
  readonly pollMs?: number
}

/** What is known of one sink. */
export interface Standing {
  readonly exported: number
  readonly failures: number
  /** Since when the oldest message waits that the sink has not taken; undefined: none does, as far as it has been read. */
  readonly since: Date | undefined
  /** Why it did not take it the last time, or why a stream could not be read. */
  readonly failure: string | undefined
}

const defaultTimeoutMs = 10_000
const defaultPollMs = 500
const firstPauseMs = 500
const longestPauseMs = 60_000
const turnMs = 5
/** So many at a time are read, whatever the sink takes: reading must not keep anybody waiting who is answered meanwhile. */
const portion = 64

/**
 * Tells one sink everything that streams hold, each in its order, and remembers how far it has come after each batch: what
 * a sink has taken is not told again unless the process ends in that moment, and what it has not taken is told when it is
 * back, however long that takes. No more than one batch is in memory.
 */
export class Shipment {
  readonly name: string
  readonly #options: ShipmentOptions
  readonly #streams: EventStream[] = []
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #wake = new AbortController()
  #pause = 0
  #exported = 0
  #failures = 0
  #since: Date | undefined
  #failure: string | undefined

  constructor(options: ShipmentOptions) {
    this.name = options.name
    this.#options = options
  }

  get standing(): Standing {
    return {
      exported: this.#exported,
      failures: this.#failures,
      since: this.#since,
      failure: this.#failure,
    }
  }

  /** Adds a stream: told from where it was left, or from now on. From when it resolves nothing of it can be missed. */
  async follow(stream: EventStream): Promise<void> {
    const { store } = this.#options
    if (store.placeOf(this.name, stream.name) === undefined)
      store.keepPlace(this.name, stream.name, await stream.end())
    this.#streams.push(stream)
    this.poke()
  }

  /** Begins to tell. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** There is something new. */
  poke(): void {
    this.#wake.abort()
  }

  /** Whether everything that can be read now has been told, or is not wanted. */
  async isDone(): Promise<boolean> {
    const { store } = this.#options
    for (const stream of this.#streams) {
      const { next } = await stream.read(store.placeOf(this.name, stream.name) ?? 0, 1)
      if (next > (store.placeOf(this.name, stream.name) ?? 0)) return false
    }
    return true
  }

  /** Ends. The batch that is under way is broken off, and told again by whoever goes on. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { pollMs = defaultPollMs } = this.#options
    while (!this.#stop.signal.aborted) {
      // What is new while it is looked for wakes it again.
      this.#wake = new AbortController()
      const isMore = await this.#round()
      if (this.#pause > 0) await rest(this.#pause, this.#stop.signal)
      // Closing wakes it, too.
      else if (!isMore) await rest(pollMs, this.#wake.signal)
      // Whoever is answered goes before a sink that has a long way to catch up.
      else await rest(turnMs, this.#stop.signal)
    }
  }

  /** One portion of each stream; whether any had one. */
  async #round(): Promise<boolean> {
    let isMore = false
    let failure: string | undefined
    for (const stream of this.#streams) {
      if (this.#stop.signal.aborted) break
      try {
        isMore = (await this.#step(stream)) || isMore
      } catch (error) {
        // What is wrong with one stream keeps nobody from the others.
        failure ??= reasonOf(error)
        if (error instanceof NotTaken) break
      }
    }
    this.#failure = failure
    if (failure === undefined) {
      this.#pause = 0
      if (!isMore) this.#since = undefined
    } else {
      this.#failures += 1
      this.#pause = Math.min(Math.max(firstPauseMs, this.#pause * 2), longestPauseMs)
    }
    return isMore
  }

  async #step(stream: EventStream): Promise<boolean> {
    const { store, wants, sink } = this.#options
    const from = store.placeOf(this.name, stream.name) ?? 0
    const { messages, next } = await stream.read(from, portion)
    if (next === from) return false
    const wanted = messages.filter(({ message }) => wants(message))
    for (let at = 0; at < wanted.length; at += sink.most) {
      const batch = wanted.slice(at, at + sink.most)
      await this.#send(batch.map(({ message }) => message))
      store.keepPlace(this.name, stream.name, batch.at(-1)?.place ?? from)
    }
    store.keepPlace(this.name, stream.name, next)
    return true
  }

  async #send(messages: readonly Message[]): Promise<void> {
    const { sink, timeoutMs = defaultTimeoutMs, clock } = this.#options
    this.#since = dateOf(messages[0]?.time) ?? clock()
    try {
      await sink.send(messages, { timeoutMs, signal: this.#stop.signal })
    } catch (cause) {
      throw new NotTaken(reasonOf(cause), { cause })
    }
    this.#exported += messages.length
  }
}

/** The sink did not take it. */
class NotTaken extends Error {}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal, ref: false }).catch(() => undefined)
}

function dateOf(text = ''): Date | undefined {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error'
  const { cause, message } = error
  const inner = error instanceof NotTaken || !(cause instanceof Error) ? '' : cause.message
  return (inner === '' ? message : `${message}: ${inner}`).slice(0, 300)
}
