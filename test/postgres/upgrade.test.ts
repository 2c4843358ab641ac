// OPS-12: a database as an earlier program left it when it was killed (test/upgrade), under this one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { openSharedLog, verifyLog } from '#log'
import { openPostgresStore } from '#store'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { testIdentity } from './place.ts'

const recorded = join(import.meta.dirname, '../upgrade')
const names = globSync('database-*.tgz', { cwd: recorded }).sort()
const newest = 6

function unpack(t: TestContext, name: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-upgrade-'))
  t.after(() => rmSync(folder, { recursive: true }))
  execFileSync('tar', ['-xzf', join(recorded, name), '-C', folder])
  const sql = readFileSync(join(folder, 'database.sql'), 'utf8')
  const told = JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8')) as {
    readonly index: number
    readonly text: string
  }[]
  // What psql alone understands, and what older versions of PostgreSQL do not.
  const isSaid = (line: string): boolean => !/^\\|^SET transaction_timeout/.test(line)
  return { sql: sql.split('\n').filter(isSaid).join('\n'), told, memory: join(folder, 'memory') }
}

describe('a database of an earlier version', { skip: whyNoPostgres() ?? false }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  test('some are recorded', () => assert.ok(names.length >= 2))

  for (const name of names)
    test(`${name}: its schema is renewed, nothing that was answered is lost, and the log goes on`, async (t) => {
      const { sql, told, memory } = unpack(t, name)
      const options = await cluster.database(name.replace(/\W/g, '_'))
      await cluster.say(options.database, sql)
      const [schema] = await cluster.say(
        options.database,
        `SELECT (SELECT max(version) FROM sallyport.schema_version) AS version,
                (SELECT cardinality(staged) FROM sallyport.log_head) AS staged`,
      )
      assert.ok(Number(schema?.['version']) < newest)
      assert.ok(Number(schema?.['staged']) > 0, 'its replica died while entries were staged')
      const store = await openPostgresStore(options)
      const signer = new RememberingSigner(fileMemory(memory), 1)
      const { origin, verifierKeys } = signer
      const log = await openSharedLog({ store: store.log, origin, verifierKeys, signer })
      t.after(async () => {
        await log.close()
        await store.close()
      })
      const { index } = await log.append(Buffer.from('after the upgrade'))
      const view = await log.view()
      assert.equal(view.size, index + 1)
      for (const { index: at, text } of told)
        assert.equal(Buffer.from(await log.entry(at)).toString(), text)
      const report = await verifyLog({ ...testIdentity(), storage: store.log })
      assert.deepEqual(report.problems, [])
      const digest = await store.bodies.put(Buffer.from('evidence'))
      assert.equal(Buffer.from((await store.bodies.get(digest)) ?? []).toString(), 'evidence')
      const [renewed] = await cluster.say(
        options.database,
        'SELECT max(version) AS version FROM sallyport.schema_version',
      )
      assert.equal(renewed?.['version'], newest)
    })
})
