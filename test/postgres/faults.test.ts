import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { verifyLog, type Log } from '#log'
import { openPostgresStore } from '#store'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { makePlace, testIdentity } from './place.ts'

describe('a database that fails', { skip: whyNoPostgres() ?? false, concurrency: 1 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  async function fill(log: Log, count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, (_, at) => log.append(Buffer.from(`entry ${at}`))),
    )
  }

  /** Puts a database back to what it was when it was copied, as a restored backup does. */
  async function putBack(name: string): Promise<void> {
    await cluster.say('postgres', `DROP DATABASE "${name}" WITH (FORCE)`)
    await cluster.say('postgres', `ALTER DATABASE "${name}_old" RENAME TO "${name}"`)
  }

  async function copy(name: string): Promise<void> {
    await cluster.say(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    )
    await cluster.say('postgres', `CREATE DATABASE "${name}_old" TEMPLATE "${name}"`)
  }

  async function quietPlace(t: Parameters<typeof makePlace>[0]) {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    await fill(log, 10)
    await log.close()
    // Nobody may be connected to a database that is copied.
    await place.release()
    await copy(place.options.database)
    return place
  }

  test('an old copy of the database is refused at the start', async (t) => {
    const place = await quietPlace(t)
    const log = await place.open()
    await fill(log, 5)
    await log.close()
    await putBack(place.options.database)
    await assert.rejects(place.open(), { code: 'LOG_ROLLED_BACK', found: '10 entries' })
  })

  test('an empty database in the place of the log is refused at the start', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    await fill(log, 3)
    await log.close()
    await cluster.say(place.options.database, 'DROP SCHEMA sallyport CASCADE')
    await assert.rejects(place.open(), { code: 'LOG_ROLLED_BACK', found: '0 entries' })
  })

  test('an old copy is refused by a replica that never sequenced, too: its signer follows', async (t) => {
    const place = await quietPlace(t)
    const own = `${place.memory}-other`
    cpSync(place.memory, own, { recursive: true })
    const log = await place.open()
    const follower = await place.open({ memory: own })
    await fill(log, 5)
    const signer = new RememberingSigner(fileMemory(own), 1)
    await until(async () => (await signer.newest())?.size === 15)
    await log.close()
    await follower.close()
    await putBack(place.options.database)
    await assert.rejects(place.open({ memory: own }), {
      code: 'LOG_ROLLED_BACK',
      found: '10 entries',
    })
  })

  test('another history, grown where an old memory knew no better, is refused where it is known', async (t) => {
    const place = await quietPlace(t)
    const old = `${place.memory}-old`
    cpSync(place.memory, old, { recursive: true })
    const log = await place.open()
    await fill(log, 5)
    await log.close()
    await putBack(place.options.database)
    const astray = await place.open({ memory: old })
    for (let at = 0; at < 6; at += 1) await astray.append(Buffer.from(`other ${at}`))
    await astray.close()
    await assert.rejects(place.open(), { code: 'LOG_FORKED' })
  })

  test('a replica that runs while the database is put back says no from then on', async (t) => {
    const place = await quietPlace(t)
    const log = await place.open()
    await fill(log, 5)
    await putBack(place.options.database)
    await until(async () =>
      log.append(Buffer.from('later')).then(
        () => assert.fail('answered'),
        (problem: unknown) => (problem as { code: string }).code === 'LOG_ROLLED_BACK',
      ),
    )
  })

  test('damaged tiles, another head and a signer that forgot are refused', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    await fill(log, 300)
    await log.close()
    const { database } = place.options
    await cluster.say(
      database,
      `UPDATE sallyport.tile SET bytes = overlay(bytes placing '\\x00' from 40) WHERE level = 0 AND idx = 1`,
    )
    await assert.rejects(place.open(), (problem: { code: string }) =>
      ['LOG_CORRUPT', 'LOG_ENTRY_ALTERED'].includes(problem.code),
    )
    await cluster.say(database, `UPDATE sallyport.log_head SET size = 299`)
    await assert.rejects(place.open(), { code: 'LOG_CORRUPT' })
    await cluster.say(database, `UPDATE sallyport.log_head SET size = 300`)
    rmSync(place.memory, { recursive: true })
    await assert.rejects(place.open(), { code: 'LOG_MEMORY_MISSING' })
  })

  test('an entry that was altered, removed or swapped in the table is found by verifying', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    await fill(log, 300)
    await log.close()
    const { database } = place.options
    await cluster.say(database, `UPDATE sallyport.entry SET entry = 'forged' WHERE idx = 7`)
    await cluster.say(
      database,
      `UPDATE sallyport.entry SET idx = -idx - 1 + 1000 WHERE idx IN (30, 31)`,
    )
    await cluster.say(
      database,
      `UPDATE sallyport.entry SET idx = CASE idx WHEN 969 THEN 31 ELSE 30 END WHERE idx > 900`,
    )
    const { ok, problems } = await verifyLog({ ...testIdentity(), storage: place.store.log })
    const codes = problems.map(({ code }) => code)
    assert.equal(ok, false)
    assert.ok(
      codes.includes('LOG_ENTRY_ALTERED') && codes.includes('LOG_ENTRY_REORDERED'),
      codes.join(),
    )
    await assert.rejects(log.entry(7), { code: 'LOG_CORRUPT' })
  })

  test('a database that hangs: whoever asks is refused in time, and all goes on when it wakes', async (t) => {
    const place = await makePlace(t, cluster, { timeoutMs: 800 })
    const log = await place.open({ waitMs: 500 })
    await fill(log, 3)
    cluster.freeze()
    const begun = performance.now()
    const asked = await Promise.allSettled([
      log.append(Buffer.from('a')),
      log.append(Buffer.from('b')),
    ])
    const taken = performance.now() - begun
    cluster.thaw()
    for (const one of asked)
      assert.equal(
        one.status === 'rejected' && (one.reason as { code: string }).code,
        'LOG_UNAVAILABLE',
      )
    assert.ok(taken < 5000, `${taken} ms`)
    await until(async () =>
      log.append(Buffer.from('c')).then(
        () => true,
        () => false,
      ),
    )
  })

  test('a database that cannot be reached is refused at the start', async () => {
    const options = {
      host: '/nowhere',
      port: 5432,
      user: 'a',
      database: 'b',
      timeoutMs: 500,
      connections: 2,
    }
    await assert.rejects(openPostgresStore(options), { code: 'LOG_UNAVAILABLE' })
  })

  test('a full disk fails the append, and nothing but that', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open({ waitMs: 1500 })
    await fill(log, 3)
    const { database } = place.options
    const fillUp = (table: string) =>
      cluster.say(
        database,
        `CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER f BEFORE INSERT ON sallyport.${table} FOR EACH STATEMENT EXECUTE FUNCTION public.full()`,
      )
    const makeRoom = () => cluster.say(database, 'DROP FUNCTION public.full CASCADE')
    await fillUp('outbox')
    await assert.rejects(log.append(Buffer.from('full')), { code: 'LOG_STORAGE_FULL' })
    await makeRoom()
    await log.append(Buffer.from('more'))
    await log.view()
    await fillUp('entry')
    const { index } = await log.append(Buffer.from('staged'))
    await assert.rejects(log.view(), { code: 'LOG_UNAVAILABLE' })
    await assert.rejects(log.append(Buffer.from('behind it')), {
      code: /^LOG_(UNAVAILABLE|STORAGE_FULL)$/,
    })
    await makeRoom()
    await log.append(Buffer.from('more yet'))
    assert.equal(Buffer.from(await log.entry(index)).toString(), 'staged')
    const { ok } = await verifyLog({ ...testIdentity(), storage: place.store.log })
    assert.ok(ok)
  })

  test('an index that is taken is not given again', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open({ waitMs: 1000 })
    await fill(log, 3)
    const { database } = place.options
    await cluster.say(
      database,
      `INSERT INTO sallyport.entry (idx, id, entry) VALUES (3, 0, 'mine')`,
    )
    const { index } = await log.append(Buffer.from('next'))
    assert.equal(index, 3)
    await assert.rejects(log.view(), { code: 'LOG_UNAVAILABLE' })
    await assert.rejects(log.append(Buffer.from('after it')), { code: 'LOG_UNAVAILABLE' })
    await cluster.say(database, `DELETE FROM sallyport.entry WHERE entry = 'mine'`)
    assert.ok((await log.append(Buffer.from('at last'))).index > 3)
    assert.equal(
      Buffer.from(await log.entry(3)).toString(),
      'next',
      'it was staged, so it is recorded',
    )
  })

  test('what is staged and lost is told, not skipped', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open({ waitMs: 300 })
    await fill(log, 3)
    await log.close()
    await cluster.say(place.options.database, `UPDATE sallyport.log_head SET staged = '{123}'`)
    await assert.rejects(place.open(), { code: 'LOG_CORRUPT', where: 'table sallyport.outbox' })
  })

  test('a body that was altered is not given', async (t) => {
    const place = await makePlace(t, cluster)
    const digest = await place.store.bodies.put(Buffer.from('evidence'))
    await cluster.say(place.options.database, `UPDATE sallyport.body SET bytes = 'evidencf'`)
    await assert.rejects(place.store.bodies.get(digest), { code: 'BLOB_CORRUPT' })
  })

  test('a schema that is newer is refused', async (t) => {
    const place = await makePlace(t, cluster)
    await cluster.say(
      place.options.database,
      'INSERT INTO sallyport.schema_version (version) VALUES (1000)',
    )
    await assert.rejects(openPostgresStore(place.options), { code: 'LOG_STORE_NEWER' })
  })

  test('PostgreSQL looks at few rows of what grows, and at none of their bytes', async (t) => {
    const place = await makePlace(t, cluster)
    const columns = await cluster.say(
      place.options.database,
      `SELECT format('%s.%s', c.relname, a.attname) AS name, a.attstattarget AS target
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'sallyport' AND c.relname IN ('outbox', 'entry', 'tile', 'body') AND a.attnum > 0`,
    )
    for (const { name, target } of columns) {
      const isLong = /\.(?:entry|bytes)$/.test(String(name))
      assert.equal(target, isLong ? 0 : 10, String(name))
    }
    assert.equal(columns.length, 10)
  })

  test('ten that open an empty database at once make one schema and one log', async (t) => {
    const place = await makePlace(t, cluster)
    await cluster.say(place.options.database, 'DROP SCHEMA sallyport CASCADE')
    const logs = await Promise.all(Array.from({ length: 10 }, () => place.open()))
    await Promise.all(logs.map((log, at) => log.append(Buffer.from(`of ${at}`))))
    assert.equal((await logs[0]?.view())?.size, 10)
  })

  test('a role that does not wait for the disk is made to wait', async (t) => {
    const place = await makePlace(t, cluster)
    await cluster.say(
      place.options.database,
      'CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off',
    )
    const store = await openPostgresStore({ ...place.options, user: 'hasty' })
    await store.close()
  })

  test('whatever changes the log waits for the disk, in every session', async (t) => {
    await cluster.say(
      'postgres',
      'CREATE ROLE hurried LOGIN SUPERUSER; ALTER ROLE hurried SET synchronous_commit = off',
    )
    const place = await makePlace(t, cluster, { user: 'hurried' })
    const { database } = place.options
    const tables = ['outbox', 'entry', 'tile', 'log_head', 'body']
    const triggers = tables.map(
      (name) =>
        `CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON sallyport.${name} EXECUTE FUNCTION public.tell();`,
    )
    await cluster.say(
      database,
      `CREATE TABLE public.told (name text, mode text);
       CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO public.told VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NULL;
       END $$; ${triggers.join(' ')}`,
    )
    const [log, other] = [await place.open(), await place.open()]
    await Promise.all([fill(log, 20), fill(other, 20)])
    await place.store.bodies.put(Buffer.from('evidence'))
    assert.equal((await log.view()).size, 40)
    const told = await cluster.say(database, 'SELECT DISTINCT name, mode FROM public.told')
    assert.deepEqual(
      told.map(({ name, mode }) => `${String(name)} ${String(mode)}`).toSorted(),
      tables.map((name) => `${name} on`).toSorted(),
    )
  })

  test('what stands between gate and database, and leaves out what a session is told, is found out', async (t) => {
    const place = await makePlace(t, cluster)
    const folder = join(cluster.folder, 'between')
    mkdirSync(folder)
    // "no" is as long as "on": nothing else of the first packet changes.
    const between = createServer((client) => {
      const server = connect(join(cluster.folder, `.s.PGSQL.${cluster.port}`))
      for (const socket of [client, server]) socket.on('error', () => undefined)
      client.once('data', (first: Buffer) => {
        const said = first.toString('latin1')
        assert.match(said, /synchronous_commit=on/)
        server.write(Buffer.from(said.replace('commit=on', 'commit=no'), 'latin1'))
        client.pipe(server).pipe(client)
      })
    })
    between.listen(join(folder, '.s.PGSQL.5432'))
    await once(between, 'listening')
    t.after(() => between.close())
    await assert.rejects(openPostgresStore({ ...place.options, host: folder, port: 5432 }), {
      code: 'LOG_STORE_UNSAFE',
      found: 'fsync on, full_page_writes on, synchronous_commit off',
    })
  })

  test('a database that does not wait for its disk is refused', async (t) => {
    const place = await makePlace(t, cluster)
    await cluster.halt('fast')
    await cluster.start(['fsync=off'])
    await assert.rejects(openPostgresStore(place.options), { code: 'LOG_STORE_UNSAFE' })
    await cluster.halt('fast')
    await cluster.start()
  })

  test('nothing of PG… variables and files of a home has a word in it', async (t) => {
    const place = await makePlace(t, cluster)
    const before = { ...process.env }
    Object.assign(process.env, {
      PGHOST: '/nowhere',
      PGUSER: 'nobody',
      PGDATABASE: 'none',
      PGPASSWORD: 'secret',
      PGOPTIONS: '-c synchronous_commit=off',
      PGSSLMODE: 'require',
      PGPASSFILE: join(cluster.folder, 'none'),
    })
    try {
      const store = await openPostgresStore(place.options)
      await store.close()
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    }
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, 'it never came about')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
