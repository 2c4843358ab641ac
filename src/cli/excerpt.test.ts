import assert from 'node:assert/strict'
import { test } from 'node:test'
import { excerpt } from './excerpt.ts'
import { plain } from './paint.ts'

const at = (text: string, line: number, column: number) =>
  excerpt(text, { line, column }, plain).join('\n')

test('the mark stands under the word that is meant', () => {
  assert.equal(
    at('a: 1\n  - built: {level: 1}\n', 2, 5),
    '    |\n  2 |   - built: {level: 1}\n    |     ^^^^^',
  )
})

test('a long line is cut around the mark, and marks nothing else', () => {
  const [, line = '', mark = ''] = at(`${'x'.repeat(300)}WRONG ${'y'.repeat(300)}`, 1, 301).split(
    '\n',
  )
  assert.equal(line.indexOf('WRONG'), mark.indexOf('^^^^^'))
  assert.ok(line.length < 120)
})

test('a line cannot draw on the terminal, and the mark stands right all the same', () => {
  const [, line = '', mark = ''] = at('\u001b[2J\tbuilt: 1', 1, 6).split('\n')
  assert.ok(!line.includes('\u001b'))
  assert.equal(line.indexOf('built'), mark.indexOf('^^^^^'))
})

test('a line that does not exist is not shown', () => {
  assert.equal(at('a', 7, 1), '')
})
