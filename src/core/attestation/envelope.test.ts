import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBundle, bundleOf } from './bundle.ts'
import { encodeEnvelope, pae, parseEnvelope, type Envelope } from './envelope.ts'

const envelope: Envelope = {
  payloadType: 'text/plain',
  payload: Buffer.from([0xfb, 0xff, 0xfe]),
  signatures: [{ keyid: 'k1', sig: Buffer.from('s1') }, { sig: Buffer.from('s2') }],
}

test('an envelope is written as canonical JSON with standard base64', () => {
  assert.equal(
    Buffer.from(encodeEnvelope(envelope)).toString('utf8'),
    '{"payload":"+//+","payloadType":"text/plain","signatures":[{"keyid":"k1","sig":"czE="},{"sig":"czI="}]}',
  )
})

test('an envelope that was read holds nothing but its own bytes', () => {
  const { payload, signatures } = parseEnvelope(encodeEnvelope(envelope))
  assert.equal(payload.buffer.byteLength, 3)
  assert.equal(signatures[0]?.sig.buffer.byteLength, 2)
})

test('a change of one bit of type or payload changes the bytes to sign', () => {
  const base = Buffer.from(pae(envelope.payloadType, envelope.payload)).toString('hex')
  assert.notEqual(Buffer.from(pae('text/plaim', envelope.payload)).toString('hex'), base)
  assert.notEqual(
    Buffer.from(pae('text/plain', Buffer.from([0xfb, 0xff, 0xff]))).toString('hex'),
    base,
  )
})

test('an envelope with two signatures is not put into a bundle, and the fix says where it belongs', () => {
  assert.throws(() => encodeBundle(bundleOf(envelope, 'k1')), {
    code: 'ATTESTATION_BUNDLE_CONTENT',
    found: '2 signatures',
  })
})

test('an envelope without signatures is not written', () => {
  assert.throws(() => encodeEnvelope({ ...envelope, signatures: [] }), {
    code: 'ATTESTATION_FIELD',
    where: 'envelope.signatures',
  })
})
