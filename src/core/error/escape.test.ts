import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escape, escapeJson, escapeLine } from './escape.ts'

test('what would move the cursor, colour or ring is spelled out', () => {
  assert.equal(escape('a\u001b[31mb\u0007\rc\u009b2J'), 'a\\u001b[31mb\\u0007\\u000dc\\u009b2J')
})

test('marks that reorder or hide text are spelled out', () => {
  assert.equal(escape('txt\u202egpj.\u200bexe\u2066'), 'txt\\u202egpj.\\u200bexe\\u2066')
  assert.equal(escape('tag\u{e0041}'), 'tag\\u{e0041}')
  assert.equal(escape('half \ud800'), 'half \\ud800')
})

test('text of any language stays as it is', () => {
  const text = 'Grüße, 世界, שלום, 🚪 — …'
  assert.equal(escape(text), text)
})

test('a line stays one line', () => {
  assert.equal(escape('a\nb'), 'a\nb')
  assert.equal(escapeLine('a\nerror[FAKE]: b'), 'a\\nerror[FAKE]: b')
})

test('JSON says the same without what would harm a terminal', () => {
  const value = { a: 'x\u009b2J\u202e\u007f\ud800', b: ['\u{e0041}', 'Grüße 🚪\n'] }
  const json = escapeJson(JSON.stringify(value, undefined, 2))
  assert.deepEqual(JSON.parse(json), value)
  assert.ok(json.includes('"x\\u009b2J\\u202e\\u007f\\ud800"'))
  assert.ok(json.includes('"\\udb40\\udc41"'))
  assert.ok(json.includes('"Grüße 🚪\\n"'))
  assert.equal(json.split('\n').length, 7)
})
