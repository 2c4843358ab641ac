import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { readBody } from './body.ts'
import { openSlots, SlottedRequest, slotOf } from './slots.ts'

/** Places with memory for 100 bytes, and clients who send. */
function place() {
  const time = { now: 0 }
  const slots = openSlots(10, 100, () => time.now)
  return {
    time,
    send: (bytes: number) => {
      const request = new SlottedRequest(new Socket())
      const slot = slots.open(request)
      const body = readBody(request, 1000)
      body.catch(() => undefined)
      const more = (count: number): void => void request.push(Buffer.alloc(count))
      more(bytes)
      return { body, more, end: () => void request.push(null), close: () => slot.close() }
    },
  }
}

const busy = { code: 'SERVER_BUSY' } as const
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('as many are answered as there are places, and who waits for a client has none', () => {
  const slots = openSlots(2)
  const open = () => slots.open(new SlottedRequest(new Socket()))
  const [first, second] = [open(), open()]
  assert.throws(open, busy)
  first.yield()
  first.yield()
  assert.equal(slots.taken, 1)
  const third = open()
  assert.throws(() => first.take(), busy)
  third.close()
  third.close()
  assert.equal(slots.taken, 1)
  first.take()
  first.take()
  assert.equal(slots.taken, 2)
  assert.throws(open, busy)
  for (const slot of [first, second]) slot.close()
  assert.equal(slots.taken, 0)
})

test('a request knows its place, and all bodies together have 256 MiB', () => {
  const request = new SlottedRequest(new Socket())
  assert.equal(slotOf(request), undefined)
  const slot = openSlots(1, undefined, () => 0).open(request)
  assert.equal(slotOf(request), slot)
  slot.hold(256 * 2 ** 20, () => assert.fail())
  assert.throws(() => slot.hold(1, () => assert.fail()), busy)
})

test('a body that does not end gives way when there is no memory for another; who began first goes first', async () => {
  const { send, time } = place()
  const [first, second] = [send(40), send(40)]
  await turn()
  time.now = 1000
  const other = send(50)
  other.end()
  assert.equal((await other.body).length, 50)
  await assert.rejects(first.body, busy)
  second.more(10)
  second.end()
  assert.equal((await second.body).length, 50)
})

test('neither a body that has just begun gives way, nor one that is whole', async () => {
  const { send, time } = place()
  const whole = send(40)
  whole.end()
  await whole.body
  time.now = 5000
  const young = send(40)
  await turn()
  time.now = 5999
  await assert.rejects(send(50).body, busy)
  young.more(20)
  young.end()
  assert.equal((await young.body).length, 60)
  await assert.rejects(send(1).body, busy)
  whole.close()
  const next = send(40)
  next.end()
  assert.equal((await next.body).length, 40)
})

test('who gave way is not counted twice', async () => {
  const { send, time } = place()
  const first = send(60)
  await turn()
  time.now = 1000
  const other = send(60)
  other.end()
  await other.body
  await assert.rejects(first.body, busy)
  first.close()
  await assert.rejects(send(50).body, busy)
  other.close()
  const last = send(100)
  last.end()
  assert.equal((await last.body).length, 100)
})
