import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exemptedIn } from './exempted.ts'
import { approval, builtRule, decideOn, keys, sha256, signed } from './testing/fixtures.ts'

const allowed = 'allowed: {by: [release-managers], environment: production}'
const exempt = "exemptions: [{rule: built, reason: r, owner: o, expires: '2026-07-01T00:00:00Z'}]"
const approved = signed(approval('production', { sha256 }), keys.alice)

const without = (items: Parameters<typeof decideOn>[1], policy: string): readonly string[] =>
  exemptedIn(decideOn([builtRule, allowed], items, { policy })).map(
    ({ id, exemption }) => `${id} ${exemption.instead}`,
  )

test('what was let in without a rule that did not hold is told with what it would have said', () => {
  assert.deepEqual(without([approved], exempt), ['require[0].built MISSING'])
})

test('what is refused all the same, or let in whatever the rules say, is not let in by the exemption', () => {
  assert.deepEqual(without([], exempt), [])
  assert.deepEqual(without([], `${exempt}\nmode: audit`), [])
  assert.deepEqual(without([approved], ''), [])
})
