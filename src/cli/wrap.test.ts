import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wrap } from './wrap.ts'

test('a long text continues under itself', () => {
  assert.equal(wrap('aaaa bbbb cccc dddd eeee ffff', 30, 4), 'aaaa bbbb cccc dddd eeee\n    ffff')
})

test('nothing is broken where nobody watches', () => {
  const text = 'word '.repeat(100).trim()
  assert.equal(wrap(text, undefined, 4), text)
})

test('a command to copy is never broken', () => {
  const command = '`sallyport approve app.tgz --environment production --reason "…"`'
  assert.equal(wrap(`run ${command} now`, 40, 4), `run\n    ${command}\n    now`)
})

test('nor when it is coloured or stands in brackets', () => {
  const command = '(\u001b[36m`npx sallyport build`\u001b[39m),'
  assert.equal(
    wrap(`aaaaaaaaaaaaaaaaaa ${command} which`, 28, 0),
    `aaaaaaaaaaaaaaaaaa\n${command}\nwhich`,
  )
})

test('colours take no room', () => {
  assert.equal(wrap('\u001b[1maaaa\u001b[22m bbbb', 28, 4), '\u001b[1maaaa\u001b[22m bbbb')
})
