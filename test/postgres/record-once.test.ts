import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { recordOnce, submittedAs, verifyLog } from '#log'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { makePlace, testIdentity } from './place.ts'

const entryOf = (id: number) => ({ id, entry: Buffer.from(`entry ${id}`) })

describe('recording once', { skip: whyNoPostgres() ?? false, concurrency: 1 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  test('whatever was recorded before is not recorded again, and the rest goes in its order', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    const { log: store } = place.store
    const options = { log, store, waitMs: 20_000 }
    await log.append(Buffer.from('another'))
    const some = [-9, -7, -5].map(entryOf)
    assert.deepEqual(await recordOnce(some, options), [1, 2, 3])
    assert.deepEqual(await recordOnce(some, options), [1, 2, 3])
    const more = [-9, -8, -7, -6, -5, -4].map(entryOf)
    assert.deepEqual(await recordOnce(more, options), [1, 4, 2, 5, 3, 6])
    const view = await log.view()
    assert.equal(view.size, 7)
    const { problems } = await verifyLog({ ...testIdentity(), storage: store })
    assert.deepEqual(problems, [])
  })

  test('two who record the same at once record it once', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    const { log: store } = place.store
    const entries = Array.from({ length: 50 }, (_, at) => entryOf(at - 100))
    const attempt = async (): Promise<readonly number[]> => {
      for (;;)
        try {
          return await recordOnce(entries, { log, store, waitMs: 20_000 })
        } catch (problem) {
          // One of the two is refused by the key of the table, and asks again.
          assert.equal((problem as { code: string }).code, 'LOG_UNAVAILABLE')
        }
    }
    const [one, other] = await Promise.all([attempt(), attempt()])
    assert.deepEqual(one, other)
    assert.equal((await log.view()).size, 50)
  })

  test('an id that has another entry is told, not taken for ours', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open()
    const { log: store } = place.store
    const options = { log, store, waitMs: 20_000 }
    await recordOnce([entryOf(-3)], options)
    const forged = { id: -3, entry: Buffer.from('forged') }
    await assert.rejects(recordOnce([forged], options), { code: 'LOG_CORRUPT' })
  })

  test('an append that was refused for lack of time tells the id under which it may be there, and is not recorded twice', async (t) => {
    const place = await makePlace(t, cluster)
    const log = await place.open({ waitMs: 1000 })
    const { log: store } = place.store
    const { database } = place.options
    await cluster.say(
      database,
      `CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
       CREATE TRIGGER f BEFORE INSERT ON sallyport.entry FOR EACH STATEMENT EXECUTE FUNCTION public.slow()`,
    )
    // It is staged, and all others come after it.
    await log.append(Buffer.from('first'))
    const entry = Buffer.from('late')
    const refusal = await log.append(entry).then(
      () => assert.fail('answered'),
      (problem: unknown) => problem,
    )
    const id = submittedAs(refusal)
    assert.ok(id !== undefined)
    await cluster.say(database, 'DROP FUNCTION public.slow CASCADE')
    await recordOnce([{ id, entry }], { log, store, waitMs: 20_000 })
    assert.equal((await log.view()).size, 2)
  })
})
