import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier, type Verifier } from '#trust'
import { decide, encodeDecision, type Decision, type EvidenceItem } from './index.ts'
import {
  builtRule,
  codesOf,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
  trust,
} from './testing/fixtures.ts'

const policies = policiesOf(policyText([builtRule], 'whenUnavailable: allow'))
const many = 500_000

/** A verifier that counts what it is asked to look at. */
function counting(): Verifier & { opened: number } {
  const verifier = createVerifier(trust)
  return {
    trust,
    opened: 0,
    open(bytes) {
      this.opened += 1
      return verifier.open(bytes)
    },
  }
}

function ask(items: readonly EvidenceItem[], more: { signatures?: readonly EvidenceItem[] } = {}) {
  const verifier = counting()
  const sources = [{ name: 'registry', outcome: 'found' }] as const
  const evidence = { items, sources, ...more }
  const decision = decide({ request, evidence, policies, trust, now, verifier })
  return { decision, opened: verifier.opened }
}

const flood = (records: readonly EvidenceItem[], count = many): readonly EvidenceItem[] =>
  Array.from({ length: count }, (_, index) => records[index % records.length]).filter(
    (item) => item !== undefined,
  )

function reasonsOf({ reasons }: Decision): readonly string[] {
  return reasons.map(({ code, expected, found }) => `${code} ${expected} ${found}`)
}

test('500,000 records for one digest cost what eight do, and the refusal is as specific as of one (PRV-17, PRV-18)', () => {
  const wrong = signed(provenance({ uri: 'git+https://git.example/acme/other' }))
  const one = ask([wrong])
  const all = ask(flood([wrong]))
  assert.ok(all.opened <= 8, `${all.opened} records were opened`)
  assert.deepEqual(codesOf(one.decision), ['SOURCE_MISMATCH'])
  assert.deepEqual(codesOf(all.decision), ['SOURCE_MISMATCH', 'EVIDENCE_TOO_MUCH'])
  assert.equal(reasonsOf(all.decision)[0], reasonsOf(one.decision)[0])
  assert.equal(all.decision.inputs.evidenceLeftOut, many - 8)
  assert.ok(encodeDecision(all.decision).length < 16_384)
})

test('a flood of good records is no yes, is no outage, and says how to ask again', () => {
  const { decision } = ask(flood([signed(provenance())]))
  assert.equal(decision.verdict, 'DENY')
  assert.equal(decision.effect, 'blocked')
  assert.deepEqual(codesOf(decision), ['EVIDENCE_TOO_MUCH'])
  assert.match(decision.reasons[0]?.fix ?? '', /--bundle FILE/)
})

test('a flood of rubbish, of strangers, and of nothing is no yes', () => {
  const rubbish = { digest: 'ab'.repeat(32), source: 'x', bytes: Buffer.from('{}') }
  const empty = { digest: '', source: '', bytes: new Uint8Array() }
  for (const records of [[rubbish], [signed(provenance(), keys.stranger)], [empty]]) {
    const { decision, opened } = ask(flood(records))
    assert.equal(decision.verdict, 'DENY')
    assert.ok(opened <= 8)
  }
})

test('1,024 records are read, one more is a flood', () => {
  const records = [signed(provenance())]
  assert.equal(ask(flood(records, 1024)).decision.verdict, 'ALLOW')
  assert.equal(ask(flood(records, 1025)).decision.verdict, 'DENY')
  const signatures = flood(records, 24)
  assert.equal(ask(flood(records, 1000), { signatures }).decision.verdict, 'ALLOW')
  assert.equal(ask(flood(records, 1001), { signatures }).decision.verdict, 'DENY')
})

test('whoever floods one place hides nothing that lies in another', () => {
  const noise = flood([{ digest: 'ab'.repeat(32), source: 'noise', bytes: Buffer.from('{}') }])
  const wrong = signed(provenance({ ref: 'refs/heads/evil' }))
  const beside = { ...wrong, source: 'beside the artifact' }
  for (const items of [
    [beside, ...noise],
    // In the midst of the others it takes one in a thousand to be seen.
    [...noise.slice(0, 250_000), ...flood([beside], 500), ...noise.slice(250_000)],
  ]) {
    const { decision } = ask(items)
    assert.ok(decision.inputs.evidence.some(({ source }) => source === beside.source))
    assert.deepEqual(codesOf(decision)[0], 'REF_MISMATCH')
  }
})
