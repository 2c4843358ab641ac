import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { hasSigned, issuerOf } from './issuer.ts'
import { parseCertificate } from './certificate.ts'
import { describeName } from './describe-name.ts'
import { fulcioClaimsOf } from './fulcio.ts'
import { readSignatureAlgorithm, signatureHolds } from './signature-algorithm.ts'
import { readDer, tags } from '../der/reader.ts'
import {
  algorithmOf,
  authority,
  authorityKeyId,
  ecKeys,
  extension,
  fulcio,
  issue,
  keysOf,
  keyUsage,
  nameOf,
  pssAlgorithm,
  signWith,
  subjectKeyId,
  type KeyType,
} from '../testing/certificates.ts'
import { boolean, element, octets, oid, sequence, text } from '../testing/der-writer.ts'
import { check, codes } from '../testing/check.ts'
import {
  certificateOf,
  createInstance,
  issuer,
  minutes,
  rootOf,
  signBundle,
  subject,
} from '../testing/instance.ts'
import { publicKeyOf } from '../keys/public-key.ts'

const validity = { notBefore: minutes(-10), notAfter: minutes(10) }
const root = authority('root', validity)
const keys = ecKeys()
const parse = (der: Uint8Array) => parseCertificate(der, 'certificate')
const isMalformed = (error: unknown) =>
  error instanceof SallyportError && error.code === 'SIGSTORE_DER'
const issued = (...extensions: readonly Buffer[]) =>
  issue(root, { subject: nameOf('leaf'), keys, ...validity, extensions })

const types: readonly KeyType[] = ['rsa', 'rsa-pss', 'ed25519', 'P-521']
for (const type of types) {
  test(`authorities and time stamps with keys of kind ${type} are verified`, () => {
    const instance = createInstance(type)
    const trustedRoot = rootOf(instance)
    const signer = { trustedRoot, identities: [{ issuer, subject }] }
    const bundle = signBundle(instance, { logs: [{ log: instance.v2 }], timestamps: [{}] })
    assert.deepEqual(codes(check(bundle, { signer })), [])
  })
}

test('a signature is by a key of the family that its algorithm names', () => {
  const message = Buffer.from('message')
  for (const type of [...types, 'P-256'] as const) {
    const pair = keysOf(type)
    const own = readSignatureAlgorithm(
      readDer(algorithmOf(pair).algorithm, tags.sequence, 'algorithm'),
    )
    const key = publicKeyOf(pair.publicKey, 'key')
    const signature = signWith(pair, message)
    assert.ok(signatureHolds(own, key, message, signature), type)
    for (const family of ['ecdsa', 'rsa', 'rsa-pss', 'ed25519'] as const) {
      const isOwn = family === own.family
      assert.equal(
        signatureHolds({ ...own, family, saltLength: 32 }, key, message, signature),
        isOwn,
      )
    }
    assert.ok(!signatureHolds(own, key, message, Buffer.alloc(3)))
  }
})

test('RFC 4055 §3.1: RSASSA-PSS has one hash and the salt that it says', () => {
  const read = (der: Buffer) => readSignatureAlgorithm(readDer(der, tags.sequence, 'algorithm'))
  assert.deepEqual(read(pssAlgorithm()), { family: 'rsa-pss', hash: 'sha256', saltLength: 32 })
  assert.throws(() => read(pssAlgorithm('2.16.840.1.101.3.4.2.2')), isMalformed)
  const pair = keysOf('rsa-pss')
  const key = publicKeyOf(pair.publicKey, 'key')
  const signature = signWith(pair, Buffer.from('message'))
  const other = read(pssAlgorithm(undefined, 20))
  assert.ok(!signatureHolds(other, key, Buffer.from('message'), signature))
  // Without parameters the hash is SHA-1.
  assert.throws(() => read(sequence(oid('1.2.840.113549.1.1.10'), sequence())), isMalformed)
})

test('algorithms with SHA-1, and those that nobody knows, are refused', () => {
  const read = (...parts: readonly Buffer[]) =>
    readSignatureAlgorithm(readDer(sequence(...parts), tags.sequence, 'algorithm'))
  for (const dotted of [
    '1.2.840.113549.1.1.5',
    '1.2.840.10045.4.1',
    '1.2.840.113549.1.1.1',
    '1.2.3',
  ]) {
    assert.throws(() => read(oid(dotted)), isMalformed, dotted)
  }
  assert.throws(() => read(oid('1.2.840.10045.4.3.2'), element(tags.null)), isMalformed)
})

