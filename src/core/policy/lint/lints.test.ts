import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPolicies, lints } from '../index.ts'
import { inputOf, lintVectors, type LintExample } from './testing/fixture.ts'

const vectors = lintVectors()

function remarks(code: string, example: LintExample) {
  const lint = lints.find((one) => one.code === code)
  assert.ok(lint !== undefined, `${code} is a lint`)
  return lint.find(inputOf(example))
}

for (const { lint, bad, good } of vectors) {
  test(`${lint} finds its bad example, says where, and finds nothing in its good one`, () => {
    const found = remarks(lint, bad)
    assert.ok(found.length > 0, 'the bad example has it')
    for (const { where, expected, found: seen, fix } of found) {
      assert.match(where ?? '', /^(?:policies\/\d+|trust)\.yaml:\d+:\d+/)
      assert.match(fix, /^[A-Z][a-z]+ /)
      assert.ok(expected !== '' && seen !== '')
    }
    assert.deepEqual(remarks(lint, good), [])
  })

  test(`the examples of ${lint} are policies that fit their trust file`, () => {
    for (const example of [bad, good]) {
      const { policies, trust } = inputOf(example)
      assert.deepEqual(checkPolicies(policies, trust), [])
    }
  })
}

test('every lint has examples', () => {
  assert.deepEqual(vectors.map(({ lint }) => lint).sort(), lints.map(({ code }) => code).sort())
})
