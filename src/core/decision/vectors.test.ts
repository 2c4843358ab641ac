import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier } from '#trust'
import { decide, encodeDecision, type Decision, type DecisionInput } from './index.ts'
import { inputOf, readVectors } from './testing/read-vectors.ts'
import { cases, type DecisionVector } from './testing/vector.ts'

const vectors = readVectors()

test('there is a vector for every case, and a case for every vector', () => {
  const names = cases.map(({ name }) => `${name}.json`)
  assert.deepEqual(vectors.map(({ file }) => file).toSorted(), names.toSorted())
  assert.equal(new Set(names).size, names.length)
})

for (const { file, vector } of vectors) {
  test(`${file}: ${vector.says}`, () => {
    const input = inputOf(vector)
    const decision = decide(input)
    assert.deepEqual(endOf(decision, vector.expected), vector.expected)
    for (const { expected, found, fix, where } of decision.reasons) {
      assert.match(fix, /^[A-Z][a-z]+ /)
      assert.ok(expected !== '' && found !== '' && where !== '')
    }
    assert.equal(decision.reasons.length === 0, decision.verdict === 'ALLOW')
    assertSameAgain(input, decision)
  })
}

function endOf(decision: Decision, expected: DecisionVector['expected']): object {
  const { verdict, effect, reasons, rules, validUntil } = decision
  const verdicts = Object.fromEntries(rules.map((rule) => [rule.id, rule.verdict]))
  const asked = Object.keys(expected.rules ?? {}).map((id) => [id, verdicts[id]])
  return {
    verdict,
    codes: reasons.map(({ code }) => code),
    ...(expected.rules === undefined ? {} : { rules: Object.fromEntries(asked) as object }),
    ...(validUntil === undefined ? {} : { validUntil }),
    effect,
  }
}

/** A decision is a function: again, with a memory of signatures, and with the evidence in another order. */
function assertSameAgain(input: DecisionInput, decision: Decision): void {
  const bytes = Buffer.from(encodeDecision(decision))
  const verifier = createVerifier(input.trust)
  for (let time = 0; time < 2; time += 1) {
    assert.ok(bytes.equals(encodeDecision(decide({ ...input, verifier }))))
  }
  const items = input.evidence.items.toReversed()
  const turned = decide({ ...input, evidence: { ...input.evidence, items } })
  assert.deepEqual(turned.rules, decision.rules)
}
