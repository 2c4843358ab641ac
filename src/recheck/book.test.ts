import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logOf, recheckOf, admissionOf } from './testing/log.ts'
import { RecheckBook } from './index.ts'

test('what an outage let in is open, and the same question asked again is one', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  log.add(admissionOf('a', { effect: 'admitted', verdict: 'ALLOW' }))
  log.add(admissionOf('a', { effect: 'blocked', verdict: 'DENY' }))
  log.add(admissionOf('a'))
  log.add(admissionOf('b'))
  const book = await log.read()
  assert.deepEqual(
    book.open().map(({ first, last, times, artifact }) => [first, last, times, artifact.sha256[0]]),
    [
      [0, 3, 2, 'a'],
      [4, 4, 1, 'b'],
    ],
  )
})

test('another requester, target, name or evidence is another question', async () => {
  const log = logOf()
  const one = admissionOf('a')
  log.add(one)
  log.add({ ...one, request: { ...one.request, requester: 'mallory' } })
  log.add({ ...one, request: { ...one.request, principal: 'token:ci' } })
  log.add({ ...one, request: { ...one.request, chokePoint: 'ci' } })
  log.add({
    ...one,
    request: { ...one.request, target: { environment: 'test', service: 'shop' } },
  })
  log.add({
    ...one,
    inputs: { ...one.inputs, evidence: [{ digest: 'f'.repeat(64), source: 'x' }] },
  })
  assert.equal((await log.read()).openCount, 6)
})

test('through which object it was asked makes no other question of it', async () => {
  const log = logOf()
  const one = admissionOf('a')
  for (const name of ['shop-1', 'shop-2'])
    log.add({ ...one, request: { ...one.request, asked: { uid: name, kind: '/Pod', name } } })
  assert.equal((await log.read()).openCount, 1)
})

test('a yes or a no that names the question settles it', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  log.add(admissionOf('b'))
  const before = await log.read()
  const [a, b] = before.open()
  assert.ok(a !== undefined && b !== undefined)
  log.add(recheckOf(a, 'ALLOW'))
  log.add(recheckOf(b, 'DENY'))
  const book = await log.read()
  assert.equal(book.openCount, 0)
  assert.deepEqual(book.totals, { verified: 1, refused: 1 })
  assert.deepEqual(
    book.settled().map(({ first, recheck: { entry, verdict } }) => [first, entry, verdict]),
    [
      [1, 3, 'DENY'],
      [0, 2, 'ALLOW'],
    ],
  )
})

test('what could still not be told settles nothing', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  const [a] = (await log.read()).open()
  assert.ok(a !== undefined)
  log.add(recheckOf(a, 'UNDETERMINED'))
  log.add(recheckOf(a, 'POLICY_ERROR'))
  assert.equal((await log.read()).openCount, 1)
})

test('an answer about other bytes, another target or an earlier question settles nothing', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  const [a] = (await log.read()).open()
  assert.ok(a !== undefined)
  log.add(recheckOf({ ...a, artifact: { ...a.artifact, sha256: 'b'.repeat(64) } }, 'ALLOW'))
  log.add(recheckOf({ ...a, environment: 'test' }, 'ALLOW'))
  log.add(recheckOf({ ...a, question: 'e'.repeat(64) }, 'ALLOW'))
  log.add(recheckOf({ ...a, first: 0, last: 99 }, 'ALLOW'))
  assert.equal((await log.read()).openCount, 1)
})

test('an ordinary yes for the same bytes, later, settles nothing: nobody can ask something off the queue', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  log.add(admissionOf('a', { effect: 'admitted', verdict: 'ALLOW' }))
  const [a] = (await log.read()).open()
  assert.ok(a !== undefined)
  const claimed = JSON.stringify(recheckOf(a, 'ALLOW').request.rechecks)
  const one = admissionOf('a', { effect: 'admitted', verdict: 'ALLOW' })
  log.add({ ...one, request: { ...one.request, requester: `"rechecks":${claimed}` } })
  assert.equal((await log.read()).openCount, 1)
})

test('what came in while it was decided again stays open, for every reader alike', async () => {
  const log = logOf()
  log.add(admissionOf('a'))
  const leader = await log.read()
  const [a] = leader.open()
  assert.ok(a !== undefined)
  log.add(admissionOf('a'))
  log.add(admissionOf('a'))
  const answer = recheckOf(a, 'ALLOW')
  leader.recorded(log.add(answer), answer)
  assert.equal(leader.openCount, 0)
  await log.readOn(leader)
  const other = await log.read()
  assert.deepEqual(
    [leader, other].map((book) => book.open().map(({ last }) => last)),
    [[2], [2]],
  )
  // Whoever of them decides it again, the other one understands.
  for (const asker of [leader, other]) {
    const copy = log.copy()
    const [open] = asker.open()
    assert.ok(open !== undefined)
    copy.add(recheckOf(open, 'DENY'))
    assert.equal((await copy.read()).openCount, 0)
  }
})

test('at its bound the log is not read on, nothing is lost, and it goes on when there is room', async () => {
  const log = logOf()
  for (const name of ['a', 'b', 'c', 'd']) log.add(admissionOf(name))
  const limits = { open: 2, refused: 1, verified: 1 }
  const book = await log.read(limits)
  assert.deepEqual([book.openCount, book.size, book.isFull], [2, 2, true])
  const [a] = book.open()
  assert.ok(a !== undefined)
  const answer = recheckOf(a, 'DENY')
  book.recorded(log.add(answer), answer)
  await log.readOn(book)
  assert.deepEqual(
    [book.open().map(({ first }) => first), book.size, book.isFull, book.totals.refused],
    [[1, 2], 3, true, 1],
  )
})

test('an entry whose body is missing stays visible, and is understood when the body is back', async () => {
  const log = logOf()
  const body = log.addByReference(admissionOf('a'))
  const other = log.addByReference(admissionOf('b', { effect: 'blocked', verdict: 'DENY' }))
  log.lose(body)
  log.lose(other)
  const book = await log.read()
  assert.deepEqual(
    book.open().map(({ first, unreadable }) => [first, unreadable?.code]),
    [
      [0, 'RECORD_BODY_MISSING'],
      [1, 'RECORD_BODY_MISSING'],
    ],
  )
  log.find(body)
  log.find(other)
  for (const one of book.open()) await book.readAgain(log.view(), one)
  assert.deepEqual(
    book.open().map(({ first, artifact }) => [first, artifact.sha256[0]]),
    [[0, 'a']],
  )
})

test('a noted book goes on where it was, and comes to the same as one that reads everything', async () => {
  const log = logOf()
  for (const name of ['a', 'b', 'c']) log.add(admissionOf(name))
  const first = await log.read()
  const state = structuredClone(first.state())
  const [a] = first.open()
  assert.ok(a !== undefined)
  log.add(recheckOf(a, 'DENY'))
  log.add(admissionOf('b'))
  const noted = new RecheckBook(log.bodies, state)
  await log.readOn(noted)
  assert.deepEqual(noted.state(), (await log.read()).state())
})
