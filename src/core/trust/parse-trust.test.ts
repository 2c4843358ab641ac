import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import type { JsonObject } from '#document'
import { parseTrust } from './index.ts'
import { builderEntry, keyEntry, makeKey, trustBytes } from './testing/fixtures.ts'

const key = makeKey()
const approval = 'https://sallyport.dev/attestation/approval/v1'

function problemsOf(signers: JsonObject): readonly string[] {
  return refusal(trustBytes(signers)).problems.map(({ code }) => code)
}

function refusal(bytes: Uint8Array): SallyportError {
  try {
    parseTrust(bytes, { file: 'trust.yaml' })
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    for (const { expected, found, fix } of error.problems) {
      assert.match(fix, /^[A-Z][a-z]+ /)
      assert.ok(expected !== '' && found !== '')
    }
    return error
  }
  throw new assert.AssertionError({ message: 'the trust file was accepted' })
}

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

function withPem(publicKey: string, more: JsonObject = {}): JsonObject {
  return { builder: builderEntry([{ publicKey, validFrom: '2026-01-01T00:00:00Z', ...more }]) }
}

test('a trust file as the documentation shows it is read', () => {
  const text = `
apiVersion: sallyport.dev/v1
kind: Trust
metadata: {name: default, owner: platform-security}
signers:
  release-builder:
    owner: platform
    keys:
      - publicKey: |
${key.publicPem.trim().replaceAll(/^/gm, '          ')}
        scheme: ecdsa-p256-sha256
        validFrom: 2026-01-01T00:00:00Z
        validUntil: 2027-01-01T00:00:00+01:00
    predicateTypes: ['https://slsa.dev/provenance/v1']
    builders: [{id: 'https://sallyport.dev/builders/workstation-measured/v1', level: 1}]
    threshold: 1
`
  const trust = parseTrust(Buffer.from(text), { file: 'trust.yaml' })
  const signer = trust.signers.get('release-builder')
  assert.equal(signer?.owner, 'platform')
  assert.equal(signer.keys[0]?.keyid, key.keyid)
  assert.equal(signer.keys[0].owner, 'platform')
  assert.equal(signer.keys[0].validUntil?.toISOString(), '2026-12-31T23:00:00.000Z')
  assert.equal(signer.where, 'trust.yaml:6:3')
  assert.equal(trust.digest.length, 64)
})

test('keys of all six schemes are read, and the level of a builder defaults to 1', () => {
  const schemes = [
    'ecdsa-p256-sha256',
    'ecdsa-p384-sha384',
    'ed25519',
    'rsa-pss-sha256',
    'rsa-pkcs1v15-sha256',
    'ml-dsa-44',
  ] as const
  const keys = schemes.map((scheme) => keyEntry(makeKey(scheme)))
  const builders = [{ id: 'https://sallyport.dev/builders/hosted/v1' }]
  const trust = parseTrust(trustBytes({ builder: builderEntry(keys, { builders }) }), { file: 't' })
  assert.deepEqual(
    [...trust.keys.values()].map(({ scheme }) => scheme),
    schemes,
  )
  assert.deepEqual([...(trust.signers.get('builder')?.builders.values() ?? [])], [1])
})

test('an RSA key that is bound to PSS cannot be used with PKCS #1 v1.5', () => {
  const { publicKey } = generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm: 'sha256',
    mgf1HashAlgorithm: 'sha256',
  })
  const read = parseTrust(trustBytes(withPem(pem(publicKey))), { file: 't' })
  assert.equal([...read.keys.values()][0]?.scheme, 'rsa-pss-sha256')
  const scheme = 'rsa-pkcs1v15-sha256'
  assert.deepEqual(problemsOf(withPem(pem(publicKey), { scheme })), ['TRUST_KEY_SCHEME'])
})

