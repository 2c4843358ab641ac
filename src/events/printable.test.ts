import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cut, printableJson } from './printable.ts'

const text = fc.string({ unit: 'binary', maxLength: 300 })

test('whatever is in a text, its JSON is one line of printable ASCII, and says the same', () => {
  fc.assert(
    fc.property(text, (value) => {
      const wellFormed = value.toWellFormed()
      const json = Buffer.from(printableJson({ value: wellFormed })).toString('latin1')
      assert.match(json, /^[\x20-\x7e]*$/)
      assert.deepEqual(JSON.parse(json), { value: wellFormed })
    }),
  )
  const ends = '\n\r\u0085\u2028\u2029\v\f\u0000\u007f\u202e'
  assert.match(Buffer.from(printableJson(ends)).toString(), /^"[\x20-\x7e]*"$/)
})

test('a text that is cut is the beginning of it, of whole characters, and no longer than there is room', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 200 }), (value, most) => {
      const short = cut(value, most)
      assert.ok(value.toWellFormed().startsWith(short))
      assert.ok(printableJson(short).length - 2 <= most)
    }),
  )
  assert.equal(cut('\u{1f600}\u{1f600}', 12), '\u{1f600}')
  assert.equal(cut('\u{1f600}', 11), '')
  assert.equal(cut('"\\', 3), '"')
})
