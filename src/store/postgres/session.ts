import type { Client } from 'pg'
import { SallyportError } from '#error'
import type { SequencerSession, SequencerTurn, SharedCommit, Standing, SubmittedEntry } from '#log'
import {
  ask,
  describe,
  endClient,
  hasNotHappened,
  openClient,
  type PostgresOptions,
  type Statement,
} from './connection.ts'

/** Into the outbox. */
export function submissionOf(entries: readonly SubmittedEntry[]): Statement {
  let end = 1
  const places = entries.map(({ entry: { length } }) => (end += length) - length)
  return {
    name: 'submit',
    // One parameter for all bytes: it goes over the wire as it is.
    text: `INSERT INTO sallyport.outbox (id, entry)
           SELECT id, substring($2::bytea FROM at FOR length) FROM unnest($1::bigint[], $3::int[], $4::int[]) AS t (id, at, length)`,
    values: [
      entries.map(({ id }) => id),
      Buffer.concat(entries.map(({ entry }) => entry)),
      places,
      entries.map(({ entry }) => entry.length),
    ],
  }
}

type Run = (statement: Statement) => Promise<{
  readonly rows: readonly Record<string, unknown>[]
  readonly count: number
}>

const maxStaged = 2048
const maxStagedBytes = 8 * 2 ** 20
const maxSilenceMs = 3000
const lock = `'sallyport.log_head'::regclass::oid::bigint`

/**
 * Takes the right to sequence: a lock of the session, which PostgreSQL gives free when the session ends in any way; and a
 * new epoch, which every deed compares, so that who has lost the lock and does not know it yet changes nothing any more.
 */
export async function takeSession(
  options: PostgresOptions,
  told: SessionTold,
): Promise<SequencerSession | undefined> {
  // It asks for work several times a second: one that is silent hangs, or its machine is gone.
  const silence = Math.min(options.timeoutMs, maxSilenceMs)
  const settings = `-c idle_session_timeout=${silence} -c idle_in_transaction_session_timeout=${silence}`
  const client = await openClient(options, 'sequencer', () => undefined, settings)
  try {
    const run: Run = async (statement) => ask(client, options, statement)
    const { rows } = await run({
      text: `SELECT pg_try_advisory_lock(${lock}) AS mine`,
    })
    if (rows[0]?.['mine'] === true) return await Session.take({ client, options, run, told })
    await endClient(client)
    return undefined
  } catch (problem) {
    await endClient(client)
    throw problem
  }
}

/** Who is told what a session does. */
interface SessionTold {
  readonly sequenced: () => void
  readonly released: () => void
}

/** Whether somebody sequences, without a session for the question. */
export async function isTaken(run: Run): Promise<boolean> {
  const { rows } = await run({
    text: `SELECT EXISTS (
             SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid = 0
               AND objid::bigint = ${lock} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           ) AS taken`,
  })
  return rows[0]?.['taken'] === true
}

/** Head and stage of one moment. */
export async function standingOf(run: Run): Promise<Standing> {
  const { rows } = await run({
    text: `SELECT h.size, h.checkpoint, o.id, o.entry, cardinality(h.staged) AS staged
           FROM sallyport.log_head h
           LEFT JOIN LATERAL unnest(h.staged) WITH ORDINALITY AS s (id, at) ON true
           LEFT JOIN sallyport.outbox o ON o.id = s.id
           ORDER BY s.at`,
  })
  const [first] = rows
  const size = first?.['size']
  if (first === undefined || size === null) return { head: undefined, staged: [] }
  const staged = rows.filter((row) => row['id'] !== null).map(submittedOf)
  if (staged.length !== Number(first['staged']))
    throw stageLost(Number(first['staged']), staged.length)
  return { head: { size: Number(size), checkpoint: String(first['checkpoint']) }, staged }
}

interface SessionParts {
  readonly client: Client
  readonly options: PostgresOptions
  readonly run: Run
  readonly told: SessionTold
}

class Session implements SequencerSession {
  readonly standing: Standing
  readonly #parts: SessionParts
  readonly #epoch: string
  #size: number
  /** The ids of what is staged, in its order. */
  #staged: readonly number[]
  /** Whether what was staged last came from replicas: they wait to be told that it is remembered, and may have more. */
  #hasOthers: boolean
  #told = 0

  private constructor(parts: SessionParts, epoch: string, standing: Standing) {
    this.#parts = parts
    this.#epoch = epoch
    this.standing = standing
    this.#size = standing.head?.size ?? 0
    this.#staged = standing.staged.map(({ id }) => id)
    this.#hasOthers = this.#staged.length > 0
  }

  static async take(parts: SessionParts): Promise<Session> {
    const { rows } = await parts.run({
      text: 'UPDATE sallyport.log_head SET epoch = epoch + 1 RETURNING epoch',
    })
    return new Session(parts, String(rows[0]?.['epoch']), await standingOf(parts.run))
  }

