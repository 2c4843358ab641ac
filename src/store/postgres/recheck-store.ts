import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { RecheckStore } from '#recheck'
import { run, type PostgresOptions } from './connection.ts'

/** So long the turn is kept for who does not answer any more; by the clock of the database, which may have been set back. */
const leaseSeconds = 15
const renewMs = 5_000

/** The turn of replicas, as a lease in one row: needs no session of its own, and ends by itself. */
export class PostgresRecheckStore implements RecheckStore {
  readonly #pool: Pool
  readonly #options: PostgresOptions
  readonly #holder = randomUUID()
  #renewed = -Infinity

  constructor(pool: Pool, options: PostgresOptions) {
    this.#pool = pool
    this.#options = options
  }

  async take(): Promise<boolean> {
    if (performance.now() - this.#renewed < renewMs) return true
    const began = performance.now()
    const { count } = await run(this.#pool, this.#options, {
      name: 'recheck-take',
      text: `UPDATE sallyport.recheck SET holder = $1, until = now() + make_interval(secs => $2)
             WHERE holder = $1 OR until < now() OR until > now() + 2 * make_interval(secs => $2)`,
      values: [this.#holder, leaseSeconds],
    })
    this.#renewed = count === 1 ? began : -Infinity
    return count === 1
  }

  async note(): Promise<Uint8Array | undefined> {
    const { rows } = await run(this.#pool, this.#options, {
      name: 'recheck-note',
      text: 'SELECT note FROM sallyport.recheck',
    })
    return (rows[0]?.['note'] as Buffer | null | undefined) ?? undefined
  }

  async keep(note: Uint8Array): Promise<void> {
    await run(this.#pool, this.#options, {
      name: 'recheck-keep',
      text: 'UPDATE sallyport.recheck SET note = $2 WHERE holder = $1 AND until >= now()',
      values: [this.#holder, Buffer.from(note.buffer, note.byteOffset, note.length)],
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#renewed === -Infinity) return
    this.#renewed = -Infinity
    try {
      await run(this.#pool, this.#options, {
        name: 'recheck-release',
        text: `UPDATE sallyport.recheck SET until = '-infinity' WHERE holder = $1`,
        values: [this.#holder],
      })
    } catch {
      // It ends by itself.
    }
  }
}
