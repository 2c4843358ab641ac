import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '#decision'
import {
  approval,
  decideOn,
  evidenceOf,
  keys,
  now,
  sha256,
  signed,
} from '../../core/decision/testing/fixtures.ts'
import { encodeEvent, eventsOf, parseEvent } from './event.ts'

const rule = 'allowed: {by: [release-managers], environment: production}'
const place = { origin: 'log.example', entry: 7, reviewMs: 86_400_000 }

/** Nothing was found, and one place could not be asked. */
const outage = {
  ...evidenceOf(),
  sources: [{ name: 'https://evidence.example', outcome: 'unavailable', detail: '503' }] as const,
}
const unavailable = (at: Date, policy = 'whenUnavailable: allow'): Decision =>
  decideOn([rule], [], { evidence: outage, policy, now: at })
const audited = (at: Date, policy = 'mode: audit'): Decision =>
  decideOn([rule], [], { policy, now: at })

for (const [effect, letIn, verdict, code] of [
  ['admitted-unavailable', unavailable, 'UNDETERMINED', 'EVIDENCE_UNAVAILABLE'],
  ['admitted-audit', audited, 'DENY', 'APPROVAL_MISSING'],
] as const) {
  test(`what is let in as ${effect} rings, with what the policy would have said`, () => {
    const decision = letIn(now)
    assert.equal(decision.effect, effect)
    const [event, ...others] = eventsOf(decision, place)
    assert.deepEqual(others, [])
    assert.ok(event !== undefined)
    assert.deepEqual(event, {
      apiVersion: 'sallyport.dev/v1',
      kind: 'SecurityEvent',
      id: event.id,
      time: decision.time,
      type: effect,
      severity: 'error',
      origin: 'log.example',
      summary: `${effect}: shop-1.2.3.tgz may run in production/shop, verdict ${verdict}, entry 7`,
      target: { environment: 'production', service: 'shop' },
      artifact: { name: 'shop-1.2.3.tgz', sha256 },
      entry: 7,
      verdict,
      effect,
      reasons: event.reasons,
    })
    assert.ok(event.reasons?.includes(code))
    assert.deepEqual(parseEvent(encodeEvent(event)), event)
  })

  test(`of ${effect} the same rings once an hour`, () => {
    const id = (minutes: number, entry: number) =>
      eventsOf(letIn(new Date(now.getTime() + minutes * 60_000)), { ...place, entry })[0]?.id
    assert.equal(id(0, 7), id(59, 8))
    assert.notEqual(id(0, 7), id(60, 8))
  })
}

test('a yes and a no ring for nobody', () => {
  const yes = decideOn([rule], [signed(approval(), keys.alice)], {})
  assert.equal(yes.effect, 'admitted')
  assert.deepEqual(eventsOf(yes, place), [])
  for (const no of [unavailable(now, ''), audited(now, '')]) {
    assert.equal(no.effect, 'blocked')
    assert.deepEqual(eventsOf(no, place), [])
  }
})

test('a name that is cut in the middle of a character rings all the same', () => {
  const name = `${'a'.repeat(999)}😀`
  const request = {
    artifact: { name, digest: { sha256 } },
    target: { environment: 'production', service: 'shop' },
    chokePoint: 'test',
    requester: name,
  }
  const decision = decideOn([rule], [], { policy: 'mode: audit', request })
  const [event] = eventsOf(decision, place)
  assert.ok(event !== undefined)
  assert.deepEqual(parseEvent(encodeEvent(event)), event)
})

test('a summary is one line, and an event is printable, whatever somebody has called what they ask about', () => {
  const name = 'shop\r\nSubject: all is well\u001b[2J\u009b\u202e\u2028'
  const decision = unavailable(now)
  const { request } = decision
  const named = { ...decision, request: { ...request, artifact: { ...request.artifact, name } } }
  const [event] = eventsOf(named, place)
  assert.ok(event !== undefined)
  assert.match(event.summary, /^[\x20-\x7e]+$/)
  assert.ok(event.summary.includes(String.raw`shop\u000d\nSubject: all is well\u001b[2J`))
  assert.match(Buffer.from(encodeEvent(event)).toString('latin1'), /^[\x20-\x7e]+$/)
  assert.equal(parseEvent(encodeEvent(event)).artifact?.name, name)
})

test('each use rings for itself, also where a log that was lost begins anew with the same places', () => {
  const used = { approvers: ['erin'], until: now.toISOString(), grants: [] }
  const glass = {
    effect: 'admitted-breakglass',
    breakglass: { wanted: [], grants: [], used },
  } as const
  const idOf = (decision: Decision, entry = 7) =>
    eventsOf({ ...decision, ...glass }, { ...place, entry })[0]?.id
  const later = unavailable(new Date(now.getTime() + 1))
  assert.equal(idOf(unavailable(now)), idOf(unavailable(now)))
  assert.notEqual(idOf(unavailable(now)), idOf(unavailable(now), 8))
  assert.notEqual(idOf(unavailable(now)), idOf(later))
})
