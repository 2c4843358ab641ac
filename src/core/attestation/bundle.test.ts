import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleMediaType, bundleOf, encodeBundle, parseBundle } from './bundle.ts'
import type { Bundle } from './bundle-types.ts'
import { realBundle } from './testing/samples.ts'

const envelope = {
  payloadType: 'text/plain',
  payload: Buffer.from('x'),
  signatures: [{ keyid: 'k1', sig: Buffer.from('s') }],
}

test('a bundle is written as canonical JSON of version 0.3, with the key named by the hint alone', () => {
  assert.equal(
    Buffer.from(encodeBundle(bundleOf(envelope, 'k1'))).toString('utf8'),
    `{"dsseEnvelope":{"payload":"eA==","payloadType":"text/plain","signatures":[{"sig":"cw=="}]},"mediaType":"${bundleMediaType}","verificationMaterial":{"publicKey":{"hint":"k1"}}}`,
  )
})

test('a bundle with log entry and certificate is written as it was read', () => {
  const bundle = parseBundle(realBundle)
  assert.equal(bundle.tlogEntries.length, 1)
  assert.deepEqual(parseBundle(encodeBundle(bundle)), bundle)
})

test('a message signature with its digest is written as it was read', () => {
  const digest = new Uint8Array(48).fill(7)
  const bundle: Bundle = {
    ...bundleOf(envelope, 'k1'),
    timestamps: [new Uint8Array([1, 2])],
    content: {
      kind: 'messageSignature',
      messageDigest: { algorithm: 'sha384', digest },
      signature: new Uint8Array([3]),
    },
  }
  assert.deepEqual(parseBundle(encodeBundle(bundle)), bundle)
})

test('bundles of older versions are only read', () => {
  const bundle: Bundle = { ...bundleOf(envelope, 'k1'), version: '0.2', mediaType: 'old' }
  assert.throws(() => encodeBundle(bundle), { code: 'ATTESTATION_BUNDLE_VERSION' })
})

test('log entries, time stamps, certificates and hashes are bounded', () => {
  const document = JSON.parse(Buffer.from(realBundle).toString('utf8')) as {
    verificationMaterial: { tlogEntries: [{ inclusionProof: { hashes: string[] } }] }
  }
  const refused = (material: object, where: string): void => {
    const bytes = Buffer.from(
      JSON.stringify({
        ...document,
        verificationMaterial: { ...document.verificationMaterial, ...material },
      }),
    )
    assert.throws(() => parseBundle(bytes), { code: 'ATTESTATION_LIMIT', where })
  }
  const place = 'bundle.verificationMaterial'
  const [entry] = document.verificationMaterial.tlogEntries
  refused({ tlogEntries: Array.from({ length: 33 }, () => entry) }, `${place}.tlogEntries`)
  const rfc3161Timestamps = Array.from({ length: 33 }, () => ({ signedTimestamp: 'AA==' }))
  refused(
    { timestampVerificationData: { rfc3161Timestamps } },
    `${place}.timestampVerificationData.rfc3161Timestamps`,
  )
  const hashes = Array.from({ length: 65 }, () => 'AA==')
  const inclusionProof = { ...entry.inclusionProof, hashes }
  refused(
    { tlogEntries: [{ ...entry, inclusionProof }] },
    `${place}.tlogEntries[0].inclusionProof.hashes`,
  )
})
