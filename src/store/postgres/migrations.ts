import type { Client } from 'pg'
import { SallyportError } from '#error'
import { ask, describe, type PostgresOptions } from './connection.ts'

/**
 * The schema, one version after the other; a version never changes once it is released.
 *
 * `outbox` has what is submitted and not in the log yet; `entry` is the log; `tile` its hashes, each tile as wide as it
 * is now, from which every narrower one follows; `log_head` one row: where the log stands, and what was staged to follow.
 */
const versions: readonly (readonly string[])[] = [
  [
    `CREATE SEQUENCE sallyport.entry_id AS bigint INCREMENT BY 4096 MAXVALUE 9007199254736896`,
    `CREATE TABLE sallyport.outbox (
       id bigint PRIMARY KEY,
       entry bytea NOT NULL CHECK (octet_length(entry) <= 65535)
     ) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
             autovacuum_vacuum_cost_delay = 0)`,
    `ALTER TABLE sallyport.outbox ALTER COLUMN entry SET STORAGE EXTERNAL`,
    `CREATE TABLE sallyport.entry (
       idx bigint PRIMARY KEY CHECK (idx >= 0),
       id bigint NOT NULL,
       entry bytea NOT NULL
     ) WITH (toast_tuple_target = 8160)`,
    `ALTER TABLE sallyport.entry ALTER COLUMN entry SET STORAGE EXTERNAL`,
    `CREATE TABLE sallyport.tile (
       level smallint NOT NULL,
       idx bigint NOT NULL,
       bytes bytea NOT NULL CHECK (octet_length(bytes) <= 8192),
       PRIMARY KEY (level, idx)
     ) WITH (toast_tuple_target = 8160)`,
    `ALTER TABLE sallyport.tile ALTER COLUMN bytes SET STORAGE EXTERNAL`,
    `CREATE TABLE sallyport.log_head (
       one boolean PRIMARY KEY DEFAULT true CHECK (one),
       size bigint CHECK (size >= 0),
       checkpoint text,
       epoch bigint NOT NULL,
       staged bigint[] NOT NULL DEFAULT '{}'
     ) WITH (fillfactor = 10)`,
    `INSERT INTO sallyport.log_head (epoch) VALUES (0)`,
    `CREATE TABLE sallyport.body (
       sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
       bytes bytea NOT NULL
     )`,
  ],
  // Where an entry stands that was submitted under some id. Ids and indexes grow together, so ranges of blocks are enough.
  [
    `CREATE INDEX entry_id_range ON sallyport.entry USING brin (id) WITH (pages_per_range = 32, autosummarize = on)`,
  ],
  // Who decides again what an outage let in, until when, and how far the log has been read for it.
  [
    `CREATE TABLE sallyport.recheck (
       one boolean PRIMARY KEY DEFAULT true CHECK (one),
       holder text NOT NULL DEFAULT '',
       until timestamptz NOT NULL DEFAULT '-infinity',
       note bytea
     ) WITH (fillfactor = 50)`,
    `INSERT INTO sallyport.recheck DEFAULT VALUES`,
  ],
  // How many entries are in the log: those of the head, and of the stage as many as the signer remembers.
  [`ALTER TABLE sallyport.log_head ADD COLUMN remembered bigint`],
  // PostgreSQL looks at so many rows of a table, again and again as it grows, as its column with the most statistics asks for. At
  // 100, its default, it read 30,000 of these rows each time, which took a core for a second or two; none of them is looked for
  // by its bytes.
  [
    `ALTER TABLE sallyport.outbox ALTER COLUMN id SET STATISTICS 10, ALTER COLUMN entry SET STATISTICS 0`,
    `ALTER TABLE sallyport.entry ALTER COLUMN idx SET STATISTICS 10, ALTER COLUMN id SET STATISTICS 10,
                                 ALTER COLUMN entry SET STATISTICS 0`,
    `ALTER TABLE sallyport.tile ALTER COLUMN level SET STATISTICS 10, ALTER COLUMN idx SET STATISTICS 10,
                                ALTER COLUMN bytes SET STATISTICS 0`,
    `ALTER TABLE sallyport.body ALTER COLUMN sha256 SET STATISTICS 10, ALTER COLUMN bytes SET STATISTICS 0`,
  ],
  // Requests and grants of breakglass that one replica was sent, for the others.
  [
    `CREATE TABLE sallyport.shelf (
       name text PRIMARY KEY CHECK (octet_length(name) <= 300),
       bytes bytea NOT NULL CHECK (octet_length(bytes) <= 1000000),
       at timestamptz NOT NULL DEFAULT now()
     )`,
  ],
]

// Any number that nobody else uses: one process migrates at a time.
const migrationLock = 7_365_820_194

/** Brings the schema to the version this program knows; refuses one that is newer, and a database that may lose what it confirms. */
export async function migrate(client: Client, options: PostgresOptions): Promise<void> {
  const say = async (text: string, values: readonly unknown[] = []) =>
    (await ask(client, options, { text, values })).rows
  await checkDurable(say, options)
  const present = await versionOf(say)
  if (present > versions.length) throw newer(present, options)
  if (present === versions.length) return
  await say('BEGIN')
  await say('SELECT pg_advisory_xact_lock($1)', [migrationLock])
  await say('CREATE SCHEMA IF NOT EXISTS sallyport')
  await say('CREATE TABLE IF NOT EXISTS sallyport.schema_version (version int PRIMARY KEY)')
  // Another process may have been here while this one waited.
  const begun = await versionOf(say)
  for (const [at, statements] of versions.entries()) {
    if (at < begun) continue
    for (const statement of statements) await say(statement)
    await say('INSERT INTO sallyport.schema_version (version) VALUES ($1)', [at + 1])
  }
  await say('COMMIT')
}

type Say = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Record<string, unknown>[]>

async function versionOf(say: Say): Promise<number> {
  const [there] = await say(`SELECT to_regclass('sallyport.schema_version') IS NOT NULL AS there`)
  if (there?.['there'] !== true) return 0
  const [row] = await say(
    'SELECT coalesce(max(version), 0) AS version FROM sallyport.schema_version',
  )
  return Number(row?.['version'])
}

async function checkDurable(say: Say, options: PostgresOptions): Promise<void> {
  const [row] = await say(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
            current_setting('synchronous_commit') AS commit`,
  )
  const { fsync, pages, commit } = row ?? {}
  if (fsync === 'on' && pages === 'on' && commit !== 'off' && commit !== 'local') return
  throw new SallyportError({
    code: 'LOG_STORE_UNSAFE',
    where: describe(options),
    expected: 'fsync, full_page_writes and synchronous_commit on',
    found: `fsync ${String(fsync)}, full_page_writes ${String(pages)}, synchronous_commit ${String(commit)}`,
    fix: 'Switch them on in postgresql.conf: without them a crash loses decisions that were answered',
  })
}

function newer(present: number, options: PostgresOptions): SallyportError {
  return new SallyportError({
    code: 'LOG_STORE_NEWER',
    where: describe(options),
    expected: `schema version ${versions.length} or older`,
    found: `version ${present}`,
    fix: 'Run the newer Sallyport that made it: this one does not know what it would break',
  })
}
