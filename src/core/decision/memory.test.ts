import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier } from '#trust'
import {
  decide,
  DecisionMemory,
  encodeDecision,
  type Decision,
  type DecisionInput,
} from './index.ts'
import {
  approval,
  decideOn,
  evidenceOf,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
  trust,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'
import { inputOf, readVectors } from './testing/read-vectors.ts'

const policies = policiesOf(
  policyText([
    'signed: {by: [release-builder]}',
    'allowed: {by: [release-managers], environment: production}',
  ]),
)
const evidence = evidenceOf(signed(provenance()), signed(approval(), keys.alice))
const input: DecisionInput = { request, evidence, policies, trust, now }

/** Counts what is recalled, too. */
class Counted extends DecisionMemory {
  recalled = 0

  override recall(...asked: Parameters<DecisionMemory['recall']>): Decision | undefined {
    const found = super.recall(...asked)
    if (found !== undefined) this.recalled += 1
    return found
  }
}

function later(ms: number): Date {
  return new Date(now.getTime() + ms)
}

test('what was decided is decided again without looking, with its own time and its own words of who asked', () => {
  const memory = new Counted(input)
  const first = decide({ ...input, memory })
  assert.equal(first.verdict, 'ALLOW')
  const asked = { uid: '1', name: 'shop-1' }
  const again = { ...input, now: later(5000), request: { ...request, asked } }
  const second = decide({ ...again, memory })
  assert.equal(memory.recalled, 1)
  assert.equal(second.rules, first.rules)
  assert.deepEqual([second.time, second.request.asked], ['2026-06-01T12:00:05.000Z', asked])
  assert.deepEqual(second, decide(again))
  assert.deepEqual(encodeDecision(second), encodeDecision(decide(again)))
  assert.equal(first.request.asked, undefined)
})

test('another question is another decision', () => {
  const { artifact, target } = request
  const others: readonly Partial<DecisionInput['request']>[] = [
    { artifact: { ...artifact, name: 'pkg:npm/other@1' } },
    { artifact: { ...artifact, digest: { sha256: 'ab'.repeat(32) } } },
    { artifact: { ...artifact, digest: { ...artifact.digest, sha512: 'ab'.repeat(64) } } },
    { artifact: { ...artifact, downloadLocation: 'https://registry.example/shop' } },
    { target: { ...target, service: 'other' } },
    { target: { ...target, environment: 'staging' } },
    { chokePoint: 'other' },
    { requester: 'mallory' },
    { principal: 'mallory' },
    { rechecks: { first: 1, last: 1, question: 'a' } },
  ]
  const memory = new Counted(input)
  decide({ ...input, memory })
  for (const other of others) {
    const asked = { ...input, request: { ...request, ...other } }
    assert.deepEqual(decide({ ...asked, memory }), decide(asked))
  }
  assert.equal(memory.recalled, 0)
  // Names that run into each other are no way from one to the other.
  const split = (environment: string, service: string): DecisionInput => ({
    ...input,
    request: { ...request, target: { environment, service } },
  })
  decide({ ...split('production","service":"shop', ''), memory })
  assert.equal(memory.recalled, 0)
})

test('other evidence, policies or trust, or an earlier time, are decided anew', () => {
  const memory = new Counted(input)
  decide({ ...input, memory })
  const none = { ...input, evidence: evidenceOf() }
  assert.equal(decide({ ...none, memory }).verdict, 'DENY')
  decide({ ...input, evidence: { ...evidence }, memory })
  const stricter = policiesOf(policyText(['allowed: {by: [release-managers], count: 2}']))
  assert.equal(decide({ ...input, policies: stricter, memory }).verdict, 'DENY')
  assert.equal(decide({ ...input, trust: trustOf(trustEntries), memory }).verdict, 'ALLOW')
  decide({ ...input, memory })
  decide({ ...input, now: later(-1), memory })
  assert.equal(memory.recalled, 0)
})

test('a no is not kept', () => {
  const memory = new Counted(input)
  for (let count = 0; count < 2; count += 1)
    assert.equal(decide({ ...input, evidence: evidenceOf(), memory }).verdict, 'DENY')
  const audited = policiesOf(
    policyText(['allowed: {by: [release-managers], count: 2}'], 'mode: audit'),
  )
  const watched = new Counted({ policies: audited, trust })
  for (let count = 0; count < 2; count += 1)
    decide({ ...input, policies: audited, memory: watched })
  assert.equal(memory.recalled + watched.recalled, 0)
})

test('the end of an audit ends what is remembered, though the answer stays', () => {
  // decideOn looks at what a memory would give later.
  const audit = 'mode: audit\nauditUntil: 2026-06-11T00:00:00Z'
  const decision = decideOn(['signed: {by: [release-builder]}'], evidence.items, { policy: audit })
  assert.deepEqual([decision.verdict, decision.policy?.mode], ['ALLOW', 'audit'])
})

test('who was given a decision cannot change what others are given', () => {
  const memory = new Counted(input)
  const first = decide({ ...input, memory })
  const before = Buffer.from(encodeDecision(first))
  assert.throws(() => Object.assign(first.rules[0] ?? {}, { verdict: 'FAIL' }), TypeError)
  assert.throws(() => (first.inputs.evidence as object[]).push({}), TypeError)
  Object.assign(first, { verdict: 'DENY' })
  Object.assign(decide({ ...input, memory }), { effect: 'blocked' })
  assert.ok(before.equals(encodeDecision(decide({ ...input, memory }))))
  assert.equal(memory.recalled, 2)
})

test('what is kept is bounded', () => {
  const memory = new Counted({ policies, trust, maxBytes: 64 * 1024 })
  const ask = (requester: string): Decision =>
    decide({ ...input, request: { ...request, requester }, memory })
  ask('first')
  for (let count = 0; count < 200; count += 1) ask(`flood-${count}`)
  assert.equal(memory.recalled, 0)
  ask('first')
  assert.equal(memory.recalled, 0)
  ask('first')
  assert.equal(memory.recalled, 1)
})

/** Every time that stands somewhere in the input, and where ages of whole days that begin there end. */
function timesIn(text: string): readonly number[] {
  const days = [0, 7, 14, 28, 30, 90].map((count) => count * 86_400_000)
  const written = text.match(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g) ?? []
  const seconds = text.match(/"(?:exp|nbf|iat)":\d+/g) ?? []
  const named = [
    ...written.map((one) => Date.parse(one)),
    ...seconds.map((one) => Number(one.split(':')[1]) * 1000),
  ]
  return [...new Set(named)].flatMap((time) => days.map((more) => time + more))
}

function allText(one: DecisionInput, written: string): string {
  const decoded = one.evidence.items.flatMap(({ bytes }) => {
    const text = Buffer.from(bytes).toString()
    const parts = text.match(/[\w+/=-]{40,}/g) ?? []
    return [text, ...parts.map((part) => Buffer.from(part, 'base64').toString())]
  })
  return [written, ...decoded].join('\n')
}

test('at no time does a memory change an answer: every vector, around every time that stands in it', () => {
  let recalled = 0
  let asked = 0
  for (const { file, vector } of readVectors()) {
    const one = inputOf(vector)
    const verifier = createVerifier(one.trust)
    const text = allText(
      one,
      `${vector.trust}${vector.policies.map((policy) => policy.text).join()}`,
    )
    const [begin, skew] = [one.now.getTime(), 5 * 60_000]
    const around = [begin, begin + 1, begin + 86_400_000, ...timesIn(text)]
    const times = around.flatMap((time) => [time, time - 1, time + 1, time - skew, time - skew + 1])
    const memory = new Counted(one)
    for (const time of [begin, ...new Set(times)]) {
      const at = { ...one, now: new Date(time), verifier }
      const fresh = encodeDecision(decide(at))
      const where = `${file} at ${at.now.toISOString()}`
      // Once to fill it, and once as it was filled at another time.
      assert.ok(Buffer.from(fresh).equals(encodeDecision(decide({ ...at, memory }))), where)
      asked += 1
    }
    recalled += memory.recalled
  }
  // It would say nothing if nothing were ever recalled.
  assert.ok(recalled > asked / 10, `${recalled} of ${asked}`)
})
