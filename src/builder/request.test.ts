import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '#document'
import { SallyportError } from '#error'
import {
  externalParametersOf,
  parseBuildRequest,
  requestOf,
  type SettledRequest,
} from './request.ts'

const path = fc
  .array(fc.stringMatching(/^[a-z0-9_@+][a-z0-9._@+-]{0,12}$/), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'))
const line = fc.stringMatching(/^[ -~]{1,40}$/)
const request: fc.Arbitrary<SettledRequest> = fc.record(
  {
    repository: line,
    revision: line,
    ref: fc.stringMatching(/^refs\/[a-z][a-z0-9/]{0,12}[a-z0-9]$/),
    recipePath: path,
    parameters: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.stringMatching(/^[ -~]{1,20}$/),
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: ['repository', 'revision', 'recipePath', 'parameters'] },
)

const external = (asked: SettledRequest) =>
  externalParametersOf(asked, { uri: asked.repository, parameters: asked.parameters })

test('externalParameters and request say the same: nothing is lost, nothing is added', () => {
  fc.assert(
    fc.property(request, (asked) => {
      assert.deepEqual(
        requestOf(external(asked)),
        parseBuildRequest(JSON.parse(JSON.stringify(asked)) as Json),
      )
      assert.deepEqual(external(requestOf(external(asked))), external(asked))
    }),
  )
})

test('two different requests have different externalParameters', () => {
  fc.assert(
    fc.property(request, request, (one, other) => {
      const [a, b] = [JSON.stringify(external(one)), JSON.stringify(external(other))]
      return (
        (a === b) ===
        (JSON.stringify(requestOf(external(one))) === JSON.stringify(requestOf(external(other))))
      )
    }),
  )
})

test('every field of a request has a place in externalParameters', () => {
  const whole = {
    repository: 'R',
    revision: 'V',
    ref: 'refs/heads/F',
    recipePath: 'P',
    parameters: { n: 'W' },
  }
  const text = JSON.stringify(external(parseBuildRequest(whole)))
  for (const value of ['"R"', '"V"', '"refs/heads/F"', '"P"', '"n":"W"'])
    assert.ok(text.includes(value), value)
})

test('a request with an unknown field, or one that is not what it should be, is refused', () => {
  const good = { repository: 'r', revision: 'v' }
  const bad: readonly (readonly [string, Json])[] = [
    ['DOCUMENT_UNKNOWN_FIELD', { ...good, builderId: 'https://sallyport.dev/builders/hosted/v1' }],
    ['DOCUMENT_UNKNOWN_FIELD', { ...good, recipe: '{}' }],
    ['DOCUMENT_UNKNOWN_FIELD', { ...good, env: { A: 'b' } }],
    ['DOCUMENT_SHAPE', { revision: 'v' }],
    ['DOCUMENT_SHAPE', { ...good, revision: '' }],
    ['DOCUMENT_SHAPE', { ...good, repository: 'a\nb' }],
    ['DOCUMENT_SHAPE', { ...good, ref: 'main' }],
    ['DOCUMENT_SHAPE', { ...good, recipePath: '../elsewhere.json' }],
    ['DOCUMENT_SHAPE', { ...good, recipePath: '/etc/recipe.json' }],
    ['DOCUMENT_SHAPE', { ...good, parameters: { a: 1 } }],
    ['DOCUMENT_SHAPE', { ...good, parameters: { a: 'x'.repeat(200) } }],
    ['DOCUMENT_SHAPE', []],
  ]
  for (const [code, value] of bad) {
    assert.throws(
      () => parseBuildRequest(value),
      (cause) => cause instanceof SallyportError && cause.code === code,
      JSON.stringify(value),
    )
  }
})
