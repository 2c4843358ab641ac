import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, encodeDecision, type Decision } from '#decision'
import type { PolicySet } from '#policy'
import { createVerifier } from '#trust'
import {
  approval,
  builtRule,
  keys,
  policiesOf,
  policyText,
  request,
  sha256,
  signed,
  trust,
} from '../../core/decision/testing/fixtures.ts'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { testLog } from '../../log/testing/test-log.ts'
import { findingsOf } from './findings.ts'
import type { Grant } from './grant.ts'
import { judgeGrant } from './judge.ts'
import { grantsOfPolicies } from './of-policies.ts'
import { isOwn } from './own.ts'
import { openReviews } from './reviews.ts'
import { readSeen } from './seen.ts'

const now = new Date('2026-06-01T12:00:00Z')
const allowed = 'allowed: {by: [release-managers], environment: production}'
const lines = {
  rule: 'built',
  reason: 'the builder moves, SEC-12',
  owner: 'erin',
  since: '2026-05-01T00:00:00Z',
  expires: '2026-07-01T00:00:00Z',
}
const exemption = (change: Partial<typeof lines> = {}): string =>
  `exemptions: [${JSON.stringify({ ...lines, ...change })}]`
const withAll = (more: string, rules = [builtRule, allowed]): PolicySet =>
  policiesOf(policyText(rules, more))

function waiversIn(policies: PolicySet): readonly Grant[] {
  return grantsOfPolicies(policies, trust).filter(({ kind }) => kind === 'waiver')
}

function only(policies: PolicySet): Grant {
  const [grant, ...others] = waiversIn(policies)
  assert.ok(grant !== undefined && others.length === 0)
  return grant
}

test('what lets something in although it does not meet the policy is listed: what, until when, who answers for it', () => {
  const found = waiversIn(
    withAll(
      `${exemption()}\nmode: audit\nauditUntil: 2026-08-01T00:00:00Z\nwhenUnavailable: allow`,
    ),
  )
  assert.deepEqual(
    found.map(({ id, who, from, until, may }) => ({ id, who, from, until, may })),
    [
      {
        id: 'waiver:shop-production exemption built',
        who: 'whatever is deployed; erin answers for it',
        from: '2026-05-01T00:00:00.000Z',
        until: '2026-07-01T00:00:00.000Z',
        may: [
          'be let in to production/shop although "built" does not hold: the builder moves, SEC-12',
        ],
      },
      {
        id: 'waiver:shop-production mode: audit',
        who: 'whatever is deployed; team-shop answers for it',
        from: undefined,
        until: '2026-08-01T00:00:00.000Z',
        may: ['be let in to production/shop whatever the rules say'],
      },
      {
        id: 'waiver:shop-production whenUnavailable: allow',
        who: 'whatever is deployed; team-shop answers for it',
        from: undefined,
        until: undefined,
        may: [
          'be let in to production/shop while evidence cannot be looked for, and be decided again',
        ],
      },
    ],
  )
  assert.match(found[0]?.where ?? '', /:\d+:\d+$/)
  assert.deepEqual(waiversIn(withAll('')), [])
})

test('a longer time, a stricter rule, another target, owner or reason is another waiver; one that has only moved is the same', () => {
  const { sha256: before, id } = only(withAll(exemption()))
  const stricter = builtRule.replace('release]', 'release, debug]')
  for (const change of [
    withAll(exemption({ expires: '2026-07-02T00:00:00Z' })),
    withAll(exemption({ owner: 'dana' })),
    withAll(exemption({ reason: 'another' })),
    withAll(exemption(), [stricter, allowed]),
    policiesOf(
      policyText([builtRule, allowed], exemption()).replace('service: shop', 'service: x'),
    ),
  ]) {
    assert.equal(only(change).id, id)
    assert.notEqual(only(change).sha256, before)
  }
  assert.equal(only(withAll(exemption(), [allowed, builtRule])).sha256, before)
})

test('whoever answers for a waiver does not review it', () => {
  const one = only(withAll(exemption()))
  assert.equal(isOwn(one, { by: 'Erin', principal: 'os:jo' }), true)
  assert.equal(isOwn(one, { by: 'jo', principal: 'token:erin' }), true)
  assert.equal(isOwn(one, { by: 'dana', principal: 'os:dana' }), false)
  const audit = only(withAll('mode: audit'))
  assert.equal(isOwn(audit, { by: 'team-shop', principal: 'os:jo' }), true)
})

/** Decides with what was found, a day before now or as long before as is said. */
function decided(policies: PolicySet, what: 'all' | 'away' | 'nothing', days = 1): Decision {
  const items = what === 'all' ? [signed(approval('production', { sha256 }), keys.alice)] : []
  const outcome = what === 'away' ? 'unavailable' : 'found'
  return decide({
    request,
    evidence: { items, sources: [{ name: 'store', outcome }] },
    policies,
    trust,
    verifier: createVerifier(trust),
    now: new Date(now.getTime() - days * 86_400_000),
  })
}

async function judged(policies: PolicySet, decisions: readonly Decision[]) {
  const entries = decisions.map((one) => Buffer.from(encodeDecision(one)).toString())
  const view = await (await testLog(entries)).view()
  const intervalMs = 10 * 86_400_000
  const from = new Date(now.getTime() - intervalMs)
  const seen = await readSeen(view, new MemoryBodies(), { from, maxEntries: 100 })
  const rules = { now, intervalMs, soonMs: 0 }
  return waiversIn(policies).map((grant) => {
    const one = judgeGrant(grant, { reviews: openReviews(), seen }, rules)
    return { use: one.use.state, codes: findingsOf(one).map(({ code }) => code) }
  })
}

test('the last use of each is when it let something in, and of none other', async () => {
  for (const [more, what, effect] of [
    [exemption(), 'all', 'admitted'],
    ['mode: audit', 'nothing', 'admitted-audit'],
    ['whenUnavailable: allow', 'away', 'admitted-unavailable'],
  ] as const) {
    const policies = withAll(more)
    const used = decided(policies, what)
    assert.equal(used.effect, effect)
    const old = decided(withAll(''), 'nothing', 20)
    const [one] = await judged(policies, [old, used])
    assert.deepEqual(one, { use: 'used', codes: ['GRANT_NOT_REVIEWED'] })
    // Refused, or let in by another waiver: it was for nothing.
    const other = decided(
      withAll(what === 'away' ? 'mode: audit' : 'whenUnavailable: allow'),
      'away',
    )
    assert.ok(other.effect !== effect)
    const [unused] = await judged(policies, [old, decided(withAll(''), 'nothing'), other])
    assert.deepEqual(unused, { use: 'unused', codes: ['GRANT_NOT_REVIEWED', 'GRANT_UNUSED'] })
  }
})

test('of two rules of one name nobody can tell which was exempted; one that is over is to be removed', async () => {
  const staging = allowed.replace('production', 'staging')
  const both = ['require[1].allowed', 'require[2].allowed'].map((rule) => ({ ...lines, rule }))
  const policies = withAll(`exemptions: ${JSON.stringify(both)}`, [builtRule, allowed, staging])
  assert.deepEqual(
    waiversIn(policies).map(({ trace }) => trace?.kind === 'waiver' && trace.shared),
    [true, true],
  )
  const over = withAll(exemption({ expires: '2026-06-01T12:00:00Z' }))
  assert.deepEqual((await judged(over, []))[0]?.codes, ['GRANT_ENDED'])
  const audit = withAll('mode: audit\nauditUntil: 2026-06-01T00:00:00Z')
  assert.deepEqual((await judged(audit, []))[0]?.codes, ['GRANT_ENDED'])
})
