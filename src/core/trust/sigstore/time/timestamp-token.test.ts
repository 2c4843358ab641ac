import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { codes, check, instance, places, refused, refusedUnder, v2 } from '../testing/check.ts'
import {
  algorithmOf,
  authority,
  extKeyUsage,
  issue,
  keysOf,
  keyUsage,
  nameOf,
  subjectKeyId,
  type KeyType,
} from '../testing/certificates.ts'
import {
  boolean,
  element,
  explicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  text,
} from '../testing/der-writer.ts'
import { minutes, rootOf, signBundle, signedAt } from '../testing/instance.ts'
import { base64 } from '../testing/logs.ts'
import {
  attribute,
  timestampOver,
  timestampSigner,
  type TokenOptions,
} from '../testing/timestamps.ts'
import { parseTimestamp } from './timestamp-token.ts'
import { tags } from '../der/reader.ts'
import { edited } from '../testing/edit.ts'

const validity = { notBefore: minutes(-10), notAfter: minutes(10) }
const message = Buffer.from('message')
const parse = (options: TokenOptions = {}) =>
  parseTimestamp(timestampOver(message, signedAt, instance.tsa, options), 'token')
const isMalformed = (error: unknown) =>
  error instanceof SallyportError && error.code === 'SIGSTORE_DER'

test('a token says when, over what, and by whom', () => {
  const token = parse({ embed: true })
  assert.equal(token.time, signedAt.getTime())
  assert.deepEqual(token.imprint, { hash: 'sha256', digest: hash('sha256', message, 'buffer') })
  assert.equal(token.signer.kind, 'serial')
  assert.equal(token.certificates.length, 1)
  assert.equal(token.certificateHashes.length, 1)
})

test('a token may carry accuracy, order, nonce and a name, and nothing that is unknown', () => {
  const more = [sequence(integer(1)), boolean(true), integer(7), explicit(0, text('tsa'))]
  assert.ok(parse({ more }))
  assert.ok(parse({ more: more.slice(2) }))
  assert.throws(() => parse({ more: [explicit(1, text('critical'))] }), isMalformed)
  assert.throws(() => parse({ more: [element(tags.boolean, Buffer.of(1))] }), isMalformed)
})

test('RFC 3161 §2.4.2: a TSTInfo of version 1 inside signed data', () => {
  assert.throws(() => parse({ version: 2 }), isMalformed)
  assert.throws(() => parse({ contentType: '1.2.840.113549.1.7.1' }), isMalformed)
})

test('RFC 5652 §5.3: each signed attribute stands once, and has one value', () => {
  const again = attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.9.16.1.4'))
  assert.throws(() => parse({ attributes: [again] }), isMalformed)
  const two = sequence(oid('1.2.3'), set(integer(1), integer(2)))
  assert.throws(() => parse({ attributes: [two] }), isMalformed)
  const many = Array.from({ length: 40 }, (_, index) => attribute(`1.2.3.${index}`, integer(1)))
  assert.throws(() => parse({ attributes: many }), isMalformed)
  assert.ok(parse({ attributes: many.slice(0, 20) }))
})

test('a token is of a size that tokens have', () => {
  const certificate = Buffer.alloc(30)
  assert.throws(
    () => parse({ embed: Array.from({ length: 11 }, () => octets(certificate)) }),
    isMalformed,
  )
  assert.throws(() => parse({ embed: [octets(Buffer.alloc(70_000))] }), isMalformed)
})

test('a signing certificate that is not one is refused', () => {
  const odd = attribute('1.2.840.113549.1.9.16.2.47', octets(message))
  assert.throws(() => parse({ signingCertificate: 'none', attributes: [odd] }), isMalformed)
})

test('RFC 2634 §5.4: the signer may say with SHA-1 which certificate it used, and has to be right', () => {
  const options = { oldSigningCertificate: true }
  assert.deepEqual(refused({ ...v2, timestamps: [{ options }] }), [])
  const other = { ...options, signingCertificate: instance.tsa.root.certificate }
  assert.deepEqual(refused({ ...v2, timestamps: [{ options: other }] }), ['SIGSTORE_TIMESTAMP'])
})

test('a signer whose certificate the root lists need not say which one it used', () => {
  const options = { signingCertificate: 'none' } as const
  assert.deepEqual(refused({ ...v2, timestamps: [{ options }] }), [])
})

