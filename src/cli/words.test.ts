import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, words } from './words.ts'

test('what somebody has written begins no line of its own, however the terminal breaks it', () => {
  for (const blank of [
    ' '.repeat(70),
    '\u00a0'.repeat(70),
    '\u3164\u2800 \u3000',
    '\u115f'.repeat(9),
  ])
    assert.equal(words(`down${blank}waives  nothing`), 'down waives nothing')
  assert.equal(words('down\n  waives\u202e'), String.raw`down\n waives\u202e`)
})

test('what is long is cut where it would hide what stands beside it, and says so', () => {
  assert.equal(words('x'.repeat(61), 60), `${'x'.repeat(60)}…`)
  assert.equal(words('x'.repeat(60), 60), 'x'.repeat(60))
  assert.equal(firstOf(['a', 'b', 'c'], 2), 'a, b and 1 more')
  assert.equal(firstOf(['a', 'b'], 2), 'a, b')
})
