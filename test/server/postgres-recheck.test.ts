import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test, type TestContext } from 'node:test'
import { recheckListSchema, type RecheckList } from '#api'
import { startCluster, whyNoPostgres, type Cluster } from '../postgres/cluster.ts'
import { rung, startStore, useStores } from './evidence-store.ts'
import { startInside, startOutside, until } from './gate.ts'
import { isSequenced, isSpooled, makePostgresHome, type PostgresHome } from './postgres-gate.ts'

const fresh = (): string => randomBytes(32).toString('hex')

describe(
  'replicas that decide again what an outage let in',
  { skip: whyNoPostgres() ?? false, concurrency: 1 },
  () => {
    let cluster: Cluster
    before(async () => {
      cluster = await startCluster()
    })
    after(() => cluster.stop())

    async function place(t: TestContext) {
      const home = await makePostgresHome(cluster)
      t.after(() => home.close())
      const store = await startStore(t)
      useStores(home, [store])
      return { home, store }
    }

    async function rechecks(home: PostgresHome, address: string): Promise<RecheckList> {
      const { status, text } = await home.get(address, '/api/v1/rechecks')
      assert.equal(status, 200, text)
      return recheckListSchema.parse(JSON.parse(text))
    }

    const refusals = (home: { readonly folder: string }) =>
      rung(home).filter(({ type }) => type === 'recheck-refused')

    test('an admission that went through the spool is decided again when it is in the log', async (t) => {
      const { home, store } = await place(t)
      const gate = await startInside(home)
      assert.ok(isSequenced(await home.ask(gate.address, home.image(fresh()))))
      await cluster.halt('fast')
      const [good, bad] = [fresh(), fresh()]
      for (const digest of [good, bad])
        assert.ok(isSpooled(await home.ask(gate.address, home.image(digest))))
      store.approve(good)
      store.approve(bad, 'staging')
      store.isDown = false
      await cluster.start()
      await until('settled', async () => (await rechecks(home, gate.address)).settled.length === 3)
      const { settled, pending, verified, refused } = await rechecks(home, gate.address)
      assert.deepEqual([pending, verified, refused], [0, 1, 2])
      const states = new Map(settled.map(({ artifact, state }) => [artifact.sha256, state]))
      assert.deepEqual([states.get(good), states.get(bad)], ['verified', 'refused'])
      // It rings just after the refusal is recorded.
      await until('rung', async () =>
        refusals(home).some(({ artifact }) => artifact?.sha256 === bad),
      )
    })

    test('two replicas: one of them asks and rings, once; when it is killed, the other goes on, and what has rung does not ring again', async (t) => {
      const { home, store } = await place(t)
      const second = home.replica()
      t.after(() => second.close())
      const first = await startOutside(home)
      const one = fresh()
      await home.ask(first.address, home.image(one))
      await until('tried', async () => {
        return ((await rechecks(home, first.address)).open[0]?.tries ?? 0) > 0
      })
      const other = await startInside({ ...home, ...second })
      // Let in by one, seen by both.
      const two = fresh()
      await home.ask(other.address, home.image(two))
      for (const { address } of [first, other])
        await until('seen', async () => (await rechecks(home, address)).pending === 2)
      store.approve(one, 'staging')
      store.approve(two)
      store.isDown = false
      for (const { address } of [first, other])
        await until('settled', async () => (await rechecks(home, address)).settled.length === 2)
      await until('rung', async () => refusals(home).length > 0)
      assert.deepEqual([refusals(home).length, refusals(second).length], [1, 0])
      const { size } = await rechecks(home, other.address)
      assert.equal(size, 4, 'two admissions, and one answer to each')
      store.isDown = true
      const three = fresh()
      await home.ask(other.address, home.image(three))
      first.child.kill('SIGKILL')
      await first.ended
      store.approve(three, 'staging')
      store.isDown = false
      await until('taken over', async () => (await rechecks(home, other.address)).refused === 2)
      await until('rung', async () => refusals(second).length > 0)
      assert.deepEqual(
        [refusals(home), refusals(second)].map((events) =>
          events.map(({ artifact }) => artifact?.sha256),
        ),
        [[one], [three]],
      )
    })
  },
)