  async begin(checkpoint: string): Promise<void> {
    const { count } = await this.#parts.run({
      text: 'UPDATE sallyport.log_head SET size = 0, checkpoint = $1 WHERE epoch = $2 AND size IS NULL',
      values: [checkpoint, this.#epoch],
    })
    if (count !== 1) throw this.#lost()
    this.#parts.told.sequenced()
  }

  async turn(turn: SequencerTurn): Promise<readonly SubmittedEntry[]> {
    const { done, own, remembered } = turn
    const tells = this.#hasOthers && remembered > this.#told
    const writes = done !== undefined || own.length > 0 || tells
    const others = writes ? await this.#commit(turn) : await this.#stage(turn)
    const fresh = [...own, ...others]
    this.#staged = [...this.#staged.slice(done?.ids.length ?? 0), ...fresh.map(({ id }) => id)]
    this.#size = done?.head.size ?? this.#size
    this.#told = remembered
    this.#hasOthers = others.length > 0
    if (done !== undefined || tells) this.#parts.told.sequenced()
    return fresh
  }

  get isDue(): boolean {
    return this.#hasOthers
  }

  async release(): Promise<void> {
    this.#parts.told.released()
    await endClient(this.#parts.client)
  }

  async #commit(turn: SequencerTurn): Promise<readonly SubmittedEntry[]> {
    const others = await this.#prepare(turn)
    await this.#parts.run({ text: 'COMMIT' })
    return others
  }

  /** Of a turn that brings nothing itself. */
  async #stage(turn: SequencerTurn): Promise<readonly SubmittedEntry[]> {
    const others = await this.#waiting([])
    if (others.length > 0) await this.#advance(turn, others)
    return others
  }

  /** All of a transaction but its end; gives what waits and is staged behind `own`. */
  async #prepare(turn: SequencerTurn): Promise<readonly SubmittedEntry[]> {
    const { done, own } = turn
    const { run } = this.#parts
    try {
      // Sent together, answered one by one.
      const [, , others, moved] = await Promise.all([
        run({ text: 'BEGIN' }),
        own.length > 0 ? run(submissionOf(own)) : undefined,
        this.#waiting(own),
        ...(done === undefined ? [] : [moveOf(done), ...done.tiles.map(putOf)]).map(run),
      ])
      if (done !== undefined && moved?.count !== done.ids.length)
        throw stageLost(done.ids.length, moved?.count ?? 0)
      await this.#advance(turn, others)
      return others
    } catch (problem) {
      await run({ text: 'ROLLBACK' }).catch(() => undefined)
      // Whatever was not answered: without a COMMIT none of it has happened.
      throw hasNotHappened(problem)
    }
  }

  /** What waits beside `own` and what is staged, oldest first, as much as goes into one turn. */
  async #waiting(own: readonly SubmittedEntry[]): Promise<readonly SubmittedEntry[]> {
    const { rows } = await this.#parts.run({
      name: 'waiting',
      text: 'SELECT id, entry FROM sallyport.outbox WHERE id <> ALL ($2::bigint[]) ORDER BY id LIMIT $1',
      values: [maxStaged, [...this.#staged, ...own.map(({ id }) => id)]],
    })
    let bytes = 0
    const entries = rows.map(submittedOf)
    const over = entries.findIndex(({ entry }) => (bytes += entry.length) > maxStagedBytes)
    return over === -1 ? entries : entries.slice(0, Math.max(1, over))
  }

  async #advance(
    { done, own, remembered }: SequencerTurn,
    others: readonly SubmittedEntry[],
  ): Promise<void> {
    const { count } = await this.#parts.run({
      name: done === undefined ? 'stage' : 'advance',
      text: `UPDATE sallyport.log_head SET staged = staged[$4::int + 1:] || $5::bigint[], remembered = $6
             ${done === undefined ? '' : ', size = $7, checkpoint = $8'}
             WHERE epoch = $1 AND size = $2 AND cardinality(staged) = $3`,
      values: [
        this.#epoch,
        this.#size,
        this.#staged.length,
        done?.ids.length ?? 0,
        [...own, ...others].map(({ id }) => id),
        remembered,
        ...(done === undefined ? [] : [done.head.size, done.head.checkpoint]),
      ],
    })
    if (count !== 1) throw this.#lost()
  }

  #lost(): SallyportError {
    return new SallyportError({
      code: 'LOG_SEQUENCER_LOST',
      where: describe(this.#parts.options),
      expected: `epoch ${this.#epoch} and ${this.#size} entries, as this replica left them`,
      found: 'others',
      fix: 'Nothing: this replica waits for its turn again. If it comes often, look for a database that fails over',
    })
  }
}

/** From the outbox into the log. The key of `entry` is the index: none can be given twice. */
function moveOf({ ids, from }: SharedCommit): Statement {
  return {
    name: 'move',
    text: `WITH taken AS (DELETE FROM sallyport.outbox WHERE id = ANY($1::bigint[]) RETURNING id, entry)
           INSERT INTO sallyport.entry (idx, id, entry)
           SELECT $2::bigint + s.at - 1, taken.id, taken.entry
           FROM unnest($1::bigint[]) WITH ORDINALITY AS s (id, at) JOIN taken ON taken.id = s.id`,
    values: [ids, from],
  }
}

function putOf({ level, index, bytes }: SharedCommit['tiles'][number]): Statement {
  return {
    name: 'put-tile',
    text: `INSERT INTO sallyport.tile (level, idx, bytes) VALUES ($1, $2, $3)
           ON CONFLICT (level, idx) DO UPDATE SET bytes = excluded.bytes`,
    values: [level, index, bytes],
  }
}

function submittedOf(row: Record<string, unknown>): SubmittedEntry {
  return { id: Number(row['id']), entry: row['entry'] as Buffer }
}

function stageLost(expected: number, found: number): SallyportError {
  return new SallyportError({
    code: 'LOG_CORRUPT',
    where: 'table sallyport.outbox',
    expected: `${expected} entries that were staged`,
    found: `${found} of them`,
    fix: 'Restore the database to a moment at which they are there: somebody has removed entries that may have been signed',
  })
}
