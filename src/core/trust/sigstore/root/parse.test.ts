import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import {
  authority,
  basicConstraints,
  extension,
  extKeyUsage,
  keyUsage,
  spkiOf,
} from '../testing/certificates.ts'
import { integer } from '../testing/der-writer.ts'
import { edited, gone, type Edit } from '../testing/edit.ts'
import { bytesOf, createInstance, minutes, rootJson, signedAt } from '../testing/instance.ts'
import { base64 } from '../testing/logs.ts'
import { timestampSigner } from '../testing/timestamps.ts'
import { parseTrustedRoot } from './parse.ts'
import { isWithin } from './trusted-root.ts'

const instance = createInstance()
const parse = (...edits: readonly Edit[]) =>
  parseTrustedRoot(bytesOf(edited(rootJson(instance), ...edits)), { file: 'root.json' })

function refused(...edits: readonly Edit[]): readonly string[] {
  try {
    parse(...edits)
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code)
  }
}

test('a root is read with its logs, authorities and periods', () => {
  const root = parse()
  assert.deepEqual(
    root.tlogs.map(({ name }) => name),
    ['rekor.test', 'log2026.rekor.test'],
  )
  for (const log of root.tlogs) assert.equal(log.noteKeyId, log.logId.readUInt32BE(0))
  assert.equal(root.certificateAuthorities[0]?.chain.length, 2)
  assert.equal(root.timestampAuthorities[0]?.chain.length, 1)
  assert.ok(root.timestampAuthorities[0]?.signer)
  assert.equal(root.file, 'root.json')
  assert.match(root.digest, /^[0-9a-f]{64}$/)
})

test('all known media types are read, and no other', () => {
  for (const mediaType of [
    'trustedroot+json;version=0.1',
    'trustedroot.v0.1+json',
    'trustedroot+json;version=0.2',
    'trustedroot.v0.2+json',
  ]) {
    assert.deepEqual(refused(['mediaType', `application/vnd.dev.sigstore.${mediaType}`]), [])
  }
  assert.deepEqual(refused(['mediaType', 'application/vnd.dev.sigstore.trustedroot.v0.3+json']), [
    'SIGSTORE_ROOT_VERSION',
  ])
  assert.deepEqual(refused(['mediaType', gone]), ['DOCUMENT_SHAPE'])
})

test('a root may be empty: it trusts nobody', () => {
  const bytes = bytesOf({ mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' })
  const root = parseTrustedRoot(bytes, { file: 'root.json' })
  assert.deepEqual([root.tlogs, root.certificateAuthorities], [[], []])
})

test('a period without a start, or without itself, is refused: nothing is trusted since ever', () => {
  for (const place of [
    'tlogs.0.publicKey',
    'ctlogs.0.publicKey',
    'certificateAuthorities.0',
    'timestampAuthorities.0',
  ]) {
    assert.deepEqual(refused([`${place}.validFor.start`, gone]), ['DOCUMENT_SHAPE'])
    assert.deepEqual(refused([`${place}.validFor`, gone]), ['DOCUMENT_SHAPE'])
    const backwards = { start: minutes(1).toISOString(), end: signedAt.toISOString() }
    assert.deepEqual(refused([`${place}.validFor`, backwards]), ['SIGSTORE_ROOT_WINDOW'])
  }
})

test('both ends of a period are inside', () => {
  const window = { start: 10, end: 20 }
  assert.deepEqual(
    [9, 10, 20, 21].map((time) => isWithin(window, time)),
    [false, true, true, false],
  )
  assert.ok(isWithin({ start: 10 }, Number.MAX_SAFE_INTEGER))
})

test('fields that nobody defined are refused, all at once', () => {
  assert.deepEqual(
    refused(['extra', 1], ['tlogs.0.extra', 1], ['timestampAuthorities.0.certChain.extra', 1]),
    ['DOCUMENT_UNKNOWN_FIELD', 'DOCUMENT_UNKNOWN_FIELD', 'DOCUMENT_UNKNOWN_FIELD'],
  )
})

test('all that is wrong with the parts is reported at once', () => {
  assert.deepEqual(
    refused(
      ['tlogs.0.publicKey.rawBytes', '%'],
      ['ctlogs.0.publicKey.keyDetails', 'PKIX_UNHEARD_OF'],
      ['certificateAuthorities.0.certChain.certificates.0.rawBytes', 'AAAA'],
    ),
    ['SIGSTORE_ROOT_BASE64', 'SIGSTORE_ROOT_KEY', 'SIGSTORE_ROOT_CHAIN'],
  )
})

test('the key of a log is of the kind that the root says, and of one that logs sign with', () => {
  const details = 'tlogs.0.publicKey.keyDetails'
  for (const name of [
    'PKIX_ED25519',
    'PKIX_ECDSA_P384_SHA_384',
    'PKIX_ED25519_PH',
    'ML_DSA_65',
    'PKCS1_RSA_PKCS1V5',
    'toString',
  ]) {
    assert.deepEqual(refused([details, name]), ['SIGSTORE_ROOT_KEY'], name)
  }
  assert.deepEqual(refused(['tlogs.0.hashAlgorithm', 'SHA2_512']), ['DOCUMENT_SHAPE'])
})

test('RSA keys of logs are read in both of their forms', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const place = 'ctlogs.0.publicKey'
  const written = (type: 'pkcs1' | 'spki', keyDetails: string): readonly Edit[] => [
    [`${place}.rawBytes`, base64(publicKey.export({ type, format: 'der' }))],
    [`${place}.keyDetails`, keyDetails],
  ]
  assert.deepEqual(refused(...written('pkcs1', 'PKCS1_RSA_PKCS1V5')), [])
  assert.deepEqual(refused(...written('spki', 'PKIX_RSA_PKCS1V15_2048_SHA256')), [])
  assert.deepEqual(refused(...written('spki', 'PKIX_RSA_PKCS1V15_4096_SHA256')), [
    'SIGSTORE_ROOT_KEY',
  ])
  assert.deepEqual(refused(...written('spki', 'PKCS1_RSA_PKCS1V5')), ['SIGSTORE_ROOT_KEY'])
  const [log] = parse(...written('pkcs1', 'PKCS1_RSA_PKCS1V5')).ctlogs
  assert.ok(log?.key.spki.equals(spkiOf({ publicKey, privateKey: instance.ct.keys.privateKey })))
})

test('a log whose key signs no notes has no key id', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const place = 'tlogs.0.publicKey'
  const bytes = base64(publicKey.export({ type: 'spki', format: 'der' }))
  const ids = (keyDetails: string) =>
    parse([`${place}.rawBytes`, bytes], [`${place}.keyDetails`, keyDetails]).tlogs[0]?.noteKeyId
  assert.equal(ids('PKIX_RSA_PSS_2048_SHA256'), undefined)
  assert.equal(typeof ids('PKIX_RSA_PKCS1V15_2048_SHA256'), 'number')
})

