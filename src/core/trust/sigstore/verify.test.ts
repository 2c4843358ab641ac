import assert from 'node:assert/strict'
import { constants, createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import { test } from 'node:test'
import { parseBundle } from '#attestation'
import type { Json, JsonObject } from '#document'
import { isVerifiedBundle } from './result.ts'
import { check, codes, instance, proven, root } from './testing/check.ts'
import {
  artifact,
  artifactDigest,
  bytesOf,
  certificateOf,
  createInstance,
  issuer,
  minutes,
  rootOf,
  signBundle,
  signedAt,
  statement,
  subject,
} from './testing/instance.ts'
import {
  ecKeys,
  emailName,
  extKeyUsage,
  fulcio,
  keyUsage,
  spkiOf,
  subjectAltName,
  uriName,
  userName,
} from './testing/certificates.ts'
import { at, edited, gone } from './testing/edit.ts'
import { verifySigstoreBundle } from './verify.ts'

const v2 = { logs: [{ log: instance.v2 }], timestamps: [{}] }

test('a bundle of an envelope with an entry in Rekor v1 verifies, and says what is proven', () => {
  const result = proven(check(signBundle(instance)))
  assert.ok(isVerifiedBundle(result))
  assert.equal(result.signer.kind, 'certificate')
  assert.ok(result.signer.kind === 'certificate')
  assert.deepEqual(result.signer.identity, { issuer, subject: { kind: 'uri', value: subject } })
  assert.equal(result.signer.claims.sourceRepositoryURI, 'https://git.test/acme/shop')
  assert.equal(result.signer.claims.sourceRepositoryRef, 'refs/heads/main')
  assert.equal(result.signer.authority, 'https://fulcio.test')
  assert.deepEqual(result.signer.scts, [{ log: 'https://ct.test', time: minutes(-1) }])
  assert.deepEqual(result.times, [
    { time: signedAt, kind: 'transparency-log', source: 'https://rekor.test' },
  ])
  const [entry] = result.entries
  assert.equal(entry?.log, 'https://rekor.test')
  assert.equal(entry?.kind, 'dsse 0.0.1')
  assert.equal(entry?.logIndex, 1005)
  assert.equal(entry?.isProven, true)
  assert.deepEqual(entry?.integratedTime, signedAt)
  assert.ok(result.content.kind === 'statement')
  assert.equal(result.content.statement.subject[0]?.name, 'shop.tgz')
  assert.equal(result.isBoundToArtifact, true)
  assert.deepEqual(result.ignored, [])
})

for (const kind of ['dsse', 'intoto', 'hashedrekord'] as const) {
  test(`an envelope verifies with an entry of kind ${kind} in Rekor v1`, () => {
    proven(check(signBundle(instance, { logs: [{ log: instance.v1, kind }] })))
  })
}

for (const kind of ['dsse', 'hashedrekord'] as const) {
  test(`an envelope verifies with an entry of kind ${kind} in Rekor v2 and a time stamp`, () => {
    const logs = [{ log: instance.v2, kind }]
    const { times, entries } = proven(check(signBundle(instance, { ...v2, logs })))
    assert.deepEqual(times, [
      { time: signedAt, kind: 'timestamp-authority', source: 'https://tsa.test' },
    ])
    assert.equal(entries[0]?.kind, `${kind} 0.0.2`)
  })
}

test('a signature over an artifact verifies by the artifact and by its digest', () => {
  for (const options of [{}, v2]) {
    const bundle = signBundle(instance, { payload: null, ...options })
    assert.deepEqual(proven(check(bundle)).content, { kind: 'artifact' })
    proven(check(bundle, { artifact: { digest: { sha256: artifactDigest } } }))
  }
})

test('bundles of versions 0.1 and 0.2 carry a chain, of which the first certificate signs', () => {
  for (const version of ['0.1', '0.2']) {
    const bundle = signBundle(instance, {
      mediaType: `application/vnd.dev.sigstore.bundle+json;version=${version}`,
    })
    const { der } = certificateOf(instance)
    const chain = (...more: readonly Uint8Array[]) =>
      edited(
        bundle,
        [
          'verificationMaterial.x509CertificateChain',
          {
            certificates: more.map((bytes) => ({
              rawBytes: Buffer.from(bytes).toString('base64'),
            })),
          },
        ],
        ['verificationMaterial.x509CertificateChain.certificates.0', rawOf(bundle)],
        ['verificationMaterial.certificate', gone],
      )
    const { intermediate, root: anchor } = instance
    proven(check(chain(der)))
    proven(check(chain(der, intermediate.certificate, anchor.certificate)))
  }
})

test('a bundle of version 0.1 may have a promise alone', () => {
  const bundle = signBundle(instance, {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    logs: [{ log: instance.v1, options: { proof: false } }],
  })
  const chain = { certificates: [rawOf(bundle)] }
  const { entries } = proven(
    check(
      edited(
        bundle,
        ['verificationMaterial.x509CertificateChain', chain],
        ['verificationMaterial.certificate', gone],
      ),
    ),
  )
  assert.equal(entries[0]?.isProven, false)
})

test('a bundle that is parsed already verifies as its bytes do', () => {
  const bundle = parseBundle(bytesOf(signBundle(instance)))
  const signer = { trustedRoot: root, identities: [{ issuer, subject }] }
  proven(verifySigstoreBundle({ bundle, artifact: { bytes: artifact }, signer }))
})

test('the signer may be named by an email address or a user name', () => {
  for (const [name, value] of [
    [emailName('ada@acme.test'), 'ada@acme.test'],
    [userName('ada!acme.test'), 'ada!acme.test'],
  ] as const) {
    const bundle = signBundle(instance, { certificate: { names: [name] } })
    const identities = [{ issuer, subject: value }]
    proven(check(bundle, { signer: { trustedRoot: root, identities } }))
  }
})

const pss = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const schemes = [
  { name: 'ECDSA P-256', keys: ecKeys('P-256'), hash: 'sha256' },
  { name: 'ECDSA P-384 with SHA-384', keys: ecKeys('P-384'), hash: 'sha384' },
  { name: 'ECDSA P-384 with SHA-256', keys: ecKeys('P-384'), hash: 'sha256' },
  { name: 'ECDSA P-521 with SHA-512', keys: ecKeys('P-521'), hash: 'sha512' },
  { name: 'RSA PKCS #1', keys: rsa, hash: 'sha256' },
  {
    name: 'RSA PSS',
    keys: rsa,
    hash: 'sha256',
    signer: (message: Uint8Array) => sign('sha256', message, { key: rsa.privateKey, ...pss }),
  },
] as const

for (const { name, keys, ...how } of schemes) {
  test(`signatures with ${name} verify, over an envelope, an artifact and a digest`, () => {
    proven(check(signBundle(instance, { certificate: { keys }, ...how })))
    const bundle = signBundle(instance, { certificate: { keys }, payload: null, ...how })
    proven(check(bundle))
    const digest = { [how.hash]: hash(how.hash, artifact, 'hex') }
    proven(check(bundle, { artifact: { digest } }))
  })
}

test('Ed25519 and ML-DSA sign messages whole', () => {
  for (const keys of [ed25519, generateKeyPairSync('ml-dsa-65')]) {
    proven(check(signBundle(instance, { certificate: { keys }, hash: null })))
  }
})

test('a signature by a known key needs neither log nor time, and takes both', () => {
  const keys = ecKeys()
  const bare = signBundle(instance, { publicKey: keys, logs: [] })
  const { signer, times } = proven(check(bare, { signer: { publicKey: keys.publicKey } }))
  assert.deepEqual(signer, { kind: 'publicKey', keyid: hash('sha256', spkiOf(keys), 'hex') })
  assert.deepEqual(times, [])
  const known = { publicKey: keys.publicKey, trustedRoot: root }
  const logged = proven(check(signBundle(instance, { publicKey: keys, ...v2 }), { signer: known }))
  assert.equal(logged.times.length, 1)
  assert.equal(logged.entries.length, 1)
})

test('an entry without any time counts while its log is in service', () => {
  const keys = ecKeys()
  const bundle = signBundle(instance, { publicKey: keys, logs: [{ log: instance.v2 }] })
  const known = { publicKey: keys.publicKey, trustedRoot: root }
  proven(check(bundle, { signer: known, thresholds: { logs: 1 } }))
  const end = ['tlogs.1.publicKey.validFor.end', '2027-01-01T00:00:00Z'] as const
  const retired = { ...known, trustedRoot: rootOf(instance, end) }
  assert.deepEqual(codes(check(bundle, { signer: retired, thresholds: { logs: 1 } })), [
    'SIGSTORE_LOG_MISSING',
  ])
})

test('an entry of Rekor v1 without a promise says no time, and counts for a key', () => {
  const keys = ecKeys()
  const logs = [{ log: instance.v1, options: { promise: false, integratedTime: 0 } }]
  const bundle = signBundle(instance, { publicKey: keys, logs })
  const known = { publicKey: keys.publicKey, trustedRoot: root }
  const { times, entries } = proven(check(bundle, { signer: known }))
  assert.deepEqual(times, [])
  assert.equal(entries.length, 1)
})

test('a log may be listed for several periods', () => {
  const early = { start: '2026-01-01T00:00:00Z', end: minutes(-9).toISOString() }
  const twice = (logs: Json): Json =>
    (logs as JsonObject[]).flatMap((log) => {
      const { publicKey } = log as { publicKey: JsonObject }
      return [{ ...log, publicKey: { ...publicKey, validFor: early } }, log]
    })
  const trustedRoot = rootOf(instance, ['tlogs', twice], ['ctlogs', twice])
  const signer = { trustedRoot, identities: [{ issuer, subject }] }
  for (const options of [{}, v2]) {
    const { ignored } = proven(check(signBundle(instance, options), { signer }))
    assert.deepEqual(ignored, [])
  }
})

test('RFC 8032 §7.3: an artifact signed with Ed25519ph verifies, whole and by its SHA-512 digest', () => {
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    x: Buffer.from(
      'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
      'hex',
    ).toString('base64url'),
  }
  const signature = Buffer.from(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    'hex',
  )
  const signer = { publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }
  const bundle = edited(
    signBundle(instance, { publicKey: ecKeys(), logs: [], payload: null, signer: () => signature }),
    ['messageSignature.messageDigest', gone],
  )
  proven(check(bundle, { signer, artifact: { bytes: Buffer.from('abc') } }))
  const digest = { sha512: hash('sha512', 'abc', 'hex') }
  proven(check(bundle, { signer, artifact: { digest } }))
  assert.deepEqual(codes(check(bundle, { signer })), ['SIGSTORE_SIGNATURE'])
})

