import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phraseOf } from './phrase.ts'

test('what is short is said as it is', () => {
  assert.equal(phraseOf('no; fix: approve it (decision 3)'), 'no; fix: approve it (decision 3)')
})

test('it is one line of ASCII, whatever names are in it', () => {
  assert.equal(phraseOf('größe\r\nx-more: 1\u0000\ud800'), 'gr??e x-more: 1 ?')
})

test('what is long loses its middle, and not its fix', () => {
  const phrase = phraseOf(`denied: ${'x'.repeat(1500)}; fix: approve it`)
  assert.equal(phrase.length, 705)
  assert.match(phrase, /^denied: x+ \.{3} x+; fix: approve it$/)
})
