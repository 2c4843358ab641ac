import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cosignBundle, isCosignKeyless } from '#attestation'
import type { Json } from '#document'
import { check, codes, instance } from './testing/check.ts'
import { cosignAnnotations, cosignEnvelope, pemOf as pem } from './testing/cosign.ts'
import { certificateOf, statement } from './testing/instance.ts'

const { keys, der } = certificateOf(instance)
const envelopeOf = (keyid?: string | null, payload?: Uint8Array): Buffer =>
  cosignEnvelope(keys, keyid, payload)
const annotationsOf = (envelope: Uint8Array, by?: Uint8Array) =>
  cosignAnnotations(instance, envelope, der, by)

function verdict(envelope: Uint8Array, annotations = annotationsOf(envelope)): readonly string[] {
  return codes(
    check(JSON.parse(Buffer.from(cosignBundle(envelope, annotations)).toString()) as Json),
  )
}

test("cosign's layer and its annotations are a bundle, whether or not the envelope has a key id", () => {
  for (const keyid of ['', null, 'somebody']) assert.deepEqual(verdict(envelopeOf(keyid)), [])
})

test('what the layer has beyond DSSE changes nothing about what was signed', () => {
  const envelope = envelopeOf()
  const more = { ...(JSON.parse(envelope.toString()) as object), extra: 'x' }
  assert.deepEqual(verdict(Buffer.from(JSON.stringify(more)), annotationsOf(envelope)), [])
})

test('a promise for another envelope, though of the same words by the same key, is none for this one', () => {
  // ECDSA: each signature is another, so the envelope that the log has seen is not this one.
  assert.deepEqual(verdict(envelopeOf(), annotationsOf(envelopeOf())), ['SIGSTORE_LOG_MISMATCH'])
})

test('a promise for another signer is none for this one', () => {
  const envelope = envelopeOf()
  const stranger = certificateOf(instance).der
  assert.deepEqual(verdict(envelope, annotationsOf(envelope, stranger)), ['SIGSTORE_LOG_MISMATCH'])
})

test('what was changed after the log has seen it is refused', () => {
  const annotations = annotationsOf(envelopeOf())
  const other = envelopeOf('', statement({ sha256: 'ab'.repeat(32) }))
  assert.ok(verdict(other, annotations).includes('SIGSTORE_LOG_MISMATCH'))
  const envelope = envelopeOf()
  const good = annotationsOf(envelope)
  const later = good['dev.sigstore.cosign/bundle'].replace('"logIndex":7', '"logIndex":8')
  const moved = verdict(envelope, { ...good, 'dev.sigstore.cosign/bundle': later })
  assert.ok(moved.includes('SIGSTORE_LOG_PROMISE'), moved.join())
})

test('without the promise of a log nothing says when it was signed', () => {
  const envelope = envelopeOf()
  const { 'dev.sigstore.cosign/bundle': _promise, ...rest } = annotationsOf(envelope)
  const bundle = JSON.parse(Buffer.from(cosignBundle(envelope, rest)).toString()) as Json
  assert.ok(codes(check(bundle)).includes('SIGSTORE_LOG_MISSING'))
})

test('annotations that make no bundle are refused where they are read', () => {
  const envelope = envelopeOf()
  const good = annotationsOf(envelope)
  assert.ok(isCosignKeyless(good) && !isCosignKeyless({}))
  const wrong = (more: Readonly<Record<string, string>>): void => {
    assert.throws(() => cosignBundle(envelope, { ...good, ...more }), /^SallyportError: /)
  }
  wrong({ 'dev.sigstore.cosign/certificate': 'nothing' })
  wrong({ 'dev.sigstore.cosign/certificate': pem(der) + pem(der) })
  wrong({ 'dev.sigstore.cosign/bundle': '{' })
  wrong({ 'dev.sigstore.cosign/bundle': '{"Payload":{"body":"W10=","logID":"00"}}' })
  wrong({ 'dev.sigstore.cosign/rfc3161timestamp': '[]' })
  assert.throws(() => cosignBundle(Buffer.from('[]'), good), /^SallyportError: /)
})
