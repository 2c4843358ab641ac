// A schema change is a deployment like any other (DEP-10): the real psql, against a real PostgreSQL.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startCluster, whyNoPostgres, type Cluster } from '../postgres/cluster.ts'
import { runMain } from '../scenarios/main.ts'
import { provenance } from '../scenarios/provenance.ts'
import { makeHome } from './promotion.ts'
import { recipe } from './recipe.ts'

const noPsql = spawnSync('psql', ['--version']).status === 0 ? undefined : 'skipped: no psql'
const skip = whyNoPostgres() ?? noPsql ?? false
const dir = mkdtempSync(join(tmpdir(), 'sallyport-psql-'))
let cluster: Cluster
before(async () => {
  if (skip !== false) return
  cluster = await startCluster()
  await cluster.database('shop')
  await makeHome(dir)
  writeFileSync(join(dir, 'migration.sql'), 'create table orders (id int);\n')
  writeFileSync(join(dir, 'evil.sql'), 'drop table orders;\n')
  await provenance(['migration.sql'], dir)
})
after(async () => {
  if (skip === false) await cluster.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** As docs/ci.md has it, with more of what this server is reached by. */
function migrate(file: string) {
  const more = { PGPORT: String(cluster.port), PGUSER: 'admin', PGDATABASE: 'shop' }
  const env = { PGHOST: cluster.folder, PGPASSWORD: 'not asked for', ...more }
  const names = Object.keys(more).flatMap((name) => ['--env', name])
  const words = recipe('SQL migration', { '0042_orders.sql': file }, names)
  return runMain(['gate', ...words], dir, env)
}

const tables = async (): Promise<number> =>
  (await cluster.say('shop', `select 1 from pg_tables where tablename = 'orders'`)).length

test(
  'a migration is run when it may be, once, and a failure of psql is told as such',
  { skip },
  async () => {
    const first = await migrate('migration.sql')
    assert.equal(first.exit, 0, first.stderr.join('\n'))
    assert.equal(await tables(), 1)
    const again = await migrate('migration.sql')
    assert.equal(again.exit, 103, again.stderr.join('\n'))
  },
)

test('a migration that nothing vouches for does not reach the database', { skip }, async () => {
  assert.equal((await migrate('evil.sql')).exit, 1)
  assert.equal(await tables(), 1)
})
