import type { Pool } from 'pg'
import { run, type PostgresOptions } from './connection.ts'

/** Small files that replicas have in common for some days, by name. What is in them is for who reads them to believe or not. */
export interface Shelf {
  /** The newest 5,000 names, and since when each is there. A time that is yet to come is nobody's. */
  names(): Promise<ReadonlyMap<string, Date>>
  get(name: string): Promise<Uint8Array | undefined>
  /** What is there under a name, and is something else, gives way. */
  put(name: string, bytes: Uint8Array): Promise<void>
}

/** So long files are there: no grant holds for longer than a week. */
export const shelfDays = 8

const maxNames = 5000
const maxBytes = 1_000_000

export class PostgresShelf implements Shelf {
  readonly #pool: Pool
  readonly #options: PostgresOptions
  readonly #days: number

  constructor(pool: Pool, options: PostgresOptions, days: number) {
    this.#pool = pool
    this.#options = options
    this.#days = days
  }

  async names(): Promise<ReadonlyMap<string, Date>> {
    const { rows } = await run(this.#pool, this.#options, {
      name: 'shelf-names',
      text: `SELECT name, extract(epoch FROM at)::float8 AS seconds FROM sallyport.shelf
             WHERE at > now() - make_interval(days => $1) AND at <= now() + interval '1 minute' ORDER BY at DESC LIMIT ${maxNames}`,
      values: [this.#days],
    })
    return new Map(
      rows.map(({ name, seconds }) => [String(name), new Date(Number(seconds) * 1000)]),
    )
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const { rows } = await run(this.#pool, this.#options, {
      name: 'shelf-get',
      text: `SELECT bytes FROM sallyport.shelf WHERE name = $1 AND octet_length(bytes) <= ${maxBytes}`,
      values: [name],
    })
    return rows[0]?.['bytes'] as Buffer | undefined
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await run(this.#pool, this.#options, {
      name: 'shelf-clear',
      text: `DELETE FROM sallyport.shelf WHERE at < now() - make_interval(days => $1) OR at > now() + interval '1 minute'`,
      values: [this.#days],
    })
    await run(this.#pool, this.#options, {
      name: 'shelf-put',
      text: `INSERT INTO sallyport.shelf (name, bytes) VALUES ($1, $2) ON CONFLICT (name)
             DO UPDATE SET bytes = excluded.bytes, at = now() WHERE shelf.bytes <> excluded.bytes`,
      values: [name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)],
    })
  }
}