test('what makes a check stumble is a refusal', () => {
  const broken = { ...parseBundle(bytesOf(signBundle(instance))), tlogEntries: undefined as never }
  const found = codes(check({}, { bundle: broken }))
  assert.deepEqual([...new Set(found)], ['SIGSTORE_CHECK_FAILED'])
})

test('log entries and time stamps say nothing without a trusted root, and are said to be ignored', () => {
  const keys = ecKeys()
  const bundle = signBundle(instance, { publicKey: keys, ...v2 })
  const result = proven(check(bundle, { signer: { publicKey: keys.publicKey } }))
  assert.deepEqual([result.times, result.entries], [[], []])
  assert.equal(result.ignored.length, 1)
})

test('evidence by authorities that the root does not know is ignored when there is enough other', () => {
  const bundle = signBundle(instance, {
    logs: [{ log: instance.v1 }, { log: instance.v2 }],
    timestamps: [{}],
  })
  const less = rootOf(
    instance,
    ['tlogs', (logs) => (logs as Json[]).slice(0, 1)],
    ['timestampAuthorities', []],
  )
  const signer = { trustedRoot: less, identities: [{ issuer, subject }] }
  const { ignored, entries } = proven(check(bundle, { signer }))
  assert.equal(ignored.length, 2)
  assert.equal(entries.length, 1)
})

