// What signatures and artifacts must not get away with. Everything else in each bundle is right, so each refusal has one reason.
import assert from 'node:assert/strict'
import { hash, sign } from 'node:crypto'
import { test } from 'node:test'
import { ecKeys } from './testing/certificates.ts'
import { check, codes, instance, refused, signer, v2 } from './testing/check.ts'
import { gone, type Edit } from './testing/edit.ts'
import {
  artifact,
  artifactDigest,
  certificateOf,
  signBundle,
  statement,
} from './testing/instance.ts'
import { base64 } from './testing/logs.ts'

test('the signature is by the key of the certificate', () => {
  const other = ecKeys()
  const signature = (message: Uint8Array) => sign('sha256', message, other.privateKey)
  for (const options of [{}, v2, { payload: null }, { ...v2, payload: null }]) {
    assert.deepEqual(refused({ ...options, signer: signature }), ['SIGSTORE_SIGNATURE'])
  }
})

test('the signature covers the type of the payload', () => {
  const { keys, der } = certificateOf(instance)
  const text = {
    payloadType: 'text/plain',
    certificate: { keys, der },
    logs: [{ log: instance.v1 }],
  }
  const edit: Edit = ['dsseEnvelope.payloadType', 'application/vnd.in-toto+json']
  assert.deepEqual(refused(text, edit), ['SIGSTORE_SIGNATURE'])
})

test('the signature covers the payload', () => {
  const other = statement({ sha256: artifactDigest, sha512: hash('sha512', artifact, 'hex') })
  const found = refused({}, ['dsseEnvelope.payload', base64(other)])
  assert.deepEqual(found, ['SIGSTORE_LOG_MISMATCH', 'SIGSTORE_SIGNATURE'])
})

test('the statement is about the artifact', () => {
  const sha1 = hash('sha1', artifact, 'hex')
  const sha512 = hash('sha512', artifact, 'hex')
  const other = hash('sha256', 'other', 'hex')
  const strangers = [
    { sha256: other },
    { sha1 },
    { sha512, sha256: other },
    { sha256: artifactDigest, sha512: hash('sha512', 'other', 'hex') },
    { unheardOf: artifactDigest },
  ]
  for (const digest of strangers) {
    assert.deepEqual(refused({ payload: statement(digest) }), ['SIGSTORE_ARTIFACT'])
  }
  const weak = { digest: { sha1 } }
  const found = codes(
    check(signBundle(instance, { payload: statement({ sha1 }) }), { artifact: weak }),
  )
  assert.deepEqual(found, ['SIGSTORE_ARTIFACT'])
})

test('an envelope that is no statement is about no artifact', () => {
  const text = { payload: Buffer.from('hello'), payloadType: 'text/plain' }
  assert.deepEqual(refused(text), ['SIGSTORE_ARTIFACT'])
  const untyped = Buffer.from(statement().toString().replace('"_type"', '"_tipe"'))
  assert.deepEqual(refused({ payload: untyped }), ['ATTESTATION_FIELD'])
  const unknown = Buffer.from(statement().toString().replace('Statement/v1', 'Statement/v9'))
  assert.deepEqual(refused({ payload: unknown }), ['ATTESTATION_STATEMENT_TYPE'])
})

test('a signature over another artifact is a signature over another artifact', () => {
  const bundle = signBundle(instance, { payload: null })
  const other = { bytes: Buffer.from('another artifact') }
  assert.deepEqual(codes(check(bundle, { artifact: other })), [
    'SIGSTORE_ARTIFACT',
    'SIGSTORE_LOG_MISMATCH',
    'SIGSTORE_SIGNATURE',
  ])
  const digest = { sha256: hash('sha256', 'another artifact', 'hex') }
  assert.equal(check(bundle, { artifact: { digest } }).kind, 'rejection')
})

test('the digest that a signer writes beside its signature is of the artifact', () => {
  const wrong: Edit = ['messageSignature.messageDigest.digest', base64(Buffer.alloc(32))]
  assert.deepEqual(refused({ payload: null }, wrong), ['SIGSTORE_ARTIFACT'])
  assert.deepEqual(refused({ payload: null }, ['messageSignature.messageDigest', gone]), [])
})

test('a signature over an artifact needs the artifact, or the digest that was signed', () => {
  const bundle = signBundle(instance, { payload: null })
  assert.deepEqual(codes(check(bundle, { artifact: 'anyArtifactUnsafe' })).slice(0, 1), [
    'SIGSTORE_ARTIFACT_DIGEST',
  ])
  const digest = { sha512: hash('sha512', artifact, 'hex') }
  assert.deepEqual(codes(check(bundle, { artifact: { digest } })), [
    'SIGSTORE_ARTIFACT_DIGEST',
    'SIGSTORE_ARTIFACT_DIGEST',
  ])
})

test('all reasons are reported, not the first alone', () => {
  const certificate = { ct: 'none' } as const
  const other = ecKeys()
  const bundle = signBundle(instance, {
    certificate,
    payload: statement({ sha256: hash('sha256', 'other', 'hex') }),
    signer: (message) => sign('sha256', message, other.privateKey),
  })
  const identities = [{ issuer: 'https://accounts.test', subject: 'ada@acme.test' }]
  assert.deepEqual(codes(check(bundle, { signer: { ...signer, identities } })), [
    'SIGSTORE_ARTIFACT',
    'SIGSTORE_IDENTITY',
    'SIGSTORE_SCT',
    'SIGSTORE_SIGNATURE',
  ])
})

test('every problem names what was expected, what was found and what to do', () => {
  const result = check(signBundle(instance, { certificate: { ct: 'none' } }))
  assert.ok(result.kind === 'rejection')
  for (const { where, expected, found, fix } of result.problems) {
    for (const words of [where, expected, found, fix])
      assert.ok(words !== undefined && words !== '')
  }
})

test('what is not a bundle is refused with the words of its parser', () => {
  for (const bytes of [
    '',
    '{',
    '[]',
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.9+json"}',
  ]) {
    const { bundle } = { bundle: Buffer.from(bytes) }
    assert.match(codes(check({}, { bundle }))[0] ?? '', /^(?:DOCUMENT|ATTESTATION)_/)
  }
})
