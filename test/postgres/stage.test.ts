import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SubmittedEntry } from '#log'
import { TreeEdge } from '#merkle'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { makePlace, type Place } from './place.ts'

describe('the stage', { skip: whyNoPostgres() ?? false, concurrency: 1 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  async function beginLog(t: Parameters<typeof makePlace>[0]): Promise<Place> {
    const place = await makePlace(t, cluster)
    await (await place.open()).close()
    return place
  }

  async function sessionOf({ store }: Place) {
    const session = await store.log.sequence()
    assert.ok(session !== undefined)
    return session
  }

  async function named(place: Place, texts: readonly string[]): Promise<readonly SubmittedEntry[]> {
    const { first } = await place.store.log.reserve()
    return texts.map((text, at) => ({ id: first + at, entry: Buffer.from(text) }))
  }

  const idsOf = (entries: readonly SubmittedEntry[]) => entries.map(({ id }) => id)
  const shown = async ({ store }: Place, from: number) => (await store.log.look(from))?.ids

  test('what is staged is shown from when it is remembered, where it will stand', async (t) => {
    const place = await beginLog(t)
    const session = await sessionOf(place)
    const own = await named(place, ['a', 'b'])
    const others = await named(place, ['c'])
    const done = undefined
    assert.deepEqual(idsOf(await session.turn({ done, own, remembered: 0 })), idsOf(own))
    assert.equal(session.isDue, false, 'whoever sequences knows what is remembered')
    assert.deepEqual(await shown(place, 0), [])
    await place.store.log.submit(others)
    const staged = await session.turn({ done, own: [], remembered: 2 })
    assert.deepEqual(idsOf(staged), idsOf(others))
    assert.equal(session.isDue, true)
    assert.deepEqual(await shown(place, 0), idsOf(own))
    assert.deepEqual(await shown(place, 1), idsOf(own.slice(1)))
    // Nothing is to be staged, but those who have submitted the last one wait to be told.
    assert.deepEqual(await session.turn({ done, own: [], remembered: 3 }), [])
    assert.equal(session.isDue, false)
    assert.deepEqual(await shown(place, 1), idsOf([...own, ...others].slice(1)))
    assert.deepEqual(await shown(place, 3), [])
    await session.release()
    const log = await place.open()
    assert.equal((await log.append(Buffer.from('d'))).index, 3)
    const texts: string[] = []
    for await (const { entry } of (await log.view()).entries())
      texts.push(Buffer.from(entry).toString())
    assert.deepEqual(texts, ['a', 'b', 'c', 'd'])
  })

  test('a stage of which a signer remembers a part is finished, and one that it remembers otherwise is refused', async (t) => {
    for (const [texts, code] of [
      [['a', 'b'], undefined],
      [['a', 'x'], 'LOG_FORKED'],
      [['a', 'b', 'c', 'd'], 'LOG_ROLLED_BACK'],
    ] as const) {
      const place = await beginLog(t)
      const session = await sessionOf(place)
      const own = await named(place, ['a', 'b', 'c'])
      await session.turn({ done: undefined, own, remembered: 0 })
      await session.release()
      const { size, root } = TreeEdge.empty.extend(texts.map((text) => Buffer.from(text))).edge
      const signer = new RememberingSigner(fileMemory(place.memory), 1)
      await signer.remember({ size, root, consistency: [] })
      if (code !== undefined) await assert.rejects(place.open(), { code })
      else assert.equal((await (await place.open()).append(Buffer.from('d'))).index, 3)
    }
  })

  test('a session that was lost, or that is cut before it commits, has changed nothing, and that is known', async (t) => {
    for (const [loss, code] of [
      ['UPDATE sallyport.log_head SET epoch = epoch + 1', 'LOG_SEQUENCER_LOST'],
      [
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport sequencer'`,
        'LOG_UNAVAILABLE',
      ],
    ] as const) {
      const place = await beginLog(t)
      const session = await sessionOf(place)
      const own = await named(place, ['a'])
      await cluster.say(place.options.database, loss)
      const turn = session.turn({ done: undefined, own, remembered: 0 })
      await assert.rejects(turn, { code })
      const problem: unknown = await turn.catch((cause: unknown) => cause)
      assert.equal(place.store.log.mayHaveHappened(problem), false)
      assert.deepEqual(await place.store.log.known(idsOf(own)), [])
      await session.release()
    }
  })
})