test('two authorities with one name are told apart by their keys', () => {
  const decoy = createInstance().intermediate.certificate.toString('base64')
  const authority = {
    uri: 'https://decoy.test',
    certChain: { certificates: [{ rawBytes: decoy }] },
    validFor: { start: '2026-01-01T00:00:00Z' },
  }
  const trustedRoot = rootOf(instance, [
    'certificateAuthorities',
    (list) => [authority, ...(list as Json[])],
  ])
  const signer = { trustedRoot, identities: [{ issuer, subject }] }
  const withoutKeyId = [
    keyUsage(0),
    extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
    subjectAltName(uriName(subject)),
    fulcio(8, issuer),
  ]
  for (const certificate of [{}, { extensions: withoutKeyId }]) {
    const { signer: who } = proven(check(signBundle(instance, { certificate }), { signer }))
    assert.equal(who.kind === 'certificate' && who.authority, 'https://fulcio.test')
  }
})

test('a period of the root includes both its ends', () => {
  const at = signedAt.toISOString()
  const ends = rootOf(
    instance,
    ['tlogs.0.publicKey.validFor.end', at],
    ['certificateAuthorities.0.validFor.end', at],
    ['timestampAuthorities.0.validFor.end', at],
    ['ctlogs.0.publicKey.validFor.end', minutes(-1).toISOString()],
  )
  const starts = rootOf(
    instance,
    ['tlogs.0.publicKey.validFor.start', at],
    ['certificateAuthorities.0.validFor.start', at],
    ['timestampAuthorities.0.validFor.start', at],
    ['ctlogs.0.publicKey.validFor.start', minutes(-1).toISOString()],
  )
  for (const trustedRoot of [ends, starts]) {
    const signer = { trustedRoot, identities: [{ issuer, subject }] }
    const { ignored } = proven(check(signBundle(instance, { timestamps: [{}] }), { signer }))
    assert.deepEqual(ignored, [])
  }
})

