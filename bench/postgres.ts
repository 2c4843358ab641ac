// Durable decisions in PostgreSQL: each is answered when its place is durable and the signer remembers it. Beside raw INSERTs
// of the same bytes into the same database, one transaction each, from as many at a time over as many connections as ours.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { openSharedLog } from '#log'
import { openPostgresStore, type PostgresOptions } from '#store'
import { startCluster, whyNoPostgres } from '../test/postgres/cluster.ts'
import { startBenchSigner } from './log-signer.ts'
import { percentile } from './machine.ts'
import { milliseconds, perSecond, print, type Row } from './report.ts'

const entryBytes = 1024
const seconds = 2.5
const inFlight = [1, 32, 256] as const

const why = whyNoPostgres()
if (why === undefined) await main()
else process.stdout.write(`PostgreSQL: ${why}\n`)

async function main(): Promise<void> {
  const cluster = await startCluster()
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-postgres-'))
  try {
    const options = await cluster.database('bench', { connections: 8 })
    const rows: Row[] = []
    for (const count of inFlight)
      rows.push(await compare(options, join(folder, String(count)), count))
    print('PostgreSQL: durable decisions of 1 KiB, sequenced, signer in its own process', rows)
  } finally {
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(options: PostgresOptions, home: string, count: number): Promise<Row> {
  const raw = await rawInserts(options, count)
  const ours = await decisions({ ...options, database: options.database }, home, count)
  return {
    what: `${count} at a time`,
    ours: tell(ours),
    limit: `raw INSERT ${tell(raw)}`,
    ...(count === 256 ? { bar: '>= 10,000/s, p50 <= 15 ms' } : {}),
  }
}

async function decisions(options: PostgresOptions, home: string, count: number) {
  mkdirSync(home, { mode: 0o700 })
  const signer = await startBenchSigner(home)
  await forget(options)
  const store = await openPostgresStore(options)
  const { origin, verifierKeys } = signer
  const log = await openSharedLog({ store: store.log, origin, verifierKeys, signer })
  const result = await measure(count, async () => log.append(randomBytes(entryBytes)))
  await log.close()
  await store.close()
  await signer.close()
  return result
}

async function rawInserts(options: PostgresOptions, count: number) {
  const pool = new Pool({ ...plain(options), max: Math.min(count, 32) })
  await pool.query(
    'CREATE TABLE IF NOT EXISTS raw (id bigserial PRIMARY KEY, bytes bytea NOT NULL)',
  )
  const result = await measure(count, async () =>
    pool.query({
      name: 'raw',
      text: 'INSERT INTO raw (bytes) VALUES ($1)',
      values: [randomBytes(entryBytes)],
    }),
  )
  await pool.query('DROP TABLE raw')
  await pool.end()
  return result
}

/** A new log for each row: its signer has a memory of its own. */
async function forget(options: PostgresOptions): Promise<void> {
  const pool = new Pool({ ...plain(options), max: 1 })
  await pool.query('DROP SCHEMA IF EXISTS sallyport CASCADE')
  await pool.end()
}

function plain({ host, port, user, database }: PostgresOptions) {
  return { host, port, user, database, ssl: false }
}

async function measure(count: number, work: () => Promise<unknown>) {
  const taken: number[] = []
  const started = performance.now()
  const until = started + seconds * 1000
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const begun = performance.now()
      await work()
      taken.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: count }, one))
  return { rate: (taken.length * 1000) / (performance.now() - started), taken }
}

function tell({ rate, taken }: { rate: number; taken: number[] }): string {
  return `${perSecond(rate)}, p50 ${milliseconds(percentile(taken, 50))}, p99 ${milliseconds(percentile(taken, 99))}`
}
