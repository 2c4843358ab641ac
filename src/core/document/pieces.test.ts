import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pieces } from './pieces.ts'

for (const announced of [0, 1, 150_000, 299_999, 300_000, 10_000_000_000]) {
  test(`pieces are one after the other, with ${announced} bytes announced`, () => {
    const together = new Pieces(announced)
    const pieces = Array.from({ length: 300 }, (_, at) => Buffer.alloc(1000, at))
    for (const piece of pieces) together.add(piece)
    assert.equal(together.size, 300_000)
    assert.deepEqual(together.whole(), new Uint8Array(Buffer.concat(pieces)))
  })
}

test('what comes in one piece is that piece, and what comes after it changes nothing in it', () => {
  const together = new Pieces(3)
  const piece = Buffer.from('abc')
  together.add(piece)
  assert.equal(together.whole(), piece)
  together.add(Buffer.from('de'))
  assert.deepEqual(together.whole(), new Uint8Array(Buffer.from('abcde')))
  assert.equal(piece.toString(), 'abc')
})

test('nothing is nothing', () => {
  for (const announced of [0, 5]) assert.equal(new Pieces(announced).whole().length, 0)
})

test('who announces much and sends little takes little', () => {
  const before = process.memoryUsage().arrayBuffers
  const many = Array.from({ length: 1000 }, (_, at) => {
    const together = new Pieces(at % 2 === 0 ? 0 : 1_000_000)
    together.add(Buffer.from('x'))
    return together
  })
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  assert.equal(many.length, 1000)
})
