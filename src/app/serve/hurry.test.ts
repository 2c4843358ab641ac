import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { checkHurry, hurryIn, type ForHurry } from './hurry.ts'

test('what only an outage lets in has to be one: five seconds of silence', () => {
  const glass = (from: 'policy' | 'trust', verdict: ForHurry['verdict']): ForHurry => ({
    effect: 'admitted-breakglass',
    verdict,
    breakglass: {
      terms: { from, approvers: ['sre'], count: 1, maxDuration: '1h' },
      wanted: [],
      grants: [],
    },
  })
  const byOutage: readonly ForHurry[] = [
    { effect: 'admitted-unavailable', verdict: 'UNDETERMINED' },
    glass('trust', 'UNDETERMINED'),
  ]
  const others: readonly ForHurry[] = [
    { effect: 'admitted', verdict: 'ALLOW' },
    { effect: 'blocked', verdict: 'UNDETERMINED' },
    { effect: 'admitted-audit', verdict: 'UNDETERMINED' },
    glass('policy', 'UNDETERMINED'),
    glass('trust', 'POLICY_ERROR'),
    { ...glass('trust', 'UNDETERMINED'), effect: 'blocked' },
  ]
  for (const decision of byOutage) {
    assert.throws(() => checkHurry(decision, 4999), {
      code: 'ADMISSION_TIMEOUT',
      expected: /^5\.0 s to look/,
      found: '5.0 s, and no answer in them',
    })
    assert.throws(() => checkHurry(decision, 1234), { found: /^1\.2 s/ })
    checkHurry(decision, 5000)
  }
  for (const decision of others) checkHurry(decision, 1)
})

test('why there is no decision is the reason behind a failure, where that was the lack of time', () => {
  const failure = (code: 'ADMISSION_TIMEOUT' | 'LOG_BUSY', cause?: unknown) =>
    new SallyportError({ code, expected: 'time', found: 'none', fix: 'Ask again' }, { cause })
  const late = failure('ADMISSION_TIMEOUT')
  assert.equal(hurryIn(failure('LOG_BUSY', late)), late.problems[0])
  for (const other of [
    late,
    failure('LOG_BUSY', failure('LOG_BUSY')),
    failure('LOG_BUSY'),
    new Error('x', { cause: late }),
    undefined,
  ])
    assert.equal(hurryIn(other), undefined)
})
