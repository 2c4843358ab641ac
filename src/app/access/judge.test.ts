import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, encodeDecision, type Decision } from '#decision'
import { encodeCanonical } from '#document'
import type { AccessReview } from '#log'
import { createVerifier } from '#trust'
import {
  approval,
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
import { makeGrant, type Grant, type GrantParts } from './grant.ts'
import { judgeGrant, type JudgedGrant } from './judge.ts'
import { grantsOfPolicies } from './of-policies.ts'
import { grantsOfTrust } from './of-trust.ts'
import { openReviews } from './reviews.ts'
import { readSeen } from './seen.ts'

const now = new Date('2026-06-01T12:00:00Z')
const dayMs = 86_400_000
const rules = { now, intervalMs: 90 * dayMs, soonMs: 14 * dayMs }
const daysAgo = (days: number): string => new Date(now.getTime() - days * dayMs).toISOString()
const policies = policiesOf(
  policyText(
    ['allowed: {by: [release-managers], environment: production}'],
    "deployers: ['token:ci', {prefix: 'kubernetes:system:serviceaccount:'}]",
  ),
)

const parts: GrantParts = {
  id: 'token:ci',
  kind: 'token',
  who: 'token:ci',
  holders: ['ci'],
  may: ['ask'],
  where: 'sallyport.yaml access.tokens[0]',
  trace: { kind: 'principal', name: 'token:ci' },
  content: { roles: ['deployer'] },
}
const ci = makeGrant(parts)

function review(grant: Grant, more: Partial<AccessReview> = {}): string {
  return entryOf({
    apiVersion: 'sallyport.dev/v1',
    kind: 'AccessReview',
    time: daysAgo(1),
    by: 'dana',
    principal: 'os:dana',
    finding: 'needed',
    grants: [{ id: grant.id, sha256: grant.sha256 }],
    ...more,
  })
}

function entryOf(value: AccessReview): string {
  return Buffer.from(encodeCanonical(value)).toString()
}

const made: Decision = decide({
  request,
  evidence: { items: [signed(approval('production', { sha256 }), keys.alice)], sources: [] },
  policies,
  trust,
  verifier: createVerifier(trust),
  now,
})

function decision(time: string, principal?: string, more: Partial<Decision> = {}): string {
  const asked = { ...made.request, ...(principal === undefined ? {} : { principal }) }
  return Buffer.from(encodeDecision({ ...made, time, request: asked, ...more })).toString()
}

async function judged(
  grant: Grant,
  entries: readonly string[],
  maxEntries = 1000,
): Promise<JudgedGrant & { readonly codes: readonly string[] }> {
  const view = await (await testLog(entries)).view()
  const reviews = openReviews()
  await reviews.read(view)
  const from = new Date(now.getTime() - rules.intervalMs)
  const seen = await readSeen(view, new MemoryBodies(), { from, maxEntries })
  const one = judgeGrant(grant, { reviews, seen }, rules)
  return { ...one, codes: findingsOf(one).map(({ code }) => code) }
}

test('a review holds for the interval, and not a moment longer', async () => {
  const used = decision(daysAgo(1), 'token:ci')
  assert.deepEqual((await judged(ci, [used])).codes, ['GRANT_NOT_REVIEWED'])
  assert.deepEqual((await judged(ci, [review(ci, { time: daysAgo(89.9) }), used])).codes, [])
  const { codes, state } = await judged(ci, [review(ci, { time: daysAgo(90) }), used])
  assert.deepEqual([codes, state], [['GRANT_REVIEW_OVERDUE'], 'overdue'])
})

test('a review of what a grant gave before does not count for what it gives now', async () => {
  const more = makeGrant({ ...parts, content: { roles: ['approver', 'deployer'] } })
  const { codes, review: last } = await judged(more, [review(ci)])
  assert.deepEqual(codes, ['GRANT_CHANGED'])
  assert.equal(last?.sha256, ci.sha256)
  // What is as it was when somebody looked is what they looked at.
  assert.deepEqual((await judged(ci, [review(ci), review(more)])).codes, [])
  for (const change of [
    { until: '2027-01-01T00:00:00Z' },
    { who: 'token:other' },
    { kind: 'certificate' as const },
  ])
    assert.notEqual(makeGrant({ ...parts, ...change }).sha256, ci.sha256)
  for (const same of [{ where: 'elsewhere' }, { may: ['other words'] }])
    assert.equal(makeGrant({ ...parts, ...same }).sha256, ci.sha256)
})

test('a review by a holder, of the future, or of another grant by the same digest is none', async () => {
  for (const forged of [
    { by: 'CI ' },
    { by: 'token:ci' },
    { principal: 'os:ci' },
    { time: daysAgo(-1) },
    { grants: [{ id: 'token:other', sha256: ci.sha256 }] },
  ])
    assert.deepEqual((await judged(ci, [review(ci, forged)])).codes, ['GRANT_NOT_REVIEWED'])
})

test('whoever fits the prefix of a deployer does not review it', async () => {
  const grants = grantsOfPolicies(policies, trust)
  const below = grants.find(({ id }) => id.endsWith('serviceaccount:…'))
  assert.ok(below)
  const principal = 'kubernetes:system:serviceaccount:shop:bot'
  assert.equal((await judged(below, [review(below, { principal })])).state, 'never')
  assert.equal((await judged(below, [review(below)])).state, 'reviewed')
})

test('unused is what the log knows for the whole interval, and has no use of', async () => {
  const old = decision(daysAgo(91), 'token:other')
  const reviewed = [review(ci, { time: daysAgo(100) }), old, review(ci)]
  assert.deepEqual((await judged(ci, reviewed)).codes, ['GRANT_UNUSED'])
  assert.deepEqual((await judged(ci, [...reviewed, decision(daysAgo(89), 'token:ci')])).codes, [])
  const late = await judged(ci, [decision(daysAgo(91), 'token:ci'), ...reviewed])
  assert.deepEqual([late.codes, late.use.state], [['GRANT_UNUSED'], 'unused'])
  // A log that is younger, a grant that somebody saw for the first time since, and entries that were not read tell nothing.
  assert.equal((await judged(ci, [decision(daysAgo(89))])).use.state, 'unknown')
  assert.equal((await judged(ci, [old, review(ci)])).use.state, 'unknown')
  const many = [old, ...Array.from({ length: 300 }, () => decision(daysAgo(2)))]
  assert.deepEqual((await judged(ci, many, 100)).use, {
    state: 'unknown',
    why: 'only 100 entries were read',
  })
  assert.equal((await judged(ci, many)).use.state, 'unused')
  const silent = makeGrant({ ...parts, id: 'key:log', trace: undefined as never })
  assert.equal((await judged(silent, many)).use.state, 'unknown')
})

test('what whoever asks can write about themselves is no use of a grant', async () => {
  const old = decision(daysAgo(91))
  const claimed = { ...made.request, requester: 'token:ci' }
  const refusal = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Refusal',
    time: daysAgo(1),
    engine: made.engine,
    chokePoint: 'admission',
    requester: 'token:ci',
    asked: { kind: 'Decision', principal: 'token:ci' },
    reasons: [{ code: 'X', where: 'x', expected: 'x', found: 'x', fix: 'x' }],
  }
  const entries = [
    old,
    decision(daysAgo(1), undefined, { request: claimed }),
    Buffer.from(encodeCanonical(refusal)).toString(),
  ]
  assert.equal((await judged(ci, entries)).use.state, 'unused')
})

