import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import { isSignatureGood } from './scheme.ts'
import { readPublicKey } from './public-key.ts'
import { makeKey } from './testing/fixtures.ts'

test('RSASSA-PSS: a salt as long as the hash, or the longest possible, and no other', () => {
  const pair = makeKey('rsa-pss-sha256')
  const { key } = readPublicKey(pair.publicPem, 'key')
  const data = Buffer.from('message')
  const isGood = (saltLength: number, format: 'dsse' | 'jws'): boolean => {
    const signature = sign('sha256', data, { key: pair.privateKey, padding: 6, saltLength })
    return isSignatureGood('rsa-pss-sha256', key, data, signature, format)
  }
  // RFC 8017 §9.1.1: 256 bytes, less the hash and two.
  const longest = 256 - 32 - 2
  assert.ok(isGood(32, 'dsse'))
  assert.ok(isGood(longest, 'dsse'))
  for (const other of [0, 1, 20, 31, 33, longest - 1]) assert.ok(!isGood(other, 'dsse'), `${other}`)
  assert.ok(isGood(32, 'jws'))
  assert.ok(!isGood(longest, 'jws'))
  assert.ok(!isGood(0, 'jws'))
})
