// Keys that sign in a way of their own: as the trust file says, and never because something else did not fit.
import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import { encodeEnvelope, inTotoPayloadType, pae, predicateTypes } from '#attestation'
import { encodeCanonical, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { isVerified, parseTrust, verifyAttestation } from './index.ts'
import {
  aStatement,
  builderEntry,
  builderId,
  jwtBytes,
  keyEntry,
  makeKey,
  namedInformation,
  trustBytes,
} from './testing/fixtures.ts'

const now = new Date('2026-06-01T00:00:00Z')
const key = makeKey()
const name = 'projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1'
const predicate = {
  buildDefinition: { buildType: 'https://b.example', externalParameters: {} },
  runDetails: { builder: { id: builderId } },
}
const statement = aStatement(predicateTypes.slsaProvenanceV1, predicate, 'ab'.repeat(32))
const payload = encodeCanonical(statement as unknown as Json)

interface Way {
  readonly covers: 'dsse' | 'payload'
  readonly encoding?: 'der' | 'ieee-p1363'
  readonly keyid?: string
}

function envelope({ covers, encoding = 'der', keyid }: Way): Uint8Array {
  const message = covers === 'dsse' ? pae(inTotoPayloadType, payload) : payload
  const sig = sign('sha256', message, { key: key.privateKey, dsaEncoding: encoding })
  const signature = keyid === undefined ? { sig } : { keyid, sig }
  return encodeEnvelope({ payloadType: inTotoPayloadType, payload, signatures: [signature] })
}

function isBelieved(bytes: Uint8Array, more: JsonObject = {}): boolean {
  const file = trustBytes({ builder: builderEntry([keyEntry(key, more)]) })
  return isVerified(verifyAttestation(bytes, parseTrust(file, { file: 'trust.yaml' }), now))
}

test('a key signs the payload alone only where the trust file says so, and then nothing else', () => {
  assert.ok(isBelieved(envelope({ covers: 'dsse' })))
  assert.ok(!isBelieved(envelope({ covers: 'payload' })))
  assert.ok(isBelieved(envelope({ covers: 'payload' }), { signs: 'payload' }))
  assert.ok(!isBelieved(envelope({ covers: 'dsse' }), { signs: 'payload' }))
})

test('signatures are r and s side by side only where the trust file says so', () => {
  const plain = envelope({ covers: 'dsse', encoding: 'ieee-p1363' })
  assert.ok(!isBelieved(plain))
  assert.ok(isBelieved(plain, { signatureEncoding: 'ieee-p1363' }))
  assert.ok(!isBelieved(envelope({ covers: 'dsse' }), { signatureEncoding: 'ieee-p1363' }))
})

test('where the trust file names a key, its signatures carry the name', () => {
  const named = envelope({ covers: 'dsse', keyid: name })
  assert.ok(isBelieved(named) && isBelieved(named, { keyid: name }))
  for (const keyid of [undefined, '', `${name}0`, name.replace('us', 'eu')]) {
    const other = envelope({ covers: 'dsse', ...(keyid === undefined ? {} : { keyid }) })
    assert.ok(isBelieved(other) && !isBelieved(other, { keyid: name }), keyid)
  }
})

test('a named key whose signature does not fit is told as a forgery', () => {
  const trust = parseTrust(
    trustBytes({ builder: builderEntry([keyEntry(makeKey(), { keyid: name })]) }),
    { file: 'trust.yaml' },
  )
  const result = verifyAttestation(envelope({ covers: 'dsse', keyid: name }), trust, now)
  assert.ok(!isVerified(result))
  assert.equal(result.problems[0].code, 'SIGNATURE_INVALID')
})

test('tokens are signed in the one way of tokens, whatever is said of the key', () => {
  const jwt = jwtBytes({ iss: builderId, sub: namedInformation('x') }, key)
  const believed = (more: JsonObject): boolean => {
    const entry = builderEntry([keyEntry(key, more)], {
      predicateTypes: [predicateTypes.jwtProvenance],
    })
    const trust = parseTrust(trustBytes({ builder: entry }), { file: 'trust.yaml' })
    return isVerified(verifyAttestation(jwt, trust, now))
  }
  assert.ok(believed({}) && believed({ signatureEncoding: 'ieee-p1363' }))
  assert.ok(!believed({ signs: 'payload' }))
})

test('how ECDSA signatures are written is no property of other keys', () => {
  const file = trustBytes({
    builder: builderEntry([keyEntry(makeKey('ed25519'), { signatureEncoding: 'ieee-p1363' })]),
  })
  assert.throws(
    () => parseTrust(file, { file: 'trust.yaml' }),
    (error) => error instanceof SallyportError && error.code === 'TRUST_KEY_SCHEME',
  )
})
