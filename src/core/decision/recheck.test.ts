import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision, DeploymentRequest, Evidence } from './index.ts'
import {
  builtRule,
  codesOf,
  decideOn,
  evidenceOf,
  keys,
  provenance,
  request,
  signed,
} from './testing/fixtures.ts'

const again: DeploymentRequest = {
  ...request,
  rechecks: { first: 4, last: 9, question: 'a'.repeat(64) },
}
const down: Evidence = { items: [], sources: [{ name: 'registry', outcome: 'unavailable' }] }

function recheck(evidence: Evidence, policy = 'whenUnavailable: allow'): Decision {
  return decideOn([builtRule], [], { request: again, evidence, policy })
}

test('what is decided again names what it rechecks, and a yes is a yes', () => {
  const decision = recheck(evidenceOf(signed(provenance())))
  assert.deepEqual(decision.request, again)
  assert.deepEqual([decision.verdict, decision.effect], ['ALLOW', 'admitted'])
})

test('an outage lets nothing in a second time', () => {
  assert.equal(
    decideOn([builtRule], [], { evidence: down, policy: 'whenUnavailable: allow' }).effect,
    'admitted-unavailable',
  )
  const decision = recheck(down)
  assert.deepEqual([decision.verdict, decision.effect], ['UNDETERMINED', 'blocked'])
})

test('evidence that is bad now is a no, whatever else is out of reach', () => {
  const bad = signed(provenance({ uri: 'git+https://git.example/evil' }))
  const decision = recheck({ items: [bad], sources: [...evidenceOf(bad).sources, ...down.sources] })
  assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'])
  assert.ok(codesOf(decision).includes('SOURCE_MISMATCH'))
  const forged = evidenceOf(signed(provenance(), keys.stranger))
  assert.equal(recheck(forged).verdict, 'DENY')
  assert.equal(recheck(evidenceOf()).verdict, 'DENY')
})

test('mode: audit makes no yes of a no that is decided again', () => {
  const decision = recheck(evidenceOf(), 'mode: audit')
  assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'])
})