/** An authority of which the root lists the root alone; the token brings its signer. */
function brought(extensions: readonly Buffer[], options: TokenOptions = {}): readonly string[] {
  const root = authority('tsa root', validity)
  const keys = keysOf()
  const certificate = issue(root, {
    subject: nameOf('tsa'),
    keys,
    ...validity,
    serial: 77,
    extensions,
  })
  const signer = { root, keys, certificate, uri: 'https://tsa.test' }
  const token = { embed: true, ...options }
  const bundle = signBundle(instance, { ...v2, timestamps: [{ signer, options: token }] })
  const chain = [{ rawBytes: base64(root.certificate) }]
  return refusedUnder(bundle, ['timestampAuthorities.0.certChain.certificates', chain])
}
const stamping = extKeyUsage(true, '1.3.6.1.5.5.7.3.8')

test('the signer that a token brings may sign time stamps and nothing else', () => {
  assert.deepEqual(brought([keyUsage(0), stamping]), [])
  assert.deepEqual(brought([keyUsage(0)]), ['SIGSTORE_TIME_MISSING'])
  assert.deepEqual(brought([keyUsage(5), stamping]), ['SIGSTORE_TIME_MISSING'])
  const both = extKeyUsage(true, '1.3.6.1.5.5.7.3.8', '1.3.6.1.5.5.7.3.3')
  assert.deepEqual(brought([keyUsage(0), both]), ['SIGSTORE_TIME_MISSING'])
})

test('certificates that a token brings besides are nobody, readable or not', () => {
  const junk = octets(message)
  const other = instance.tsa.certificate
  assert.deepEqual(brought([keyUsage(0), stamping], { embed: [junk, other] }), [
    'SIGSTORE_TIME_MISSING',
  ])
})

test('a signer may be called by its key identifier', () => {
  const root = authority('tsa root', validity)
  const keys = keysOf()
  const extensions = [keyUsage(0), stamping, subjectKeyId(keys)]
  const certificate = issue(root, { subject: nameOf('tsa'), keys, ...validity, extensions })
  const signer = { root, keys, certificate, uri: 'https://tsa.test' }
  const id = subjectKeyId(keys).subarray(-20)
  const chain = [certificate, root.certificate].map((der) => ({ rawBytes: base64(der) }))
  const under = (keyId: Uint8Array) =>
    refusedUnder(signBundle(instance, { ...v2, timestamps: [{ signer, options: { keyId } }] }), [
      'timestampAuthorities.0.certChain.certificates',
      chain,
    ])
  assert.deepEqual(under(id), [])
  assert.deepEqual(under(Buffer.alloc(20)), ['SIGSTORE_TIME_MISSING'])
})

const types: readonly KeyType[] = ['rsa', 'P-384']
for (const type of types) {
  test(`RFC 5652 §10.1.2: a signer with a key of kind ${type} names its algorithm`, () => {
    const signer = timestampSigner(validity, { curve: type })
    const chain = [signer.certificate, signer.root.certificate].map((der) => ({
      rawBytes: base64(der),
    }))
    const trustedRoot = rootOf(instance, ['timestampAuthorities.0.certChain.certificates', chain])
    const identities = 'anyIdentityUnsafe' as const
    const stamped = (options: TokenOptions) =>
      codes(
        check(signBundle(instance, { ...v2, timestamps: [{ signer, options }] }), {
          signer: { trustedRoot, identities },
        }),
      )
    assert.deepEqual(stamped({}), [])
    // CMS may name RSA alone; the hash is then that of the digest.
    const bare = sequence(oid('1.2.840.113549.1.1.1'), element(tags.null))
    assert.deepEqual(stamped({ algorithm: bare }), type === 'rsa' ? [] : ['SIGSTORE_TIMESTAMP'])
    const { algorithm } = algorithmOf(keysOf('ed25519'))
    assert.deepEqual(stamped({ algorithm }), ['SIGSTORE_TIMESTAMP'])
  })
}

test('bytes behind a token refuse it', () => {
  const bundle = signBundle(instance, v2)
  const longer = (stamp: unknown) => {
    const { signedTimestamp } = stamp as { signedTimestamp: string }
    return base64(Buffer.concat([Buffer.from(signedTimestamp, 'base64'), Buffer.alloc(1)]))
  }
  const place = `${places.stamps}.0`
  const changed = edited(bundle, [place, (stamp) => ({ signedTimestamp: longer(stamp) })])
  assert.deepEqual(codes(check(changed)), ['SIGSTORE_DER'])
})
