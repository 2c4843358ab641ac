// What trusted times must not get away with. Everything else in each bundle is right, so each refusal has one reason.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { ecKeys } from './testing/certificates.ts'
import { check, codes, instance, places, refused, refusedUnder, v2 } from './testing/check.ts'
import { at, edited, gone, textAt } from './testing/edit.ts'
import { certificateOf, minutes, signBundle, signedAt } from './testing/instance.ts'
import { base64 } from './testing/logs.ts'
import { timestampOver, timestampSigner } from './testing/timestamps.ts'

const { entry, stamps } = places

test('without a trusted time nothing is known of a certificate', () => {
  const unpromised = [{ log: instance.v1, options: { promise: false } }]
  assert.deepEqual(refused({ logs: unpromised }), ['SIGSTORE_TIME_MISSING'])
  assert.deepEqual(refused({ ...v2, timestamps: [] }), ['SIGSTORE_TIME_MISSING'])
})

test('a time that the log has not signed is no time', () => {
  const bundle = signBundle(instance, { ...v2, timestamps: [] })
  const claimed = edited(bundle, [`${entry}.integratedTime`, String(signedAt.getTime() / 1000)])
  assert.deepEqual(codes(check(claimed)), ['SIGSTORE_TIME_MISSING'])
})

test('the promise of the log covers time, index and body', () => {
  const later = String(signedAt.getTime() / 1000 + 1)
  assert.deepEqual(refused({}, [`${entry}.integratedTime`, later]), ['SIGSTORE_LOG_PROMISE'])
  assert.deepEqual(refused({}, [`${entry}.integratedTime`, gone]), ['SIGSTORE_LOG_PROMISE'])
  assert.deepEqual(refused({}, [`${entry}.logIndex`, '1']), ['SIGSTORE_LOG_PROMISE'])
  const other = at(signBundle(instance), `${entry}.inclusionPromise`)
  assert.deepEqual(refused({}, [`${entry}.inclusionPromise`, other]), ['SIGSTORE_LOG_PROMISE'])
})

test('the log was in service at the time that it promises', () => {
  const bundle = signBundle(instance, { timestamps: [{}] })
  const place = 'tlogs.0.publicKey.validFor'
  const ended = { start: '2026-01-01T00:00:00Z', end: minutes(-1).toISOString() }
  assert.deepEqual(refusedUnder(bundle, [place, ended]).slice(0, 1), ['SIGSTORE_LOG_PROMISE'])
  assert.deepEqual(refusedUnder(bundle, [place, { start: minutes(1).toISOString() }]).slice(0, 1), [
    'SIGSTORE_LOG_PROMISE',
  ])
})

test('a log that promises no time was in service at the times that others say', () => {
  const bundle = signBundle(instance, v2)
  const place = 'tlogs.1.publicKey.validFor'
  const ended = { start: '2026-01-01T00:00:00Z', end: minutes(-1).toISOString() }
  assert.deepEqual(refusedUnder(bundle, [place, ended]), ['SIGSTORE_LOG_MISSING'])
  assert.deepEqual(refusedUnder(bundle, [place, { start: minutes(1).toISOString() }]), [
    'SIGSTORE_LOG_MISSING',
  ])
})

test('a log that promises its time need not be in service at the times that others say', () => {
  const bundle = signBundle(instance, { timestamps: [{ time: minutes(1) }] })
  const end = signedAt.toISOString()
  assert.deepEqual(refusedUnder(bundle, ['tlogs.0.publicKey.validFor.end', end]), [])
})

test('a time stamp is over the signature of the bundle', () => {
  const over = Buffer.from('another signature')
  assert.deepEqual(refused({ ...v2, timestamps: [{ over }] }).slice(0, 1), ['SIGSTORE_TIMESTAMP'])
  assert.deepEqual(refused({ timestamps: [{ over }] }), ['SIGSTORE_TIMESTAMP'])
})

test('a time stamp is signed by the authority of the root', () => {
  const impostor = { ...instance.tsa, keys: ecKeys() }
  assert.deepEqual(refused({ timestamps: [{ signer: impostor }] }), ['SIGSTORE_TIMESTAMP'])
  const stranger = timestampSigner({ notBefore: minutes(-99), notAfter: minutes(99) })
  const named = {
    ...stranger,
    root: { ...stranger.root, name: Buffer.from('300d310b3009060355040306024242', 'hex') },
  }
  for (const timestamp of [{ signer: named }, { signer: named, options: { embed: true } }]) {
    const timestamps = [timestamp]
    assert.deepEqual(refused({ ...v2, timestamps }), ['SIGSTORE_TIME_MISSING'])
  }
})