test('timestamps of certificate transparency may carry extensions', () => {
  const certificate = { sctExtensions: Buffer.from('0000050000000007', 'hex') }
  proven(check(signBundle(instance, { certificate })))
})

test('who asks for no artifact gets no word about one', () => {
  const result = proven(check(signBundle(instance), { artifact: 'anyArtifactUnsafe' }))
  assert.equal(result.isBoundToArtifact, false)
  assert.equal(result.content.kind, 'statement')
  const other = { payload: Buffer.from('hello'), payloadType: 'text/plain' }
  const text = proven(check(signBundle(instance, other), { artifact: 'anyArtifactUnsafe' }))
  assert.equal(text.content.kind, 'envelope')
})

test('who asks for no identity is told who it was', () => {
  const signer = { trustedRoot: root, identities: 'anyIdentityUnsafe' } as const
  const result = proven(check(signBundle(instance), { signer }))
  assert.ok(result.signer.kind === 'certificate')
  assert.equal(result.signer.identity.subject.value, subject)
})

test('a statement is about its subjects by any strong digest, as long as no other contradicts', () => {
  const sha512 = hash('sha512', artifact, 'hex')
  const both = { sha256: artifactDigest, sha512 }
  proven(check(signBundle(instance, { payload: statement({ sha512 }) })))
  proven(check(signBundle(instance, { payload: statement(both) })))
  proven(
    check(signBundle(instance, { payload: statement({ ...both, gitCommit: 'b'.repeat(40) }) })),
  )
  const digest = { sha512 }
  proven(check(signBundle(instance, { payload: statement(both) }), { artifact: { digest } }))
})

test('a statement without a predicate type is about its subjects, and says nothing else', () => {
  const payload = Buffer.from(statement().toString().replace('https://slsa.dev/provenance/v1', ''))
  const result = proven(check(signBundle(instance, { payload })))
  assert.equal(result.content.kind, 'envelope')
  assert.equal(result.isBoundToArtifact, true)
})

/** The signing certificate as the bundle has it. */
function rawOf(bundle: JsonObject): Json {
  return at(bundle, 'verificationMaterial.certificate')
}
