import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sha256Hex } from '#document'
import { parsePolicies } from '#policy'
import { createVerifier, parseTrust } from '#trust'
import { decide, encodeDecision, type Decision, type DecisionInput } from './index.ts'
import { cases, type DecisionVector } from './testing/vector.ts'

const folder = new URL('../../../test/vectors/decision/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.json'))

test('there is a vector for every case, and a case for every vector', () => {
  const names = cases.map(({ name }) => `${name}.json`)
  assert.deepEqual(files.toSorted(), names.toSorted())
  assert.equal(new Set(names).size, names.length)
})

for (const file of files) {
  const vector = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as DecisionVector
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

function inputOf(vector: DecisionVector): DecisionInput {
  return {
    request: vector.request,
    now: new Date(vector.now),
    trust: parseTrust(Buffer.from(vector.trust), { file: 'trust.yaml' }),
    policies: parsePolicies(
      vector.policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })),
    ),
    evidence: {
      sources: vector.evidence.sources,
      items: vector.evidence.items.map(({ source, text, digest }) => {
        const bytes = Uint8Array.from(Buffer.from(text))
        return { source, bytes, digest: digest ?? sha256Hex(bytes) }
      }),
    },
  }
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
