import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '#decision'
import { encodeCanonical, type Json } from '#document'
import { SallyportError } from '#error'
import { MemoryBodies } from '../log/testing/memory-bodies.ts'
import { Machine } from '../log/testing/simulation.ts'
import { RecheckQueue, type OpenAdmission, type RecheckParts } from './index.ts'
import { admissionOf, recheckOf } from './testing/log.ts'
import { memoryStores } from './testing/store.ts'

const start = Date.parse('2026-06-01T12:00:00.000Z')
const hour = 3_600_000

/** A log, the places where evidence is, a clock, and what has rung. */
async function scene() {
  const log = await new Machine().start()
  const stores = memoryStores()
  const answers = new Map<string, Decision['verdict']>()
  const asked: string[] = []
  const rung: string[] = []
  const errors: unknown[] = []
  let now = start
  let isAlarmDown = false
  const append = async (decision: Decision): Promise<number> =>
    (await log.append(encodeCanonical(decision as unknown as Json))).index
  const ring = (what: string, { first }: OpenAdmission): Promise<void> => {
    if (isAlarmDown) return Promise.reject(new Error('no room for alarms'))
    const text = `${what} ${first}`
    if (!rung.includes(text)) rung.push(text)
    return Promise.resolve()
  }
  const ask: RecheckParts['ask'] = async (one, _, mayRecord) => {
    asked.push(one.artifact.name)
    const decision = recheckOf(one, answers.get(one.artifact.name) ?? 'UNDETERMINED')
    const isTold = decision.verdict === 'ALLOW' || decision.verdict === 'DENY'
    if (!isTold) return { decision: { ...decision, inputs: admissionOf('x').inputs } }
    if (!(await mayRecord())) throw new TypeError('somebody else does it')
    return { decision, entry: await append(decision) }
  }
  const open = (more: Partial<RecheckParts> = {}): RecheckQueue =>
    new RecheckQueue({
      log,
      bodies: new MemoryBodies(),
      store: stores.open(),
      ask,
      ring: { refused: (one) => ring('refused', one), overdue: (one) => ring('overdue', one) },
      clock: () => new Date(now),
      random: () => 0.5,
      overdueMs: 24 * hour,
      onError: (error) => errors.push(error),
      ...more,
    })
  return {
    log,
    answers,
    asked,
    rung,
    errors,
    stores,
    append,
    ask,
    open,
    pass: (ms: number) => void (now += ms),
    alarms: (isUp: boolean) => void (isAlarmDown = !isUp),
  }
}

const decisionsIn = async ({ log }: { log: Awaited<ReturnType<typeof scene>>['log'] }) =>
  (await log.view()).size

test('what could not be told is asked again until it can: a yes clears it, a no rings', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  await place.append(admissionOf('b'))
  const queue = place.open()
  await queue.look()
  assert.equal(queue.openCount, 2)
  // Nothing is recorded of what could still not be told.
  assert.equal(await decisionsIn(place), 2)
  place.answers.set('shop-a', 'ALLOW').set('shop-b', 'DENY')
  place.pass(5_000)
  await queue.look()
  assert.equal(queue.openCount, 0)
  assert.deepEqual(place.rung, ['refused 1'])
  assert.deepEqual(queue.report().totals, { verified: 1, refused: 1 })
  assert.equal(await decisionsIn(place), 4)
  await queue.look()
  assert.deepEqual([await decisionsIn(place), place.asked.length, place.errors], [4, 4, []])
})

test('a place that is down for a day is not hammered', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  const queue = place.open()
  for (let second = 0; second < 86_400; second += 10) {
    await queue.look()
    place.pass(10_000)
  }
  assert.ok(place.asked.length > 20 && place.asked.length < 40, `${place.asked.length} times`)
  assert.equal(await decisionsIn(place), 1)
})

test('many that wait for the same place are not all asked for at once', async () => {
  const place = await scene()
  for (let at = 0; at < 60; at += 1)
    await place.append(
      admissionOf('a', { request: { ...admissionOf('a').request, requester: `u${at}` } }),
    )
  const queue = place.open()
  await queue.look()
  assert.ok(place.asked.length <= 6, `${place.asked.length} at once`)
})

test('when a place answers somebody, who waits for it is asked soon', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  const queue = place.open()
  for (let round = 0; round < 12; round += 1) {
    await queue.look()
    place.pass(hour)
  }
  await queue.look()
  const before = place.asked.length
  place.pass(120_000)
  place.answers.set('shop-a', 'ALLOW').set('shop-b', 'ALLOW')
  await queue.look()
  assert.equal(place.asked.length, before, 'its own time has not come')
  await place.append(admissionOf('b'))
  await queue.look()
  await queue.look()
  assert.deepEqual([place.asked.slice(before), queue.openCount], [['shop-b', 'shop-a'], 0])
})

test('what is open for too long rings once, stays visible, and is still asked', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  let queue = place.open()
  await queue.look()
  assert.deepEqual(place.rung, [])
  place.pass(24 * hour)
  await queue.look()
  place.pass(24 * hour)
  await queue.look()
  assert.deepEqual(place.rung, ['overdue 0'])
  assert.equal(queue.report().open[0]?.isOverdue, true)
  await queue.close()
  place.rung.length = 0
  queue = place.open({ store: place.stores.open() })
  await queue.look()
  assert.deepEqual(place.rung, [], 'rung before the restart')
  place.answers.set('shop-a', 'DENY')
  place.pass(2 * hour)
  await queue.look()
  assert.deepEqual(place.rung, ['refused 0'])
})

