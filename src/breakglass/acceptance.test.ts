import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes, riskAcceptanceStatement } from '#attestation'
import { createVerifier } from '#trust'
import { bundleBytes, keyEntry, makeKey } from '../core/trust/testing/fixtures.ts'
import { now, sha256, trustOf } from '../core/decision/testing/fixtures.ts'
import { judgeAcceptance } from './index.ts'

const ivan = makeKey()
const owned = { keys: [keyEntry(ivan, { owner: 'ivan' })] }
const verifier = createVerifier(
  trustOf({ risk: { ...owned, predicateTypes: [predicateTypes.riskAcceptance] } }),
)
const use = {
  artifact: { name: 'shop', sha256 },
  environment: 'production',
  service: 'shop',
  requesters: ['dave'],
  principals: ['os:runner'],
}
const accepted = bundleBytes(
  riskAcceptanceStatement([{ name: 'shop', digest: { sha256 } }], {
    owner: 'team-shop',
    approver: 'ivan',
    environment: 'production',
    reason: 'until the next release',
    acceptedOn: '2026-06-01T00:00:00Z',
    expires: '2026-06-08T00:00:00Z',
  }),
  ivan,
)
const judged = (more: Partial<typeof use>) => {
  const found = judgeAcceptance(
    accepted,
    { ...use, ...more },
    { source: 'one.json', verifier, now },
  )
  return found !== undefined && 'code' in found ? found.code : found?.by
}

test('whoever asked for a use accepts no risk of it, by the name they say or by the one they have proven', () => {
  assert.deepEqual(judged({}), ['ivan'])
  for (const more of [{ requesters: ['github:Ivan'] }, { principals: ['os:ivan'] }])
    assert.equal(judged(more), 'BREAKGLASS_ACCEPTANCE')
})
