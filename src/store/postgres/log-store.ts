import type { Pool } from 'pg'
import type {
  KnownEntry,
  SequencerSession,
  SharedLogStore,
  Sighting,
  Standing,
  SubmittedEntry,
} from '#log'
import { encodeEntry, hashSize, parseTilePath, tileWidth } from '#merkle'
import { mayHaveHappened, run, type PostgresOptions, type Statement } from './connection.ts'
import { Listener } from './listener.ts'
import { isTaken, standingOf, submissionOf, takeSession } from './session.ts'

const reserved = 4096

/** Keeps a log in PostgreSQL, where replicas share it. */
export class PostgresLogStore implements SharedLogStore {
  readonly #pool: Pool
  readonly #options: PostgresOptions
  readonly #listener: Listener
  #isSequencing = false

  constructor(pool: Pool, options: PostgresOptions) {
    this.#pool = pool
    this.#options = options
    this.#listener = new Listener(options)
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    if (path === 'checkpoint') return this.#checkpoint()
    const { level, index, width } = parseTilePath(path)
    if (level === 'entries') return this.#bundle(index, width)
    const { rows } = await this.#run({
      name: 'tile',
      text: 'SELECT bytes FROM sallyport.tile WHERE level = $1 AND idx = $2',
      values: [level, index],
    })
    const bytes = rows[0]?.['bytes'] as Buffer | undefined
    return bytes === undefined || bytes.length < width * hashSize
      ? undefined
      : bytes.subarray(0, width * hashSize)
  }

  async reserve(): Promise<{ first: number; count: number }> {
    const { rows } = await this.#run({ text: `SELECT nextval('sallyport.entry_id') AS first` })
    return { first: Number(rows[0]?.['first']), count: reserved }
  }

  async submit(entries: readonly SubmittedEntry[]): Promise<void> {
    await this.#run(submissionOf(entries))
    this.#listener.tellHere('submitted')
    // Who sequences needs no word to itself, and nobody else needs this one.
    if (!this.#isSequencing) this.#listener.tellOthers('submitted')
  }

  mayHaveHappened(problem: unknown): boolean {
    return mayHaveHappened(problem)
  }

  async known(ids: readonly number[]): Promise<readonly KnownEntry[]> {
    const { rows } = await this.#run({
      name: 'known',
      text: `SELECT id, idx, encode(sha256(entry), 'hex') AS sha256 FROM sallyport.entry WHERE id = ANY($1::bigint[])
             UNION ALL
             SELECT id, NULL, encode(sha256(entry), 'hex') FROM sallyport.outbox WHERE id = ANY($1::bigint[])`,
      values: [ids],
    })
    return rows.map((row) => ({
      id: Number(row['id']),
      sha256: String(row['sha256']),
      index: row['idx'] === null ? undefined : Number(row['idx']),
    }))
  }

  async look(from: number): Promise<Sighting | undefined> {
    const { rows } = await this.#run({
      name: 'look',
      text: `SELECT size, checkpoint,
               ARRAY(SELECT id FROM sallyport.entry WHERE idx >= $1 AND idx < size ORDER BY idx)
               || staged[greatest($1::bigint - size, 0)::int + 1 : greatest(remembered - size, 0)::int] AS ids
             FROM sallyport.log_head WHERE size IS NOT NULL`,
      values: [from],
    })
    const [row] = rows
    if (row === undefined) return undefined
    const head = { size: Number(row['size']), checkpoint: String(row['checkpoint']) }
    return { head, ids: (row['ids'] as string[]).map(Number) }
  }

  async standing(): Promise<Standing> {
    return standingOf((statement) => this.#run(statement))
  }

  async sequence(): Promise<SequencerSession | undefined> {
    if (await isTaken((statement) => this.#run(statement))) return undefined
    const session = await takeSession(this.#options, {
      sequenced: () => this.#listener.tellOthers('sequenced'),
      released: () => (this.#isSequencing = false),
    })
    this.#isSequencing = session !== undefined
    return session
  }

  watch(listener: (what: 'submitted' | 'sequenced') => void): void {
    this.#listener.watch(listener)
  }

  async close(): Promise<void> {
    await this.#listener.close()
  }

  async #checkpoint(): Promise<Uint8Array | undefined> {
    const { rows } = await this.#run({
      text: 'SELECT checkpoint FROM sallyport.log_head WHERE size IS NOT NULL',
    })
    return rows[0] === undefined ? undefined : Buffer.from(String(rows[0]['checkpoint']))
  }

  async #bundle(index: number, width: number): Promise<Uint8Array | undefined> {
    const first = index * tileWidth
    const { rows } = await this.#run({
      name: 'bundle',
      text: 'SELECT entry FROM sallyport.entry WHERE idx >= $1 AND idx < $2 ORDER BY idx',
      values: [first, first + width],
    })
    if (rows.length !== width) return undefined
    return Buffer.concat(rows.map((row) => encodeEntry(row['entry'] as Buffer)))
  }

  async #run(statement: Statement) {
    return run(this.#pool, this.#options, statement)
  }
}
