import { hash } from 'node:crypto'
import type { Pool } from 'pg'
import { isSha256 } from '#document'
import { quote, SallyportError } from '#error'
import type { BodyStore } from '#log'
import { describe, run, type PostgresOptions } from './connection.ts'

const maxKnown = 10_000

/** Bodies in a table, by their SHA-256, so that every replica can replay what another has decided. */
export class PostgresBodies implements BodyStore {
  readonly #pool: Pool
  readonly #options: PostgresOptions
  /** What this process has made durable itself: it is recorded again with the next decision. */
  readonly #known = new Set<string>()

  constructor(pool: Pool, options: PostgresOptions) {
    this.#pool = pool
    this.#options = options
  }

  async put(bytes: Uint8Array): Promise<string> {
    const digest = hash('sha256', bytes)
    if (this.#known.has(digest)) return digest
    // Waits for another replica that is just putting the same.
    await run(this.#pool, this.#options, {
      name: 'put-body',
      text: 'INSERT INTO sallyport.body (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING',
      values: [
        Buffer.from(digest, 'hex'),
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      ],
    })
    this.#known.add(digest)
    const [oldest] = this.#known
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest)
    return digest
  }

  async get(digest: string): Promise<Uint8Array | undefined> {
    if (!isSha256(digest)) throw notDigest(digest)
    const { rows } = await run(this.#pool, this.#options, {
      name: 'get-body',
      text: 'SELECT bytes FROM sallyport.body WHERE sha256 = $1',
      values: [Buffer.from(digest, 'hex')],
    })
    const bytes = rows[0]?.['bytes'] as Buffer | undefined
    if (bytes === undefined) return undefined
    const found = hash('sha256', bytes)
    if (found === digest) return bytes
    throw new SallyportError({
      code: 'BLOB_CORRUPT',
      where: `table sallyport.body of ${describe(this.#options)}`,
      expected: `bytes with SHA-256 ${digest}`,
      found: `${bytes.length} bytes with ${found}`,
      fix: `Restore the row ${digest} from a backup: it has been altered or damaged`,
    })
  }
}

function notDigest(found: string): SallyportError {
  return new SallyportError({
    code: 'BLOB_DIGEST_MALFORMED',
    expected: 'a SHA-256 digest: 64 lower-case hex digits',
    found: quote(found),
    fix: 'Use the digest as the record that names it has it',
  })
}
