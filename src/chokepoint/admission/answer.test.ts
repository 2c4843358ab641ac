import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerOf } from './answer.ts'

const messageOf = (refusals: readonly string[]): string => {
  const { response } = answerOf({ uid: 'u', refusals, isFinal: true, warnings: [], audit: {} })
  return response.status?.message ?? ''
}
const refusal = (index: number, length: number): string =>
  `spec.containers[${index}].image: `.padEnd(length - 4, 'x') + ' fix'

test('refusals are told whole, and those that do not fit are counted', () => {
  const told = (count: number, length: number) => {
    const refusals = Array.from({ length: count }, (_, index) => refusal(index, length))
    const message = messageOf(refusals)
    assert.ok(message.length <= 4000)
    const lines = message.split('\n')
    const whole = lines.filter((line) => refusals.includes(line))
    return [whole.length, ...lines.slice(whole.length)]
  }
  assert.deepEqual(told(7, 570), [7])
  assert.deepEqual(told(8, 499), [8])
  assert.deepEqual(told(8, 500), [7, 'and 1 more image is refused'])
  assert.deepEqual(told(64, 570), [6, 'and 58 more images are refused'])
})

test('a refusal that is longer than an answer is cut where everybody sees it', () => {
  const long = refusal(0, 5000)
  assert.match(messageOf([long]), /^spec\.containers\[0\].*x…$/)
  const [first = '', ...others] = messageOf([long, refusal(1, 10), refusal(2, 10)]).split('\n')
  assert.match(first, /x…$/)
  assert.deepEqual(others, ['and 2 more images are refused'])
  assert.deepEqual(messageOf([refusal(0, 100), long]).split('\n'), [
    refusal(0, 100),
    'and 1 more image is refused',
  ])
})
