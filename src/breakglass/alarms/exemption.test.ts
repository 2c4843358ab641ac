import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  approval,
  builtRule,
  decideOn,
  keys,
  sha256,
  signed,
} from '../../core/decision/testing/fixtures.ts'
import { openBell } from './bell.ts'
import { encodeEvent, eventsOf, parseEvent } from './event.ts'
import { openOutbox } from './outbox.ts'

const allowed = 'allowed: {by: [release-managers], environment: production}'
const approved = signed(approval('production', { sha256 }), keys.alice)
const exemption = (owner: string, expires: string): string =>
  `exemptions: [{rule: built, reason: the builder moves, owner: ${owner}, expires: '${expires}'}]`
const first = exemption('erin', '2026-07-01T00:00:00Z')

function rungBy(policy: string, entry = 7, time = '2026-06-01T12:00:00Z') {
  const now = new Date(time)
  const decision = decideOn([builtRule, allowed], [approved], { policy, now })
  return eventsOf(decision, { origin: 'log.example', entry, reviewMs: 1 })
}

test('an exemption that lets something in rings, with who answers for it, until when, and what the rule says', () => {
  const [event, ...others] = rungBy(first)
  assert.ok(event !== undefined && others.length === 0)
  assert.deepEqual(parseEvent(encodeEvent(event)), event)
  assert.deepEqual([event.type, event.severity, event.entry], ['exemption-used', 'notice', 7])
  assert.deepEqual(event.exemption, {
    policy: 'shop-production',
    rule: 'require[0].built',
    instead: 'MISSING',
    reason: 'the builder moves',
    owner: 'erin',
    expires: '2026-07-01T00:00:00.000Z',
  })
  assert.deepEqual(rungBy(''), [], 'what is refused does not ring')
})

test('it rings once, however often and for whatever it is used; written anew it is another one', () => {
  const id = (policy: string, entry?: number, time?: string) => rungBy(policy, entry, time)[0]?.id
  assert.equal(id(first, 4711, '2026-06-20T00:00:00Z'), id(first))
  assert.notEqual(id(exemption('erin', '2026-08-01T00:00:00Z')), id(first))
  assert.notEqual(id(exemption('dana', '2026-07-01T00:00:00Z')), id(first))
})

test('what has rung is not looked for on the disk again; what could not be kept rings again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-exemption-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const outbox = openOutbox(folder)
  let puts = 0
  let isFull = true
  const put: typeof outbox.put = async (...event) => {
    puts += 1
    if (isFull) throw new Error('the disk is full')
    await outbox.put(...event)
  }
  const clock = () => new Date('2026-06-01T12:00:00Z')
  const bell = openBell({ outbox: { ...outbox, put }, sinks: [], origin: 'log.example', clock })
  await assert.rejects(bell.ring(rungBy(first)), /full/)
  isFull = false
  // As many as are answered at a time.
  await Promise.all(Array.from({ length: 50 }, (_, at) => bell.ring(rungBy(first, at))))
  assert.equal(puts, 2)
  assert.equal((await bell.events()).length, 1)
})
