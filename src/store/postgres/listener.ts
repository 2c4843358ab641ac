import type { Client } from 'pg'
import { endClient, openClient, type PostgresOptions } from './connection.ts'

const channels = { submitted: 'sallyport_submitted', sequenced: 'sallyport_sequenced' } as const
type What = keyof typeof channels

const retryMs = 500
/** A word is a transaction, too: it is not to wait for the disk, nor are others to wait for it there. */
const unhurried = '-c synchronous_commit=off'

/**
 * LISTEN and NOTIFY. Words are hints: they are sent after the transaction that they are about, because NOTIFY inside one
 * makes all commits of the database wait for each other; and they may be lost with the session.
 */
export class Listener {
  readonly #options: PostgresOptions
  readonly #listeners: ((what: What) => void)[] = []
  #client: Client | undefined
  #connecting: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  readonly #pending = new Set<What>()
  #telling = false

  constructor(options: PostgresOptions) {
    this.#options = options
  }

  watch(listener: (what: What) => void): void {
    this.#listeners.push(listener)
    this.#connecting ??= this.#connect()
  }

  /** Tells the listeners of this process. */
  tellHere(what: What): void {
    for (const listener of this.#listeners) listener(what)
  }

  /** Tells all other processes. What is told while the last word is under way is told once. */
  tellOthers(what: What): void {
    this.#pending.add(what)
    if (!this.#telling) void this.#send()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#connecting
    if (this.#client !== undefined) await endClient(this.#client)
  }

  async #send(): Promise<void> {
    this.#telling = true
    try {
      while (this.#pending.size > 0 && this.#client !== undefined) {
        const [what = 'submitted'] = this.#pending
        this.#pending.delete(what)
        await this.#client.query(`NOTIFY ${channels[what]}`)
      }
    } catch {
      // Whoever waits looks by itself after a while.
    } finally {
      this.#telling = false
    }
  }

  async #connect(): Promise<void> {
    let client: Client | undefined
    try {
      client = await openClient(this.#options, 'listener', () => this.#lost(client), unhurried)
      const own = client
      client.on('notification', ({ channel, processId }) => {
        if (processId === ownProcess(own)) return
        this.tellHere(channel === channels.submitted ? 'submitted' : 'sequenced')
      })
      await client.query(`LISTEN ${channels.submitted}; LISTEN ${channels.sequenced}`)
      this.#client = client
      // Something may have been told before.
      for (const what of ['submitted', 'sequenced'] as const) this.tellHere(what)
    } catch {
      // Such as a standby, which lets in and lets nobody listen.
      if (client !== undefined) await endClient(client)
      this.#again()
    }
  }

  /** One that never listened is replaced by whoever opened it. */
  #lost(client: Client | undefined): void {
    if (client === undefined || client !== this.#client) return
    this.#client = undefined
    this.#again()
  }

  #again(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#connecting = this.#connect()
    }, retryMs).unref()
  }
}

/** The server's process of a session; the types of the driver leave it out. */
function ownProcess(client: Client): unknown {
  return Reflect.get(client, 'processID')
}