test('what was let in before the clock was set back is open for too long', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  const queue = place.open()
  await queue.look()
  assert.deepEqual(place.rung, [])
  place.pass(-48 * hour)
  await queue.look()
  assert.deepEqual(place.rung, ['overdue 0'])
})

test('a clock that was set back does not keep how far it has come from being noted', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  const queue = place.open({ overdueMs: Infinity })
  await queue.look()
  const noteOf = async (): Promise<string> => String(await place.stores.open().note())
  place.answers.set('shop-a', 'ALLOW')
  place.pass(10_000)
  await queue.look()
  const before = await noteOf()
  await place.append(admissionOf('b'))
  place.answers.set('shop-b', 'ALLOW')
  place.pass(-48 * hour)
  await queue.look()
  assert.notEqual(await noteOf(), before)
})

test('a restart finds the same queue, with a note and without, and rings for nothing twice', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  await place.append(admissionOf('b'))
  place.answers.set('shop-b', 'DENY')
  const first = place.open()
  await first.look()
  assert.deepEqual(place.rung, ['refused 1'])
  await first.close()
  place.rung.length = 0
  const noted = place.open({ store: place.stores.open() })
  await noted.look()
  assert.deepEqual([noted.openCount, place.rung], [1, []])
  assert.deepEqual(noted.report().settled, first.report().settled)
  await noted.close()
  // What is a day old has rung; without the note nobody can say it of the rest.
  place.pass(25 * hour)
  const afresh = place.open({ store: memoryStores().open() })
  await afresh.look()
  assert.equal(afresh.openCount, 1)
  assert.ok(!place.rung.includes('refused 1'))
})

test('who died between the record and the alarm is not missed: the next one rings', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  place.answers.set('shop-a', 'DENY')
  place.alarms(false)
  const dying = place.open()
  await dying.look()
  assert.equal(await decisionsIn(place), 2)
  assert.deepEqual(place.rung, [])
  await place.stores.kill()
  place.alarms(true)
  const next = place.open({ store: place.stores.open() })
  await next.look()
  assert.deepEqual(place.rung, ['refused 0'])
  assert.equal(await decisionsIn(place), 2, 'it is not decided a third time')
})

test('of two replicas one asks and rings, and the other knows what came of it', async () => {
  const place = await scene()
  const [one, two] = [place.open(), place.open({ store: place.stores.open() })]
  for (const name of ['a', 'b', 'c']) {
    await place.append(admissionOf(name))
    place.answers.set(`shop-${name}`, name === 'b' ? 'DENY' : 'ALLOW')
  }
  await Promise.all([one.look(), two.look()])
  await Promise.all([one.look(), two.look()])
  assert.deepEqual([place.asked.length, place.rung], [3, ['refused 1']])
  assert.deepEqual(one.report().totals, two.report().totals)
  // The turn goes over, and nothing rings again.
  await one.close()
  await place.stores.kill()
  place.rung.length = 0
  await place.append(admissionOf('d'))
  place.answers.set('shop-d', 'DENY')
  await two.look()
  assert.deepEqual(place.rung, ['refused 6'])
})

test('what has rung is noted at once: whoever takes over does not ring again', async () => {
  const place = await scene()
  for (const name of ['a', 'b']) await place.append(admissionOf(name))
  place.answers.set('shop-a', 'ALLOW')
  const dying = place.open()
  await dying.look()
  place.answers.set('shop-b', 'DENY')
  place.pass(3_000)
  await dying.look()
  assert.deepEqual(place.rung, ['refused 1'])
  await place.stores.kill()
  place.rung.length = 0
  const next = place.open({ store: place.stores.open() })
  await place.append(admissionOf('c'))
  await next.look()
  assert.deepEqual(place.rung, [])
})

test('who has lost the turn while it asked records nothing', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  place.answers.set('shop-a', 'DENY')
  const slow = place.open({
    ask: async (one, view, mayRecord) => {
      await place.stores.kill()
      await place.stores.open().take()
      return place.ask(one, view, mayRecord)
    },
  })
  await slow.look()
  assert.deepEqual([await decisionsIn(place), place.rung], [1, []])
})

test('a log that cannot be written keeps it in the queue, and a note that is garbage or of another log is no help and no harm', async () => {
  const place = await scene()
  await place.append(admissionOf('a'))
  place.answers.set('shop-a', 'DENY')
  const away = new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: 'log',
    expected: 'e',
    found: 'f',
    fix: 'Do',
  })
  const queue = place.open({ ask: () => Promise.reject(away) })
  await queue.look()
  const [open] = queue.report().open
  assert.equal(open?.attempt?.problems[0]?.code, 'LOG_UNAVAILABLE')
  await queue.close()
  const store = place.stores.open()
  assert.equal(await store.take(), true)
  const good = Buffer.from((await store.note()) ?? []).toString()
  const notes = [
    '',
    '{',
    '[]',
    good.replace('"size":1', '"size":9'),
    good.replace(/"root":"[^"]*"/, '"root":"x"'),
  ]
  for (const note of notes) {
    await store.keep(Buffer.from(note))
    const next = place.open({ store })
    await next.look()
    assert.deepEqual([next.report().size > 0, next.report().totals.refused], [true, 1], note)
  }
})
