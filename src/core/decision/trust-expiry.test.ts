import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import { encodeCanonical, sha256Hex, type JsonObject } from '#document'
import { parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { builderEntry, envelopeBytes, keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import { decide, decisionExitCode, type Decision } from './index.ts'

const key = makeKey()
const sha256 = sha256Hex('artifact')
const expires = '2026-06-30T00:00:00Z'
const approval = { environment: 'prod', reason: 'why', approvedOn: '2026-05-01T00:00:00Z' }

function decideAt(now: string, policy: JsonObject = {}, source = 'found'): Decision {
  const trust = encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'default', owner: 'security', expires },
    signers: {
      people: {
        ...builderEntry([keyEntry(key)]),
        predicateTypes: [predicateTypes.approval],
        builders: [],
      },
    },
  })
  const text = encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'DeploymentPolicy',
    metadata: { name: 'shop', owner: 'team' },
    targets: [{ environment: 'prod', service: 'shop' }],
    require: [{ allowed: { by: ['people'] } }],
    ...policy,
  })
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop', digest: { sha256 } }],
    predicateType: predicateTypes.approval,
    predicate: approval,
  }
  const bytes = envelopeBytes(statement, [key])
  return decide({
    request: {
      artifact: { name: 'shop', digest: { sha256 } },
      target: { environment: 'prod', service: 'shop' },
      chokePoint: 'test',
    },
    evidence: {
      items: [{ bytes, digest: sha256Hex(bytes), source: 'beside' }],
      sources: [{ name: 'beside', outcome: source as 'found' }],
    },
    policies: parsePolicies([{ file: 'p.yaml', bytes: text }]),
    trust: parseTrust(trust, { file: 'trust.yaml' }),
    now: new Date(now),
  })
}

test('KEY-07: nothing is decided with a trust file that has expired, and the message names it', () => {
  const before = decideAt('2026-06-29T23:59:59Z')
  assert.equal(before.verdict, 'ALLOW')
  assert.equal(before.validUntil, '2026-06-30T00:00:00.000Z')
  const after = decideAt(expires)
  assert.equal(after.verdict, 'UNDETERMINED')
  assert.equal(after.effect, 'blocked')
  assert.equal(decisionExitCode(after), 3)
  const [reason] = after.reasons
  assert.equal(reason?.code, 'TRUST_EXPIRED')
  assert.match(reason?.found ?? '', /trust\.yaml, which expired at 2026-06-30/)
  assert.match(reason?.fix ?? '', /^Have "security" check/)
})

test('an expired trust file is no outage that a policy may let through', () => {
  const after = decideAt('2026-07-01T00:00:00Z', { whenUnavailable: 'allow' }, 'unavailable')
  assert.equal(after.effect, 'blocked')
  assert.equal(decideAt('2026-07-01T00:00:00Z', { mode: 'audit' }).effect, 'admitted-audit')
})
