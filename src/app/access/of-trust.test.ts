import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#document'
import {
  builderIds,
  builtRule,
  keys,
  policiesOf,
  policyText,
  trustEntries,
  trustOf,
} from '../../core/decision/testing/fixtures.ts'
import { keyEntry } from '../../core/trust/testing/fixtures.ts'
import { grantsOfTrust } from './of-trust.ts'

const allowed = 'allowed: {by: [release-managers], environment: production}'
const listening = policiesOf(policyText([builtRule]))

function digests(entries: JsonObject, policies = listening): ReadonlyMap<string, string> {
  return new Map(grantsOfTrust(trustOf(entries), policies).map(({ id, sha256 }) => [id, sha256]))
}

const builder = trustEntries['release-builder'] as JsonObject
const before = digests(trustEntries)
const keyId = `signer:release-builder key:${keys.builder.keyid.slice(0, 16)}`

test('each key of each signer is a grant, with what it may sign and who listens', () => {
  const grants = grantsOfTrust(trustOf(trustEntries), listening)
  const one = grants.find(({ id }) => id === keyId)
  assert.deepEqual(one?.may, [
    'sign https://slsa.dev/provenance/v1',
    `speak for the builder ${builderIds.pinned} level 1`,
    'be believed by "built" of shop-production',
  ])
  assert.deepEqual(one?.holders, ['platform', 'release-builder'])
  assert.equal(grants.filter(({ id }) => id.startsWith('signer:release-managers')).length, 2)
})

test('more rights, another owner, or a policy that listens make another grant', () => {
  const changes: readonly JsonObject[] = [
    { ...builder, builders: [{ id: builderIds.pinned, level: 2 }] },
    { ...builder, builders: [{ id: builderIds.pinned, level: 1, notInCertificateUnsafe: true }] },
    { ...builder, predicateTypes: ['https://slsa.dev/provenance/v1', 'https://x.example/v1'] },
    { ...builder, owner: 'somebody else' },
    { ...builder, keys: [keyEntry(keys.builder, { validUntil: '2030-01-01T00:00:00Z' })] },
  ]
  for (const change of changes) {
    const after = digests({ ...trustEntries, 'release-builder': change })
    assert.notEqual(after.get(keyId), before.get(keyId), JSON.stringify(change))
    assert.ok(after.has(keyId))
  }
  const more = policiesOf(policyText([builtRule, allowed]))
  const heard = digests(trustEntries, more)
  const alice = `signer:release-managers key:${keys.alice.keyid.slice(0, 16)}`
  assert.notEqual(heard.get(alice), before.get(alice))
  assert.equal(heard.get(keyId), before.get(keyId))
})

test('signers that stand deeper in a rule are listened to, too', () => {
  const rule = `scanned: {by: [kb], within: 7d, deny: {severity: high, unless: vex, vexBy: [hosted-builder]}}`
  const grants = grantsOfTrust(trustOf(trustEntries), policiesOf(policyText([rule])))
  const heard = grants.filter(({ may }) => may.some((deed) => deed.includes('"scanned"')))
  assert.deepEqual(
    heard.map(({ id }) => id.split(' ')[0]),
    ['signer:hosted-builder', 'signer:kb'],
  )
})

test('an entry that has only moved is the same grant', () => {
  const { kb, ...rest } = trustEntries
  const moved = digests({ ...(kb === undefined ? {} : { kb }), ...rest })
  assert.deepEqual(Object.fromEntries(moved), Object.fromEntries(before))
})