test('names chain byte by byte, and key identifiers where both have them', () => {
  const leaf = parse(issued(authorityKeyId(root.keys)))
  const signer = issuerOf(parse(root.certificate))
  assert.ok(hasSigned(signer, leaf))
  const namesake = { ...root, name: nameOf('ROOT') }
  const other = parse(
    issue(namesake, { subject: nameOf('leaf'), keys, ...validity, extensions: [keyUsage(0)] }),
  )
  assert.ok(!hasSigned(signer, other))
  const strange = parse(issued(authorityKeyId(keys)))
  assert.ok(!hasSigned(signer, strange))
  const silent = parse(issued(keyUsage(0)))
  assert.ok(hasSigned(signer, silent))
})

test('a certificate is of version 3, with one algorithm, and of a size that certificates have', () => {
  const der = issued(keyUsage(0))
  assert.ok(parse(der))
  const v1 = Buffer.from(der)
  v1[v1.indexOf(Buffer.from('a003020102', 'hex')) + 4] = 1
  assert.throws(() => parse(v1), isMalformed)
  const at = der.lastIndexOf(Buffer.from('2a8648ce3d040302', 'hex'))
  const two = Buffer.from(der)
  two[at + 7] = 3
  assert.throws(() => parse(two), isMalformed)
  assert.throws(() => parse(issued(extension('1.2.3', Buffer.alloc(70_000)))), isMalformed)
  const many = Array.from({ length: 65 }, (_, index) => extension(`1.2.3.${index}`, text('x')))
  assert.throws(() => parse(issued(...many)), isMalformed)
})

test('X.690 §11.5: a default value is left out', () => {
  const explicit = sequence(oid('1.2.3'), boolean(false), octets(text('x')))
  assert.throws(() => parse(issued(explicit)), isMalformed)
})

test('claims of Fulcio are read in their old and their new form', () => {
  const claims = (...extensions: readonly Buffer[]) => fulcioClaimsOf(parse(issued(...extensions)))
  const all = claims(
    fulcio(1, issuer),
    fulcio(2, 'push'),
    fulcio(6, 'refs/heads/main'),
    fulcio(8, issuer),
    fulcio(11, 'github-hosted'),
    fulcio(18, 'https://git.test/acme/shop/build.yml'),
    fulcio(24, 'repo:acme/shop'),
    fulcio(26, 'from the future'),
  )
  assert.deepEqual(all, {
    issuer,
    githubWorkflowTrigger: 'push',
    githubWorkflowRef: 'refs/heads/main',
    runnerEnvironment: 'github-hosted',
    buildConfigURI: 'https://git.test/acme/shop/build.yml',
    tokenSubject: 'repo:acme/shop',
    unnamed: { '1.3.6.1.4.1.57264.1.26': 'from the future' },
  })
  const wrapped = extension('1.3.6.1.4.1.57264.1.2', text('push'))
  assert.deepEqual(claims(wrapped, fulcio(1, issuer)), { githubWorkflowTrigger: 'push', issuer })
  assert.deepEqual(claims(fulcio(8, ''), fulcio(14, '')), {})
  assert.deepEqual(claims(extension('1.3.6.1.4.1.57264.2.1', text('other'))), {})
})

test('a claim that is not the text that it should be refuses the certificate', () => {
  const claims = (...extensions: readonly Buffer[]) => fulcioClaimsOf(parse(issued(...extensions)))
  const raw = extension('1.3.6.1.4.1.57264.1.12', Buffer.from('https://git.test'))
  const long = extension('1.3.6.1.4.1.57264.1.12', Buffer.concat([text('x'), Buffer.alloc(1)]))
  const form = extension('1.3.6.1.4.1.57264.1.2', Buffer.from('\fabc'))
  for (const bad of [raw, long, form]) assert.throws(() => claims(bad), isMalformed)
})

test('names are described for people, however odd they are', () => {
  assert.equal(describeName(nameOf('root')), '"CN=root"')
  assert.equal(describeName(nameOf('a\n"b"\u202e')), String.raw`"CN=a\n\"b\"\u202e"`)
  assert.equal(describeName(Buffer.from('junk')), 'a name without parts')
  assert.equal(describeName(sequence()), 'a name without parts')
})

test('an issuer without a key identifier is found by its name', () => {
  const name = nameOf('bare')
  const pair = ecKeys()
  const bare = issue(
    { name, keys: pair },
    { subject: name, keys: pair, ...validity, extensions: [keyUsage(5)] },
  )
  const leaf = issue(
    { name, keys: pair },
    { keys, ...validity, extensions: [authorityKeyId(pair)] },
  )
  assert.ok(hasSigned(issuerOf(parse(bare)), parse(leaf)))
  assert.equal(issuerOf(parse(bare)).keyId, undefined)
  assert.ok(issuerOf(parse(issued(subjectKeyId(keys)))).keyId)
  assert.ok(certificateOf(createInstance()).der)
})
