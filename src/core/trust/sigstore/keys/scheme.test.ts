import assert from 'node:assert/strict'
import { constants, createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import * as der from '../testing/der-writer.ts'
import { publicKeyOf, readPkcs1, readSpki } from './public-key.ts'
import { findScheme, fits, schemeOf, schemesFor, verifyDigest, verifyMessage } from './scheme.ts'

const message = Buffer.from('the message')
const isRefused = (code: string) => (error: unknown) =>
  error instanceof SallyportError && error.code === code

/** RFC 8032 §7.3. */
const testAbc = {
  key: ed25519Key(
    Buffer.from('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf', 'hex'),
  ),
  signature: Buffer.from(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    'hex',
  ),
}

const curves = [
  ['P-256', 'PKIX_ECDSA_P256_SHA_256'],
  ['P-384', 'PKIX_ECDSA_P384_SHA_384'],
  ['P-384', 'PKIX_ECDSA_P384_SHA_256'],
  ['P-521', 'PKIX_ECDSA_P521_SHA_512'],
  ['P-521', 'PKIX_ECDSA_P521_SHA_256'],
] as const

for (const [namedCurve, name] of curves) {
  test(`${name}: a digest verifies exactly where its message does`, () => {
    const scheme = schemeOf(name)
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve })
    const key = publicKeyOf(publicKey, 'key')
    for (let round = 0; round < 8; round += 1) {
      const text = Buffer.from(`message ${round}`)
      const signature = sign(scheme.hash, text, privateKey)
      const digest = hash(scheme.hash ?? 'sha256', text, 'buffer')
      assert.ok(verifyMessage(scheme, key, text, signature))
      assert.ok(verifyDigest(scheme, key, digest, signature))
      const at = round % signature.length
      const [badDigest, badSignature] = [
        flipped(digest, at),
        flipped(signature, signature.length - 1 - at),
      ]
      assert.ok(!verifyDigest(scheme, key, badDigest, signature))
      assert.ok(!verifyDigest(scheme, key, digest, badSignature))
      assert.ok(!verifyMessage(scheme, key, text, badSignature))
    }
  })
}

test('FIPS 186-5 §6.4.2: r and s are from 1 to n - 1, in DER', () => {
  const scheme = schemeOf('PKIX_ECDSA_P256_SHA_256')
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = publicKeyOf(publicKey, 'key')
  const n = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  for (const [r, s] of [
    [Buffer.of(0), Buffer.of(1)],
    [Buffer.of(1), Buffer.of(0)],
    [n, Buffer.of(1)],
    [Buffer.of(1), n],
  ] as const) {
    const signature = der.sequence(der.integer(r), der.integer(s))
    assert.ok(!verifyDigest(scheme, key, Buffer.alloc(32), signature))
  }
  assert.ok(!verifyDigest(scheme, key, Buffer.alloc(32), Buffer.alloc(0)))
})

for (const modulusLength of [2048, 2049, 2055, 3072]) {
  test(`RSA of ${modulusLength} bits: a digest verifies exactly where its message does`, () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
    const key = publicKeyOf(publicKey, 'key')
    const pkcs1 = schemeOf('PKIX_RSA_PKCS1V5')
    const pss = schemeOf('PKIX_RSA_PSS')
    const digest = hash('sha256', message, 'buffer')
    const plain = sign('sha256', message, privateKey)
    assert.ok(verifyDigest(pkcs1, key, digest, plain) && verifyMessage(pkcs1, key, message, plain))
    assert.ok(!verifyDigest(pss, key, digest, plain) && !verifyMessage(pss, key, message, plain))
    const longest = Math.ceil((modulusLength - 1) / 8) - 34
    for (const saltLength of [0, 1, 20, 31, 33, longest - 1]) {
      const padding = constants.RSA_PKCS1_PSS_PADDING
      const odd = sign('sha256', message, { key: privateKey, padding, saltLength })
      assert.ok(!verifyDigest(pss, key, digest, odd) && !verifyMessage(pss, key, message, odd))
    }
    for (const saltLength of [32, longest]) {
      const padding = constants.RSA_PKCS1_PSS_PADDING
      const salted = sign('sha256', message, { key: privateKey, padding, saltLength })
      assert.ok(verifyDigest(pss, key, digest, salted) && verifyMessage(pss, key, message, salted))
      assert.ok(!verifyDigest(pkcs1, key, digest, salted))
      assert.ok(!verifyDigest(pss, key, flipped(digest, 3), salted))
      assert.ok(!verifyDigest(pss, key, digest, flipped(salted, 9)))
    }
    assert.ok(!verifyDigest(pkcs1, key, flipped(digest, 3), plain))
    assert.ok(!verifyDigest(pkcs1, key, digest, flipped(plain, 9)))
    assert.ok(!verifyDigest(pkcs1, key, digest, plain.subarray(1)))
    assert.ok(!verifyDigest(pkcs1, key, digest.subarray(1), plain))
  })
}

