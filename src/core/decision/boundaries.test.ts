import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import type { EvidenceItem } from './index.ts'
import {
  approval,
  builderIds,
  codesOf,
  decideOn,
  keys,
  now,
  provenance,
  repository,
  signed,
  trustOf,
} from './testing/fixtures.ts'
import {
  built,
  people,
  pushedBy,
  result,
  reviewed,
  scannedOn,
  sourceSummary,
  summary,
  verifierId,
  world,
} from './testing/world.ts'

const trust = trustOf(world)
const at = (milliseconds: number): string => new Date(now.getTime() + milliseconds).toISOString()
const skew = 5 * 60_000
const day = 86_400_000
const ask = (rule: string, items: readonly EvidenceItem[]) => decideOn([rule], items, { trust })
const by = 'by: [release-builder]'
const vsa = `verified: {by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2], within: 7d}`
const svr = `verified: {by: [verifier], form: svr, verifier: '${verifierId}', levels: [ORG_CHECKED], within: 7d}`
const reviews = 'reviewed: {by: [reviewers, git-server], builtBy: [release-builder]}'

/** Whatever carries a time: its rule, and the evidence of that time. */
const timed: readonly (readonly [string, (time: string) => readonly EvidenceItem[], number?])[] = [
  ['scanned: {by: [scanner], within: 7d, deny: {severity: high}}', (time) => [scannedOn(time)], 7],
  [vsa, (timeVerified) => [summary({ timeVerified })], 7],
  [svr, (timeCreated) => [result({ timeCreated })], 7],
  ['minimumLevel: {by: [verifier], level: 2}', (timeVerified) => [summary({ timeVerified })]],
  [`recent: {${by}, commit: 7d}`, (committedAt) => [signed(provenance({ committedAt }))], 7],
  [`recent: {${by}, build: 7d}`, (finishedOn) => [signed(provenance({ finishedOn }))], 7],
  [
    'allowed: {by: [release-managers]}',
    (approvedOn) => [signed(approval('production', { approvedOn }), keys.alice)],
  ],
  [reviews, (reviewedOn) => [built, reviewed(people.carol, { reviewedOn }), pushedBy('erin')]],
  [
    reviews.replace('reviewers, ', ''),
    (timeVerified) => [built, sourceSummary({ timeVerified }, ['refs/heads/main'])],
  ],
]

for (const [index, [rule, of, days]] of timed.entries()) {
  const name = rule.slice(0, rule.indexOf(':'))
  test(`${name} ${index}: clocks may differ by five minutes, and not by a millisecond more`, () => {
    assert.equal(ask(rule, of(at(skew))).verdict, 'ALLOW')
    const late = ask(rule, of(at(skew + 1)))
    assert.equal(late.verdict, 'DENY')
    assert.ok(codesOf(late).includes('TIME_IN_FUTURE'))
  })

  if (days === undefined) continue
  test(`${name} ${index}: what is good for ${days} days is good until they are over, and not then`, () => {
    const fresh = ask(rule, of(at(-days * day + 1)))
    assert.equal(fresh.verdict, 'ALLOW')
    assert.equal(fresh.validUntil, at(1))
    assert.equal(ask(rule, of(at(-days * day))).rules[0]?.verdict, 'STALE')
  })
}

test('any of the values that a rule allows will do, and no other', () => {
  const rule = `built: {${by}, from: ${repository}, refs: [refs/heads/main, refs/heads/next], parameters: {target: [release, debug]}}`
  for (const target of ['release', 'debug', 'test']) {
    for (const ref of ['refs/heads/main', 'refs/heads/next', 'refs/heads/other']) {
      const isGood = target !== 'test' && ref !== 'refs/heads/other'
      const items = [signed(provenance({ ref, parameters: { target } }))]
      assert.equal(ask(rule, items).verdict, isGood ? 'ALLOW' : 'DENY', `${target} ${ref}`)
    }
  }
})

test('two people with one builder are no two builds that agree', () => {
  const [one, other] = [makeKey(), makeKey()]
  const signer = (key: typeof one, id: string) => ({
    keys: [keyEntry(key)],
    predicateTypes: ['https://slsa.dev/provenance/v1'],
    builders: [{ id, level: 1 }],
  })
  const second = 'https://other.example/v1'
  for (const [id, verdict] of [
    [builderIds.pinned, 'DENY'],
    [second, 'ALLOW'],
  ] as const) {
    const trusted = trustOf({ first: signer(one, builderIds.pinned), second: signer(other, id) })
    const items = [signed(provenance(), one), signed(provenance({ builderId: id }), other)]
    const rule = 'reproduced: {by: [first, second]}'
    assert.equal(decideOn([rule], items, { trust: trusted }).verdict, verdict)
  }
})
