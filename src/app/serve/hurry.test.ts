import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHurry, type ForHurry } from './hurry.ts'

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
  ]
  for (const decision of byOutage) {
    assert.throws(() => checkHurry(decision, 4999), { code: 'ADMISSION_TIMEOUT' })
    checkHurry(decision, 5000)
  }
  for (const decision of others) checkHurry(decision, 1)
})
