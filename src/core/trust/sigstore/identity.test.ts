import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertIdentityMatch, identityMatches, type CertificateIdentity } from './identity.ts'
import { check, codes, instance, signer } from './testing/check.ts'
import { issuer, signBundle } from './testing/instance.ts'
import { emailName, uriName } from './testing/certificates.ts'

const uri = (value: string): CertificateIdentity => ({ issuer, subject: { kind: 'uri', value } })
const below = (subjectPrefix: string) => (value: string) =>
  identityMatches(uri(value), { issuer, subjectPrefix })

test('a subject is the same to the last character', () => {
  const match = { issuer, subject: 'https://git.test/acme/shop' }
  assert.ok(identityMatches(uri('https://git.test/acme/shop'), match))
  for (const other of [
    'https://git.test/acme/shop/',
    'https://git.test/acme/sho',
    'https://git.test/acme/shop-evil',
    'https://gitxtest/acme/shop',
    '',
  ]) {
    assert.ok(!identityMatches(uri(other), match), other)
  }
})

test('the characters of patterns mean themselves', () => {
  const match = { issuer, subject: 'https://git.test/.*' }
  assert.ok(!identityMatches(uri('https://git.test/acme'), match))
  assert.ok(identityMatches(uri('https://git.test/.*'), match))
})

test('a prefix ends where a segment does', () => {
  const inAcme = below('https://git.test/acme/')
  assert.ok(inAcme('https://git.test/acme/shop/.github/workflows/release.yml@refs/heads/main'))
  for (const other of [
    'https://git.test/acme-evil/shop',
    'https://git.test/acme',
    'https://git.test.evil/acme/shop',
    'https://evil.test/https://git.test/acme/',
    'http://git.test/acme/shop',
    'https://git.test/Acme/shop',
  ]) {
    assert.ok(!inAcme(other), other)
  }
  const release = below('https://git.test/acme/shop/.github/workflows/release.yml@')
  assert.ok(release('https://git.test/acme/shop/.github/workflows/release.yml@refs/tags/v1'))
  assert.ok(!release('https://git.test/acme/shop/.github/workflows/release.yml2@refs/tags/v1'))
})

test('a path that climbs out of its prefix is not below it', () => {
  const inAcme = below('https://git.test/acme/')
  for (const other of [
    'https://git.test/acme/../evil/x',
    'https://git.test/acme/./../evil',
    'https://git.test/acme/..',
    'https://git.test/acme/%2e%2e/evil',
    'https://git.test/acme/..%2Fevil',
    'https://git.test/acme\\..\\evil',
    'https://git.test/acme/x\\..\\..\\evil',
    'https://git.test/acme/..#x',
    'https://git.test/acme/..@x',
  ]) {
    assert.ok(!inAcme(other), other)
  }
  assert.ok(inAcme('https://git.test/acme/..shop/a..b/.github'))
})

test('only a URI is below a path', () => {
  const email: CertificateIdentity = {
    issuer,
    subject: { kind: 'email', value: 'https://git.test/acme/x' },
  }
  assert.ok(!identityMatches(email, { issuer, subjectPrefix: 'https://git.test/acme/' }))
})

test('the issuer is the same to the last character, and there is one', () => {
  const match = { issuer, subject: 'https://git.test/a' }
  const { subject } = uri('https://git.test/a')
  assert.ok(!identityMatches({ issuer: `${issuer}/`, subject }, match))
  assert.ok(!identityMatches({ subject }, match))
})

test('a match that could not mean what its author thinks is a mistake', () => {
  const bad = [
    'https://git.test/',
    'https://git.test',
    'https://git.test/acme',
    'git.test/acme/',
    'https://git.test/a/../',
    'https://git.test/%2e%2e/',
    'https://git.test/a?b/',
    '',
  ]
  for (const subjectPrefix of bad) {
    assert.throws(() => assertIdentityMatch({ issuer, subjectPrefix }), TypeError, subjectPrefix)
  }
  assert.throws(() => assertIdentityMatch({ issuer: '', subject: 'a' }), TypeError)
  assert.throws(() => assertIdentityMatch({ issuer, subject: '' }), TypeError)
  const both = { issuer, subject: 'a', subjectPrefix: 'https://git.test/a/' }
  assert.throws(() => assertIdentityMatch(both), TypeError)
  assertIdentityMatch({ issuer, subjectPrefix: 'spiffe://acme.test/ns/prod/' })
})

test('a bundle is accepted by a prefix, and refused by it', () => {
  const identities = [{ issuer, subjectPrefix: 'https://git.test/acme/' }]
  const by = (name: Buffer) =>
    codes(
      check(signBundle(instance, { certificate: { names: [name] } }), {
        signer: { ...signer, identities },
      }),
    )
  assert.deepEqual(by(uriName('https://git.test/acme/other/build@v1')), [])
  assert.deepEqual(by(uriName('https://git.test/acme-evil/build@v1')), ['SIGSTORE_IDENTITY'])
  assert.deepEqual(by(emailName('https://git.test/acme/x')), ['SIGSTORE_IDENTITY'])
})

test('options that contradict themselves are a mistake of the caller', () => {
  const bundle = signBundle(instance)
  const none = { signer: { ...signer, identities: [] } }
  assert.throws(() => check(bundle, none), TypeError)
  const { publicKey } = instance.ct.keys
  assert.throws(() => check(bundle, { signer: { ...signer, publicKey } }), TypeError)
  for (const thresholds of [{ times: 0 }, { times: -1 }, { logs: 0.5 }, { scts: Number.NaN }]) {
    assert.throws(() => check(bundle, { thresholds }), TypeError)
  }
  const timed = { publicKey, validFor: { start: 0 } }
  assert.throws(() => check(bundle, { signer: timed, thresholds: { times: 0 } }), TypeError)
})
