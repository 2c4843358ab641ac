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

test('a rule that leaves open whatever it does not mention is as bad as one that opens a parameter', () => {
  const open =
    'require:\n  - built: {by: [ci], from: git+https://g.example/a/b, unmentionedUnsafe: true}\n'
  const example = { policies: [open] }
  assert.equal(remarks('LINT_PARAMETER_ANY', example).length, 1)
  assert.deepEqual(remarks('LINT_PARAMETER_UNSAID', example), [])
})

test('a loose subject is no finding where the certificate must name the repository, and prefixes of it do not help', () => {
  const signers = (pin: string) => `
ci:
  identities:
    - root: public
      issuer: https://token.actions.githubusercontent.com
      subjectPrefix: https://github.com/acme/
      certificate: {sourceRepositoryURI: ${pin}}
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{idPrefix: https://github.com/acme/, level: 1}]
`
  const found = (pin: string) =>
    remarks('LINT_IDENTITY_LOOSE', { policies: [], signers: signers(pin) }).length
  assert.equal(found('https://github.com/acme/shop'), 0)
  assert.equal(found('{prefix: https://github.com/acme/}'), 1)
})
