import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rangeOf } from './range.ts'

const cases: readonly (readonly [string | undefined, ReturnType<typeof rangeOf>])[] = [
  [undefined, undefined],
  ['bytes=0-9', { start: 0, end: 9 }],
  ['bytes=5-', { start: 5, end: 99 }],
  ['bytes=-10', { start: 90, end: 99 }],
  ['bytes=-1000', { start: 0, end: 99 }],
  ['bytes=90-1000', { start: 90, end: 99 }],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=9-5', undefined],
  ['bytes=0-1,3-4', undefined],
  ['bytes=-', undefined],
  ['lines=0-1', undefined],
  ['bytes=99999999999999999999-', undefined],
]

for (const [header, expected] of cases) {
  test(`of 100 bytes, ${header ?? 'no range'} is ${JSON.stringify(expected) ?? 'the whole'}`, () => {
    assert.deepEqual(rangeOf(header, 100), expected)
  })
}