test('what is decided again is no use by who asked then, and let nothing in', async () => {
  const asked = { ...made.request, principal: 'token:ci', chokePoint: 'recheck' }
  const again = { ...asked, rechecks: { first: 0, last: 0, question: 'a'.repeat(64) } }
  const effect = 'admitted'
  const entries = [
    decision(daysAgo(91), undefined, { effect }),
    decision(daysAgo(1), undefined, { effect, request: again }),
  ]
  assert.equal((await judged(ci, entries)).use.state, 'unused')
  const view = await (await testLog(entries)).view()
  const from = new Date(daysAgo(90))
  const seen = await readSeen(view, new MemoryBodies(), { from, maxEntries: 10 })
  assert.deepEqual(
    [...seen.letIn.values()].map(({ chokePoint, count }) => [chokePoint, count]),
    [['test', 1]],
  )
})

test('signers are used when their word was verified, and shared keys cannot be told apart', async () => {
  const grants = grantsOfTrust(trust, policies)
  const ofSigner = (name: string) => {
    const found = grants.find(({ id }) => id.startsWith(`signer:${name} `))
    assert.ok(found)
    return found
  }
  const entries = [decision(daysAgo(91)), decision(daysAgo(1))]
  assert.equal((await judged(ofSigner('release-managers'), entries)).use.state, 'shared')
  assert.equal((await judged(ofSigner('hosted-builder'), entries)).use.state, 'unused')
  const unverified = made.evidence.map((one) => ({ ...one, verified: false }))
  const none = [decision(daysAgo(91)), decision(daysAgo(1), undefined, { evidence: unverified })]
  const one = await judged(ofSigner('release-managers'), none)
  assert.deepEqual(one.use, { state: 'unused', since: daysAgo(90), last: daysAgo(91) })
})

test('an end that is near is told, and one that is over is to be removed', async () => {
  const used = decision(daysAgo(1), 'token:ci')
  const soon = makeGrant({ ...parts, until: daysAgo(-14) })
  assert.deepEqual((await judged(soon, [review(soon), used])).codes, ['GRANT_ENDS'])
  const over = makeGrant({ ...parts, until: now.toISOString() })
  assert.deepEqual((await judged(over, [])).codes, ['GRANT_ENDED'])
  // The entry of a key that is over keeps what it has signed good.
  const key = makeGrant({ ...parts, until: now.toISOString(), outlivesItsEnd: true })
  assert.deepEqual((await judged(key, [])).codes, [])
})
