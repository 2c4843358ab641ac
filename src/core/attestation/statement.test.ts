import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { encodeStatement, parseStatement, statementTypes, type Statement } from './statement.ts'

const sha256 = 'a'.repeat(64)
const statement: Statement = {
  _type: statementTypes.v1,
  subject: [{ name: 'shop.tgz', digest: { sha256 } }],
  predicateType: 'https://example.com/p/v1',
  predicate: { b: 1, a: 2 },
}

test('a statement is written as canonical JSON', () => {
  assert.equal(
    Buffer.from(encodeStatement(statement)).toString('utf8'),
    `{"_type":"https://in-toto.io/Statement/v1","predicate":{"a":2,"b":1},"predicateType":"https://example.com/p/v1","subject":[{"digest":{"sha256":"${sha256}"},"name":"shop.tgz"}]}`,
  )
})

test('a statement that could not be read again is not written', () => {
  const refused = (over: Partial<Statement>, code: string): void => {
    assert.throws(() => encodeStatement({ ...statement, ...over }), { code })
  }
  refused({ subject: [] }, 'ATTESTATION_NO_SUBJECT')
  refused({ subject: [{ name: 'x' }] }, 'ATTESTATION_DIGEST')
  refused({ subject: [{ digest: { sha256: 'A'.repeat(64) } }] }, 'ATTESTATION_DIGEST')
  refused({ predicateType: '' }, 'ATTESTATION_FIELD')
})

test('statements v0.1 are only read', () => {
  const code = 'ATTESTATION_STATEMENT_TYPE'
  assert.throws(() => encodeStatement({ ...statement, _type: statementTypes.v01 }), { code })
})

test('subjects, digests and texts are bounded', () => {
  const refused = (subject: unknown, where: string): void => {
    const bytes = Buffer.from(JSON.stringify({ ...statement, subject }))
    assert.throws(() => parseStatement(bytes), { code: 'ATTESTATION_LIMIT', where })
  }
  const one = { name: 'x', digest: { sha256 } }
  refused(
    Array.from({ length: 10_001 }, () => one),
    'statement.subject',
  )
  refused([{ ...one, name: 'x'.repeat(65_537) }], 'statement.subject[0].name')
  const digests = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`d${index}`, 'x']))
  refused([{ name: 'x', digest: digests }], 'statement.subject[0].digest')
})

test('a statement larger than the bound is refused before it is parsed', () => {
  const bytes = Buffer.alloc(16 * 1024 * 1024 + 1, ' ')
  assert.throws(() => parseStatement(bytes), { code: 'DOCUMENT_TOO_LARGE' })
})

test('a refusal shows the real value and names the field to correct', () => {
  const bytes = Buffer.from(
    JSON.stringify({ ...statement, subject: [{ name: 'x', digest: { sha256: 'abc' } }] }),
  )
  assert.throws(
    () => parseStatement(bytes),
    (error) => {
      assert(error instanceof SallyportError)
      assert.deepEqual(error.toJSON(), {
        code: 'ATTESTATION_DIGEST',
        title: 'A digest is not written as its algorithm requires',
        where: 'statement.subject[0].digest.sha256',
        expected: '64 lower-case hexadecimal characters',
        found: '"abc" (3 characters)',
        fix: 'Make the attestation again with a tool that writes sha256 digests as 64 lower-case hexadecimal characters',
      })
      return true
    },
  )
})

test('a predicate that is nested deeper than can be read is not written', () => {
  let predicate: Statement['predicate'] = {}
  for (let depth = 0; depth < 70; depth += 1) predicate = { a: predicate }
  const code = 'DOCUMENT_TOO_DEEP'
  assert.throws(() => encodeStatement({ ...statement, predicate }), { code })
})
