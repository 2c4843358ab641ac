import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtRule, decideOn } from './testing/fixtures.ts'

function at(policy: string, now: string) {
  return decideOn([builtRule], [], { policy, now: new Date(now) })
}

test('an audit with an end enforces from that moment on', () => {
  const until = 'mode: audit\nauditUntil: 2026-07-01T00:00:00Z'
  assert.equal(at(until, '2026-06-30T23:59:59Z').effect, 'admitted-audit')
  assert.equal(at(until, '2026-07-01T00:00:00Z').effect, 'blocked')
  assert.equal(at(until, '2026-07-01T00:00:00Z').policy?.mode, 'enforce')
  assert.equal(at('mode: audit', '2036-07-01T00:00:00Z').effect, 'admitted-audit')
})

test('an exemption counts for nothing before its time', () => {
  const times = "since: '2026-06-01T00:00:00Z', expires: '2026-07-01T00:00:00Z'"
  const exempt = `exemptions: [{rule: built, reason: r, owner: o, ${times}}]`
  const verdictsAt = (now: string) => at(exempt, now).rules.map(({ verdict }) => verdict)
  assert.deepEqual(verdictsAt('2026-05-31T23:59:59Z'), ['MISSING'])
  assert.deepEqual(verdictsAt('2026-06-01T00:00:00Z'), ['EXEMPTED'])
})