test('a key id that does not belong to the key is refused', () => {
  const id = (bytes: Uint8Array): Edit => ['tlogs.1.checkpointKeyId', { keyId: base64(bytes) }]
  assert.deepEqual(refused(id(instance.v2.logId.subarray(0, 4))), [])
  assert.deepEqual(refused(id(instance.v2.logId)), [])
  assert.deepEqual(refused(id(instance.v1.logId.subarray(0, 4))), ['SIGSTORE_ROOT_KEY'])
  assert.deepEqual(refused(id(Buffer.of(1))), ['SIGSTORE_ROOT_KEY'])
})

const validity = { notBefore: minutes(-10), notAfter: minutes(10) }
const chainOf = (...certificates: readonly { readonly certificate: Buffer }[]) => ({
  certificates: certificates.map(({ certificate }) => ({ rawBytes: base64(certificate) })),
})

test('every certificate of a chain is signed by the next one', () => {
  const stranger = createInstance()
  const place = 'certificateAuthorities.0.certChain'
  assert.deepEqual(refused([place, chainOf(instance.intermediate, stranger.root)]), [
    'SIGSTORE_ROOT_CHAIN',
  ])
  assert.deepEqual(refused([place, chainOf(instance.root, instance.intermediate)]), [
    'SIGSTORE_ROOT_CHAIN',
  ])
  assert.deepEqual(refused([place, chainOf(instance.intermediate)]), [])
  assert.deepEqual(refused([place, { certificates: [] }]), ['DOCUMENT_SHAPE'])
  assert.deepEqual(refused(['timestampAuthorities.0.certChain', { certificates: [] }]), [
    'DOCUMENT_SHAPE',
  ])
})

test('every certificate of an authority may issue others, as deep as it stands, for this purpose', () => {
  const place = 'certificateAuthorities.0.certChain'
  const { root } = instance
  const issued = (...extensions: readonly Buffer[]) =>
    refused([place, chainOf(authority('issued', validity, { by: root, extensions }), root)])
  assert.deepEqual(issued(basicConstraints(true), keyUsage(5)), [])
  assert.deepEqual(issued(basicConstraints(true)), [])
  assert.deepEqual(issued(keyUsage(5)), ['SIGSTORE_ROOT_CHAIN'])
  assert.deepEqual(issued(basicConstraints(false)), ['SIGSTORE_ROOT_CHAIN'])
  assert.deepEqual(issued(basicConstraints(true), keyUsage(0)), ['SIGSTORE_ROOT_CHAIN'])
  assert.deepEqual(issued(basicConstraints(true), extKeyUsage(false, '1.3.6.1.5.5.7.3.1')), [
    'SIGSTORE_ROOT_CHAIN',
  ])
  assert.deepEqual(issued(basicConstraints(true), extKeyUsage(false, '2.5.29.37.0')), [])
  assert.deepEqual(issued(basicConstraints(true), extension('2.5.29.30', integer(1), true)), [
    'SIGSTORE_ROOT_CHAIN',
  ])
  const shallow = authority('shallow', validity, { extensions: [basicConstraints(true, 0)] })
  const below = (by: typeof shallow) =>
    authority('below', validity, { by, extensions: [basicConstraints(true)] })
  const [middle] = [below(shallow)]
  assert.deepEqual(refused([place, chainOf(middle, shallow)]), ['SIGSTORE_ROOT_CHAIN'])
})

test('the signer of time stamps signs nothing else', () => {
  const place = 'timestampAuthorities.0.certChain'
  const signedFor = (...purposes: readonly string[]) => {
    const { root, certificate } = timestampSigner(validity, { purposes })
    return refused([place, chainOf({ certificate }, root)])
  }
  assert.deepEqual(signedFor('1.3.6.1.5.5.7.3.8'), [])
  assert.deepEqual(signedFor('1.3.6.1.5.5.7.3.8', '1.3.6.1.5.5.7.3.3'), ['SIGSTORE_ROOT_CHAIN'])
  assert.deepEqual(signedFor('1.3.6.1.5.5.7.3.3'), ['SIGSTORE_ROOT_CHAIN'])
})

test('a root of a megabyte, or that is not JSON, is refused', () => {
  const read = (bytes: Uint8Array) => () => parseTrustedRoot(bytes, { file: 'root.json' })
  assert.throws(read(Buffer.alloc(1_100_000, 0x20)), SallyportError)
  assert.throws(read(Buffer.from('{"mediaType":1,"mediaType":2}')), SallyportError)
})
