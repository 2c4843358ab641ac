import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeEvent, parseEvent } from '#breakglass'
import { bookLimits, RecheckBook, type OpenAdmission, type SettledAdmission } from '#recheck'
import { admissionOf, logOf, recheckOf } from '../../recheck/testing/log.ts'
import { overdueEvent, refusedEvent } from './events.ts'
import { listOf } from './list.ts'
import { behind, overdue, taken } from './problems.ts'

const now = new Date('2026-06-03T12:00:00.000Z')

async function refused(
  letter = 'a',
  time = '2026-06-01T12:34:00.000Z',
  name = `registry.example/acme/shop@sha256:${'a'.repeat(64)}`,
): Promise<SettledAdmission> {
  const log = logOf()
  const admission = admissionOf(letter)
  log.add({
    ...admission,
    request: { ...admission.request, artifact: { ...admission.request.artifact, name } },
  })
  const [open] = (await log.read()).open()
  assert.ok(open !== undefined)
  const reasons = Array.from({ length: 40 }, (_, at) => ({
    code: 'APPROVAL_MISSING' as const,
    where: `rule ${at}`,
    expected: 'e'.repeat(9000),
    found: 'f'.repeat(9000),
    fix: 'Have it approved',
  }))
  log.add({ ...recheckOf(open, 'DENY'), time, reasons })
  const [settled] = (await log.read()).settled()
  assert.ok(settled !== undefined)
  return settled
}

test('an alarm names artifact, target, when it was let in, what is wrong and what to do, however long all that is', async () => {
  const one = await refused('a', now.toISOString(), `\u001b[31m${'😀'.repeat(5_000)}`)
  const event = parseEvent(encodeEvent(refusedEvent(one, 'log.example')))
  assert.equal(event.type, 'recheck-refused')
  assert.equal(event.severity, 'critical')
  assert.equal(event.entry, one.recheck.entry)
  assert.deepEqual(event.admitted, { first: 0, last: 0, times: 1, since: one.since })
  assert.equal(event.problems?.[0]?.fix, 'Have it approved')
  assert.equal(event.problems.length, 8)
  assert.ok(event.summary.length <= 2000 && event.summary.isWellFormed())
  assert.ok(encodeEvent(event).length < 50_000)
})

test('of the same bytes at the same target one alarm rings in an hour, whoever makes it', async () => {
  const id = async (...args: Parameters<typeof refused>) =>
    refusedEvent(await refused(...args), 'log.example').id
  assert.equal(await id(), await id('a', '2026-06-01T12:59:59.000Z'))
  assert.notEqual(await id(), await id('a', '2026-06-01T13:00:00.000Z'))
  assert.notEqual(await id(), await id('b'))
})

test('what could not be told for too long rings once, with what keeps it from being told', async () => {
  const { recheck: _, ...open } = await refused()
  const problem = taken
  const event = parseEvent(encodeEvent(overdueEvent(open, [problem], 'log.example', now)))
  assert.deepEqual(
    [event.type, event.entry, event.reasons],
    ['recheck-overdue', 0, ['RECHECK_TAKEN']],
  )
  const later = new Date(now.getTime() + 86_400_000)
  assert.equal(event.id, overdueEvent(open, [], 'log.example', later).id)
})

test('what is listed is bounded, and says what has to be done', async () => {
  const { recheck, ...open } = await refused()
  const many = Array.from({ length: 5 }, (): OpenAdmission => open)
  const report = {
    size: 9,
    unread: 3,
    isFull: true,
    open: many.map((one) => ({ ...one, isOverdue: true })),
    settled: many.map((one) => ({ ...one, recheck })),
    totals: { verified: 0, refused: 5 },
  }
  const list = listOf(report, 2, now)
  assert.deepEqual([list.pending, list.open.length, list.settled.length], [5, 2, 2])
  assert.equal(list.open[0]?.state, 'overdue')
  assert.match(overdue(open).fix, /sallyport recheck/)
  assert.match(behind(bookLimits.open, 3).found, /10000 open ones, and 3 entries/)
})

test('a reader of a million ordinary entries keeps nothing of them', async () => {
  const log = logOf()
  for (let at = 0; at < 300; at += 1)
    log.add(admissionOf('a', { effect: 'blocked', verdict: 'DENY' }))
  const book = new RecheckBook(log.bodies)
  await log.readOn(book)
  assert.deepEqual(book.state(), {
    size: 300,
    open: [],
    settled: [],
    totals: { verified: 0, refused: 0 },
  })
})
