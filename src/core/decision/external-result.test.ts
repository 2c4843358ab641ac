import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExternalResult } from './external-result.ts'

const read = (value: unknown) => readExternalResult(Buffer.from(JSON.stringify(value)))

const yes = { allow: true, reasons: ['it was reviewed'] }
const no = { allow: false, deny: ['nobody has reviewed it'] }

const wrapped: Readonly<Record<string, (value: unknown) => unknown>> = {
  plainly: (value) => value,
  'as the Data API says it': (result) => ({ result, decision_id: '7' }),
  'as `opa eval` says it': (value) => ({
    result: [{ expressions: [{ value, text: 'data.shop', location: { row: 1, col: 1 } }] }],
  }),
  'as `opa exec` says it': (result) => ({ result: [{ path: '/facts.json', result }] }),
}

for (const [how, wrap] of Object.entries(wrapped)) {
  test(`a verdict with its explanation is read ${how}`, () => {
    assert.deepEqual(read(wrap(yes)), { verdict: 'allow', explanation: ['it was reviewed'] })
    assert.deepEqual(read(wrap(no)), { verdict: 'deny', explanation: ['nobody has reviewed it'] })
  })

  test(`nothing but a literal true is a yes ${how}`, () => {
    const others = [1, 'true', 'yes', [], [true], {}, null, undefined]
    for (const allow of others)
      assert.throws(() => read(wrap({ allow, reasons: ['x'] })), {
        code: 'EXTERNAL_VERDICT_MALFORMED',
      })
    for (const value of [true, 'allow', ['allow'], 1])
      assert.throws(() => read(wrap(value)), { code: 'EXTERNAL_VERDICT_MALFORMED' })
  })

  test(`a verdict without an explanation, or one that contradicts itself, is none ${how}`, () => {
    const bad = [
      { allow: true },
      { allow: true, reasons: [] },
      { allow: true, reasons: ['  '] },
      { allow: true, reasons: ['x', 7] },
      { allow: true, reasons: { x: true } },
      { allow: false },
      { ...yes, deny: ['and yet'] },
    ]
    for (const value of bad)
      assert.throws(() => read(wrap(value)), { code: 'EXTERNAL_VERDICT_MALFORMED' })
  })
}

test('what no rule has said anything about is undefined, and not a no', () => {
  for (const value of [{}, { result: [] }]) assert.equal(read(value).verdict, 'undefined')
})

test('errors, several results and several expressions are no verdict', () => {
  const expression = { value: yes }
  const bad = [
    { errors: [{ message: 'rego_type_error' }] },
    { result: yes, errors: [] },
    { result: [{ expressions: [expression, expression] }] },
    { result: [{ expressions: [] }] },
    { result: [{ expressions: [expression] }, { expressions: [expression] }] },
    { result: ['x'] },
    { result: [{ path: '/facts.json', error: { code: 'opa_undefined_error' } }] },
    { result: [null] },
    { result: null },
  ]
  for (const value of bad)
    assert.throws(() => read(value), { code: 'EXTERNAL_VERDICT_MALFORMED' }, JSON.stringify(value))
  assert.throws(() => readExternalResult(Buffer.from('{"allow":true,"allow":false}')))
  assert.throws(() => readExternalResult(Buffer.from(`"${'x'.repeat(2 ** 20)}"`)))
})

test('what does not fit into an entry is cut, and says so', () => {
  const { explanation } = read({ allow: false, reasons: Array(40).fill('é'.repeat(900)) })
  assert.equal(explanation.length, 16)
  assert.ok(explanation.every((text) => text.length <= 500 && text.endsWith('…')))
})
