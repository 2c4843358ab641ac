import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { formatBytes, formatDuration, parseDuration } from './duration.ts'
import { parseCount } from './number.ts'
import { parseParameter } from './parameter.ts'
import { table } from './table.ts'

test('a duration is a whole number of one unit', () => {
  assert.equal(parseDuration('30d'), 30 * 86_400_000)
  assert.equal(parseDuration('45m'), 45 * 60_000)
  for (const bad of ['', '0d', '1', '-1d', '1.5h', '1 d', '1y', '9999999d'])
    assert.throws(() => parseDuration(bad), InvalidArgumentError)
})

test('a count is a whole number from 0 on, written the usual way', () => {
  assert.equal(parseCount('0'), 0)
  assert.equal(parseCount('42'), 42)
  for (const bad of ['', '-1', '01', '1e3', '1.0', '９'])
    assert.throws(() => parseCount(bad), InvalidArgumentError)
})

test('a parameter is named once, and its value may be anything', () => {
  assert.deepEqual(parseParameter('a=b=c', {}), { a: 'b=c' })
  assert.deepEqual(parseParameter('b=', { a: '1' }), { a: '1', b: '' })
  assert.throws(() => parseParameter('a', {}), InvalidArgumentError)
  assert.throws(() => parseParameter('a=2', { a: '1' }), InvalidArgumentError)
})

test('times and sizes are as exact as a reader cares', () => {
  assert.deepEqual([840, 9_949, 12_400, 72_000].map(formatDuration), [
    '0.8 s',
    '9.9 s',
    '12 s',
    '1 min 12 s',
  ])
  assert.deepEqual([12, 2048, 83 * 1024 * 1024].map(formatBytes), ['12 B', '2.0 KiB', '83.0 MiB'])
})

test('columns line up whatever their colours', () => {
  const rows = [
    ['\u001b[1mok\u001b[22m', 'node', '24'],
    ['missing', 'git', ''],
  ]
  assert.equal(table(rows), '\u001b[1mok\u001b[22m       node  24\nmissing  git')
})