test('an RSA key needs its scheme written, and a scheme must fit the key', () => {
  const rsa = makeKey('rsa-pss-sha256')
  assert.deepEqual(problemsOf(withPem(rsa.publicPem)), ['TRUST_KEY_SCHEME'])
  assert.deepEqual(problemsOf(withPem(key.publicPem, { scheme: 'ed25519' })), ['TRUST_KEY_SCHEME'])
})

test('weak keys are refused', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const small = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey
  const sha1 = generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm: 'sha1',
    mgf1HashAlgorithm: 'sha1',
  }).publicKey
  for (const weak of [short, small, sha1]) {
    const entry = withPem(pem(weak), { scheme: 'rsa-pss-sha256' })
    assert.deepEqual(problemsOf(entry), ['TRUST_KEY_WEAK'])
  }
})

test('an Ed25519 key of small order, for which everybody can sign, is refused', () => {
  for (const point of [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ]) {
    const der = Buffer.from(`302a300506032b6570032100${point}`, 'hex')
    const publicKey = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`
    assert.deepEqual(problemsOf(withPem(publicKey)), ['TRUST_KEY_WEAK'])
  }
})

test('keys of other kinds are refused', () => {
  const kinds = [
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
    generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey,
    generateKeyPairSync('ed448').publicKey,
    generateKeyPairSync('x25519').publicKey,
  ]
  for (const kind of kinds) {
    assert.deepEqual(problemsOf(withPem(pem(kind))), ['TRUST_KEY_ALGORITHM'])
  }
})

test('a private key is refused and not shown', () => {
  const secret = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const error = refusal(trustBytes(withPem(secret)))
  assert.deepEqual(
    error.problems.map(({ code }) => code),
    ['TRUST_KEY_PRIVATE'],
  )
  assert.ok(!JSON.stringify(error.problems).includes(secret.split('\n')[1] ?? ''))
})

test('text around a key, two keys, other encodings of a key: refused', () => {
  const compressed = compress(createPublicKey(key.publicPem))
  const bad = [
    `${key.publicPem}${makeKey().publicPem}`,
    `hello\n${key.publicPem}`,
    'no key at all',
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    compressed,
  ]
  for (const text of bad) assert.deepEqual(problemsOf(withPem(text)), ['TRUST_KEY_UNREADABLE'])
})

function compress(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const x = der.subarray(-64, -32)
  const parity = (der.at(-1) ?? 0) % 2 === 0 ? '02' : '03'
  const head = '3039301306072a8648ce3d020106082a8648ce3d030107032200'
  const body = Buffer.from(`${head}${parity}${x.toString('hex')}`, 'hex').toString('base64')
  return `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`
}

test('the same key twice is refused: within a signer, across signers, and as two algorithms', () => {
  const entry = builderEntry([keyEntry(key)])
  assert.deepEqual(problemsOf({ a: builderEntry([keyEntry(key), keyEntry(key)]) }), [
    'TRUST_KEY_DUPLICATE',
  ])
  assert.deepEqual(
    problemsOf({ a: entry, b: { keys: [keyEntry(key)], predicateTypes: [approval] } }),
    ['TRUST_KEY_DUPLICATE'],
  )
  const rsa = makeKey('rsa-pss-sha256')
  const bound = boundToPss(createPublicKey(rsa.publicPem))
  assert.deepEqual(
    problemsOf({
      a: builderEntry([keyEntry(rsa)]),
      b: builderEntry([{ publicKey: bound, validFrom: '2026-01-01T00:00:00Z' }]),
    }),
    ['TRUST_KEY_DUPLICATE'],
  )
})

/** The same RSA key under the algorithm identifier id-RSASSA-PSS. */
function boundToPss(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const bits = der.subarray(4 + 15)
  const algorithm = Buffer.from('300b06092a864886f70d01010a', 'hex')
  const length = algorithm.length + bits.length
  const head = Buffer.from([0x30, 0x82, length >> 8, length & 0xff])
  const body = Buffer.concat([head, algorithm, bits]).toString('base64')
  return `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`
}

test('a threshold that distinct owners can never meet is refused', () => {
  const keys = [keyEntry(makeKey()), keyEntry(makeKey())]
  assert.deepEqual(problemsOf({ a: builderEntry(keys, { threshold: 2 }) }), ['TRUST_THRESHOLD'])
  const owned = [
    keyEntry(makeKey(), { owner: 'alice' }),
    keyEntry(makeKey(), { owner: 'alice' }),
    keyEntry(makeKey(), { owner: 'bob' }),
  ]
  assert.deepEqual(problemsOf({ a: builderEntry(owned, { threshold: 3 }) }), ['TRUST_THRESHOLD'])
  parseTrust(trustBytes({ a: builderEntry(owned, { threshold: 2 }) }), { file: 't' })
})

test('a signer of provenance names its builders, each once, and only such a signer does', () => {
  const id = 'https://b.example/1'
  const twice = [
    { id, level: 1 },
    { id, level: 3 },
  ]
  assert.deepEqual(problemsOf({ a: builderEntry([keyEntry(key)], { builders: twice }) }), [
    'TRUST_BUILDERS',
  ])
  assert.deepEqual(problemsOf({ a: builderEntry([keyEntry(key)], { builders: [] }) }), [
    'TRUST_BUILDERS',
  ])
  assert.deepEqual(
    problemsOf({ a: builderEntry([keyEntry(key)], { predicateTypes: [approval] }) }),
    ['TRUST_BUILDERS'],
  )
})

test('dates of a key that contradict each other are refused', () => {
  for (const end of ['validUntil', 'retired']) {
    const entry = keyEntry(key, { [end]: '2025-01-01T00:00:00Z' })
    assert.deepEqual(problemsOf({ a: builderEntry([entry]) }), ['TRUST_KEY_DATES'])
  }
})

test('wildcards, unknown fields, levels above 3, no signers, times without zone: refused with their place', () => {
  const bad: readonly JsonObject[] = [
    { a: builderEntry([keyEntry(key)], { predicateTypes: ['https://slsa.dev/*'] }) },
    { a: builderEntry([keyEntry(key)], { builders: [{ id: 'https://b.example', level: 4 }] }) },
    { a: builderEntry([keyEntry(key)], { treshold: 1 }) },
    { a: builderEntry([]) },
    { a: builderEntry([keyEntry(key, { validFrom: '2026-01-01T00:00:00' })]) },
    { a: builderEntry([keyEntry(key, { validFrom: '2026-02-30T00:00:00Z' })]) },
    { 'Not A Name': builderEntry([keyEntry(key)]) },
    {},
  ]
  for (const signers of bad) {
    const { problems } = refusal(trustBytes(signers))
    assert.equal(problems.length, 1, JSON.stringify(problems))
    assert.match(problems[0]?.code ?? '', /^DOCUMENT_(SHAPE|UNKNOWN_FIELD)$/)
    assert.match(problems[0]?.where ?? '', /^trust\.yaml:1:\d+/)
  }
})

test('a misspelt field is answered with the one that was meant', () => {
  const { problems } = refusal(trustBytes({ a: builderEntry([keyEntry(key)], { treshold: 1 }) }))
  assert.match(problems[0]?.fix ?? '', /"threshold"/)
})

test('all problems of a trust file are reported at once', () => {
  const codes = problemsOf({
    a: builderEntry([keyEntry(key), { publicKey: 'x', validFrom: '2026-01-01T00:00:00Z' }]),
    b: builderEntry([keyEntry(key)], { threshold: 5, builders: [] }),
  })
  assert.deepEqual(codes, [
    'TRUST_KEY_UNREADABLE',
    'TRUST_THRESHOLD',
    'TRUST_BUILDERS',
    'TRUST_KEY_DUPLICATE',
  ])
})