test('RFC 8032 §7.3: Ed25519ph, TEST abc', () => {
  const { key, signature } = testAbc
  const scheme = schemeOf('PKIX_ED25519_PH')
  const digest = hash('sha512', 'abc', 'buffer')
  assert.ok(verifyMessage(scheme, key, Buffer.from('abc'), signature))
  assert.ok(verifyDigest(scheme, key, digest, signature))
  assert.ok(!verifyMessage(scheme, key, Buffer.from('abd'), signature))
  assert.ok(!verifyDigest(scheme, key, flipped(digest, 1), signature))
  for (const at of [0, 31, 32, 63])
    assert.ok(!verifyDigest(scheme, key, digest, flipped(signature, at)))
  assert.ok(!verifyMessage(schemeOf('PKIX_ED25519'), key, Buffer.from('abc'), signature))
})

test('RFC 8032 §5.1.7: s is below the order of the group, so that a signature is the only one', () => {
  const { key, signature } = testAbc
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`) + order
  const larger = Buffer.from(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').toReversed())
  const other = Buffer.concat([signature.subarray(0, 32), larger])
  assert.ok(!verifyMessage(schemeOf('PKIX_ED25519_PH'), key, Buffer.from('abc'), other))
})

test('a key of small order signs nothing', () => {
  const key = ed25519Key(Buffer.concat([Buffer.of(1), Buffer.alloc(31)]))
  const signature = Buffer.concat([Buffer.of(1), Buffer.alloc(63)])
  assert.ok(!verifyMessage(schemeOf('PKIX_ED25519_PH'), key, message, signature))
})

test('a scheme of the registry fits keys of its kind and length alone', () => {
  const key = publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, 'key')
  assert.ok(fits(schemeOf('PKIX_RSA_PKCS1V15_2048_SHA256'), key))
  assert.ok(!fits(schemeOf('PKIX_RSA_PKCS1V15_4096_SHA256'), key))
  assert.ok(!fits(schemeOf('PKIX_ECDSA_P256_SHA_256'), key))
  assert.equal(findScheme('toString'), undefined)
  assert.deepEqual(
    schemesFor(key).map(({ padding }) => padding),
    ['pkcs1', 'pss'],
  )
})

test('keys of other kinds, curves, lengths and encodings are refused', () => {
  const spki = (type: 'ec', options: { namedCurve: string }) =>
    generateKeyPairSync(type, options).publicKey.export({ type: 'spki', format: 'der' })
  const p256 = spki('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey
  const compressed = der.sequence(
    der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.2.840.10045.3.1.7')),
    der.bits(Buffer.concat([Buffer.of(2 + ((p256.at(-1) ?? 0) & 1)), p256.subarray(27, 59)])),
  )
  const bad = {
    secp256k1: spki('ec', { namedCurve: 'secp256k1' }),
    'a small RSA exponent': rsa.export({ type: 'spki', format: 'der' }),
    'a compressed point': compressed,
    X25519: generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }),
  }
  for (const [what, bytes] of Object.entries(bad)) {
    assert.throws(() => readSpki(bytes, 'key'), isRefused('SIGSTORE_KEY'), what)
  }
  const offCurve = Buffer.from(p256)
  offCurve[p256.length - 1] = (offCurve.at(-1) ?? 0) ^ 1
  assert.throws(() => readSpki(offCurve, 'key'), isRefused('SIGSTORE_DER'))
  assert.throws(() => readPkcs1(p256, 'key'), SallyportError)
  assert.throws(() => publicKeyOf(generateKeyPairSync('ed25519').privateKey, 'key'), TypeError)
})

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ 1
  return copy
}

function ed25519Key(point: Buffer) {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }
  return publicKeyOf(createPublicKey({ key: jwk, format: 'jwk' }), 'key')
}