test('the signer of a time stamp says which certificate it used', () => {
  const other = certificateOf(instance).der
  const options = { signingCertificate: other }
  assert.deepEqual(refused({ timestamps: [{ options }] }), ['SIGSTORE_TIMESTAMP'])
})

test('the signed attributes of a time stamp are about its content', () => {
  const options = { messageDigest: hash('sha256', 'something else', 'buffer') }
  assert.deepEqual(refused({ timestamps: [{ options }] }), ['SIGSTORE_DER'])
})

test('a time stamp has one signer and has been granted', () => {
  assert.deepEqual(refused({ timestamps: [{ options: { signers: 2 } }] }), ['SIGSTORE_DER'])
  assert.deepEqual(refused({ timestamps: [{ options: { status: 2 } }] }), ['SIGSTORE_DER'])
})

test('the authority of a time stamp is trusted for its time, itself and nobody in its place', () => {
  const bundle = signBundle(instance, v2)
  const place = 'timestampAuthorities.0.validFor'
  const ended = { start: '2026-01-01T00:00:00Z', end: minutes(-1).toISOString() }
  assert.deepEqual(refusedUnder(bundle, [place, ended]), ['SIGSTORE_TIME_MISSING'])
  assert.deepEqual(refusedUnder(bundle, [place, { start: minutes(1).toISOString() }]), [
    'SIGSTORE_TIME_MISSING',
  ])
  // Another authority that is trusted for that time lends nothing.
  const stranger = timestampSigner({ notBefore: minutes(-99), notAfter: minutes(99) })
  const lender = {
    uri: 'https://lender.test',
    certChain: { certificates: [{ rawBytes: base64(stranger.root.certificate) }] },
    validFor: { start: '2026-01-01T00:00:00Z' },
  }
  const both = refusedUnder(bundle, [place, ended], ['timestampAuthorities.1', lender])
  assert.deepEqual(both, ['SIGSTORE_TIME_MISSING'])
})

test('the certificates of the authority of a time stamp are valid at its time', () => {
  const expired = timestampSigner({ notBefore: minutes(-99), notAfter: minutes(-9) })
  const bundle = signBundle(instance, { ...v2, timestamps: [{ signer: expired }] })
  const chain = [expired.certificate, expired.root.certificate].map((der) => ({
    rawBytes: base64(der),
  }))
  const place = 'timestampAuthorities.0.certChain.certificates'
  assert.deepEqual(refusedUnder(bundle, [place, chain]), ['SIGSTORE_TIME_MISSING'])
})

test('where the root lists authorities alone, the token brings the certificate that one of them issued', () => {
  const place = 'timestampAuthorities.0.certChain.certificates'
  const authorities = [{ rawBytes: base64(instance.tsa.root.certificate) }]
  const stamped = (options: object) => signBundle(instance, { ...v2, timestamps: [{ options }] })
  assert.deepEqual(refusedUnder(stamped({ embed: true }), [place, authorities]), [])
  assert.deepEqual(refusedUnder(stamped({}), [place, authorities]), ['SIGSTORE_TIME_MISSING'])
  const unsaid = stamped({ embed: true, signingCertificate: 'none' })
  assert.deepEqual(refusedUnder(unsaid, [place, authorities]), ['SIGSTORE_TIME_MISSING'])
  const stranger = timestampSigner({ notBefore: minutes(-99), notAfter: minutes(99) })
  const own = [{ rawBytes: base64(stranger.root.certificate) }]
  assert.deepEqual(refusedUnder(stamped({ embed: true }), [place, own]), ['SIGSTORE_TIME_MISSING'])
})

test('times count by who runs the authorities', () => {
  const timestamps = [{}, { time: minutes(1) }]
  const bundle = signBundle(instance, { ...v2, timestamps })
  const twice = codes(check(bundle, { thresholds: { times: 2 } }))
  assert.deepEqual(twice, ['SIGSTORE_TIME_MISSING'])
  const withLog = signBundle(instance, { timestamps: [{}] })
  assert.deepEqual(codes(check(withLog, { thresholds: { times: 2 } })), [])
})

test('a token over the signature by an authority of the root is what counts, wherever it comes from', () => {
  const bundle = signBundle(instance, { ...v2, timestamps: [] })
  const signature = Buffer.from(textAt(bundle, 'dsseEnvelope.signatures.0.sig'), 'base64')
  const token = timestampOver(signature, signedAt, instance.tsa)
  const stamped = edited(bundle, [stamps, [{ signedTimestamp: base64(token) }]])
  assert.deepEqual(codes(check(stamped)), [])
})
