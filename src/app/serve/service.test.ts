import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  builtRule,
  evidenceOf,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  sha256,
  signed,
  trust,
} from '../../core/decision/testing/fixtures.ts'
import { decideOne, type ServiceParts } from './service.ts'

test('who asks about more than can be looked for keeps out nobody whose evidence is known', async () => {
  const known = { ...evidenceOf(signed(provenance())), related: [], signatures: [], documents: [] }
  const rulebook = { policies: policiesOf(policyText([builtRule])), trust, files: [] }
  const parts = {
    config: { evidence: { stores: [] } },
    rulebook: { id: 'rulebook', current: () => rulebook },
    clock: () => now,
    metrics: { decision: () => undefined },
    remembered: {
      looking: 2048,
      recall: (key: string) => (key.startsWith(sha256) ? known : undefined),
      renew: () => undefined,
      allowed: () => undefined,
    },
  } as unknown as ServiceParts
  const ask = (digest: string) => {
    const wanted = { digest: { sha256: digest }, inline: [], attached: [] }
    return decideOne(parts, request, wanted, { dryRun: true })
  }
  assert.equal((await ask(sha256)).decision.effect, 'admitted')
  await assert.rejects(ask('0'.repeat(64)), { code: 'SERVER_BUSY' })
})
