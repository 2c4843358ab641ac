import assert from 'node:assert/strict'
import { test } from 'node:test'

import { assert as assertProperty, property, uint8Array } from 'fast-check'

import { answerTo, readQuestion } from './dns.ts'

const query = (name: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('beef01000001000000000000', 'hex'),
    name,
    Buffer.from('001c0001', 'hex'),
  ])

test('a question is read, and answered with: no such name', () => {
  const message = query(Buffer.from('\x08Registry\x07example\0', 'latin1'))
  assert.deepEqual(readQuestion(message)?.question, { name: 'registry.example', type: 28 })
  const answer = answerTo(message)
  assert.equal(answer?.toString('hex', 0, 12), 'beef81830001000000000000')
  assert.deepEqual(answer?.subarray(12), message.subarray(12))
})

test('a name that is not text is shown without its bytes', () => {
  const message = query(Buffer.from('\x04a.\x1b\xff\0', 'latin1'))
  assert.equal(readQuestion(message)?.question.name, 'a\\046\\027\\255')
})

test('what is not a question is not counted, and answered as malformed where it can be', () => {
  const messages = {
    nothing: Buffer.alloc(0),
    'five bytes': Buffer.alloc(5),
    'a header alone': Buffer.from('beef01000001000000000000', 'hex'),
    'an answer': Buffer.from('beef81800001000000000000016100001c0001', 'hex'),
    'a compressed name': query(Buffer.from([0xc0, 0x0c])),
    'a label beyond the end': query(Buffer.from([63, 0x61])),
    'a name without an end': query(Buffer.alloc(300, 1)),
    'a name of more than 255 bytes': query(Buffer.concat([...manyLabels(5), Buffer.from([0])])),
  }
  for (const [what, message] of Object.entries(messages)) {
    assert.equal(readQuestion(message), undefined, what)
    const answer = answerTo(message)
    if (answer !== undefined) assert.equal((answer[3] ?? 0) & 0xf, 1, what)
  }
  assert.equal(answerTo(messages['an answer']), undefined)
})

test('no bytes make the resolver fail, or answer with more than it was asked', () => {
  assertProperty(
    property(uint8Array({ maxLength: 600 }), (bytes) => {
      const message = Buffer.from(bytes)
      const read = readQuestion(message)
      const answer = answerTo(message)
      assert.ok((answer?.length ?? 0) <= Math.max(message.length, 12))
      assert.ok(read === undefined || /^[\x21-\x7e]*$/.test(read.question.name))
    }),
    { numRuns: 2000 },
  )
})

function manyLabels(count: number): Buffer[] {
  return Array.from({ length: count }, () =>
    Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 0x61)]),
  )
}
