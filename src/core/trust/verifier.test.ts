import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { encodeEnvelope, predicateTypes, type Statement } from '#attestation'
import type { Json, JsonObject } from '#document'
import {
  createVerifier,
  isVerified,
  parseTrust,
  verifyAttestation,
  type Trust,
  type Verified,
} from './index.ts'
import { keyProblem } from './validity.ts'
import {
  aStatement,
  builderEntry,
  builderId,
  bundleBytes,
  envelopeBytes,
  jwtBytes,
  keyEntry,
  makeKey,
  namedInformation,
  sealed,
  signBytes,
  trustBytes,
  type TestKey,
} from './testing/fixtures.ts'

const sha256 = 'ab'.repeat(32)
const now = new Date('2026-06-01T00:00:00Z')
const builder = makeKey()
const second = makeKey('ed25519')
const stranger = makeKey()

const approval = aStatement(
  predicateTypes.approval,
  { environment: 'production', reason: 'release 1', approvedOn: '2026-05-31T00:00:00Z' },
  sha256,
)

function provenance(id = builderId): Statement {
  const predicate = {
    buildDefinition: {
      buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
      externalParameters: {},
      internalParameters: {},
      resolvedDependencies: [],
    },
    runDetails: { builder: { id } },
  }
  return aStatement(predicateTypes.slsaProvenanceV1, predicate, sha256)
}

function trustOf(signers: JsonObject): Trust {
  return parseTrust(trustBytes(signers), { file: 'trust.yaml' })
}

const trust = trustOf({
  builder: builderEntry([keyEntry(builder)]),
  managers: { keys: [keyEntry(second)], predicateTypes: [predicateTypes.approval] },
})

function accepted(bytes: Uint8Array, by: Trust = trust, at = now): Verified<Statement> {
  const result = verifyAttestation(bytes, by, at)
  assert.ok(isVerified(result), JSON.stringify(result))
  return result
}

function refused(bytes: Uint8Array, by: Trust = trust, at = now): string {
  const result = verifyAttestation(bytes, by, at)
  assert.ok(!isVerified(result), 'the attestation was believed')
  const { problems } = result
  for (const { expected, found, fix } of problems) {
    assert.match(fix, /^[A-Z][a-z]+ /)
    assert.ok(expected !== '' && found !== '')
  }
  return problems[0].code
}

test('a statement signed by a signer who may say it is verified, as envelope and as bundle', () => {
  for (const bytes of [
    envelopeBytes(provenance(), [builder]),
    bundleBytes(provenance(), builder),
    bundleBytes(provenance(), builder, 'a hint that is no key id'),
  ]) {
    const verified = accepted(bytes)
    assert.equal(verified.builderId, builderId)
    assert.deepEqual(
      verified.signers.map(({ name, keyid, builderLevel }) => ({ name, keyid, builderLevel })),
      [{ name: 'builder', keyid: builder.keyid, builderLevel: 1 }],
    )
    assert.equal(verified.value.subject[0]?.digest?.['sha256'], sha256)
  }
})

test('signatures of all five schemes for envelopes and all five for tokens verify', () => {
  const schemes = [
    'ecdsa-p256-sha256',
    'ecdsa-p384-sha384',
    'ed25519',
    'rsa-pss-sha256',
    'rsa-pkcs1v15-sha256',
    'ml-dsa-44',
  ] as const
  for (const scheme of schemes) {
    const key = makeKey(scheme)
    const jwt = predicateTypes.jwtProvenance
    const one = trustOf({
      kb: builderEntry([keyEntry(key)], { predicateTypes: [predicateTypes.slsaProvenanceV1, jwt] }),
    })
    accepted(envelopeBytes(provenance(), [key]), one)
    if (scheme === 'ml-dsa-44') continue
    accepted(jwtBytes({ iss: builderId, sub: namedInformation('x') }, key), one)
  }
})

test('the keyid is a hint: missing, unknown or of another signer, the signature decides', () => {
  for (const keyid of [null, 'unknown', second.keyid]) {
    assert.equal(
      accepted(envelopeBytes(provenance(), [builder], { keyid })).signers[0]?.name,
      'builder',
    )
  }
  const forged = envelopeBytes(provenance(), [stranger], { keyid: builder.keyid })
  assert.equal(refused(forged), 'SIGNATURE_INVALID')
})

test('signatures of unknown keys are ignored, before and after a good one', () => {
  const bytes = envelopeBytes(provenance(), [stranger, builder, makeKey('ed25519')])
  assert.equal(accepted(bytes).signers.length, 1)
  assert.equal(refused(envelopeBytes(provenance(), [stranger])), 'SIGNATURE_UNKNOWN_KEY')
})

test('one flipped bit in payload, payload type or signature is refused', () => {
  const envelope = sealed(approval as unknown as Json, [second])
  const payload = Uint8Array.from(envelope.payload)
  const at = Buffer.from(payload).indexOf('production')
  payload[at] = (payload[at] ?? 0) ^ 1
  assert.equal(refused(encodeEnvelope({ ...envelope, payload })), 'SIGNATURE_INVALID')
  const payloadType = `${envelope.payloadType.slice(0, -1)}o`
  assert.equal(refused(encodeEnvelope({ ...envelope, payloadType })), 'EVIDENCE_PAYLOAD_TYPE')
  const sig = Uint8Array.from(envelope.signatures[0]?.sig ?? [])
  for (let bit = 0; bit < sig.length * 8; bit += 7) {
    const flipped = Uint8Array.from(sig)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const bytes = encodeEnvelope({
      ...envelope,
      signatures: [{ keyid: second.keyid, sig: flipped }],
    })
    assert.equal(refused(bytes), 'SIGNATURE_INVALID')
  }
})

test('a signature made for another payload type does not count', () => {
  const other = sealed(approval as unknown as Json, [second], { payloadType: 'text/plain' })
  const bytes = encodeEnvelope({ ...other, payloadType: 'application/vnd.in-toto+json' })
  assert.equal(refused(bytes), 'SIGNATURE_INVALID')
})

test('a key has one role: a good signature under a predicate type of another role is refused', () => {
  assert.equal(refused(envelopeBytes(approval, [builder])), 'SIGNER_NOT_FOR_PREDICATE')
  assert.equal(refused(envelopeBytes(provenance(), [second])), 'SIGNER_NOT_FOR_PREDICATE')
})

test('a builder id counts only in a pair with the signer who may speak for it', () => {
  const hosted = 'https://sallyport.dev/builders/hosted/v1'
  assert.equal(refused(envelopeBytes(provenance(hosted), [builder])), 'SIGNER_NOT_FOR_BUILDER')
  const pairs = trustOf({
    a: builderEntry([keyEntry(builder)]),
    b: builderEntry([keyEntry(stranger)], { builders: [{ id: hosted, level: 3 }] }),
  })
  assert.equal(
    refused(envelopeBytes(provenance(hosted), [builder]), pairs),
    'SIGNER_NOT_FOR_BUILDER',
  )
  assert.equal(
    accepted(envelopeBytes(provenance(hosted), [stranger]), pairs).signers[0]?.builderLevel,
    3,
  )
})

test('a signer among several is named only when it alone may say this', () => {
  const verified = accepted(envelopeBytes(provenance(), [second, builder]))
  assert.deepEqual(
    verified.signers.map(({ name }) => name),
    ['builder'],
  )
})

test('a threshold counts distinct owners: not signatures, not copies of a key, not two keys of one owner', () => {
  const [a1, a2, b] = [makeKey(), makeKey('ed25519'), makeKey()]
  const two = trustOf({
    managers: {
      keys: [
        keyEntry(a1, { owner: 'alice' }),
        keyEntry(a2, { owner: 'alice' }),
        keyEntry(b, { owner: 'bob' }),
      ],
      predicateTypes: [predicateTypes.approval],
      threshold: 2,
    },
  })
  const envelope = (...keys: TestKey[]): Uint8Array => envelopeBytes(approval, keys)
  assert.equal(refused(envelope(a1), two), 'SIGNATURE_THRESHOLD')
  assert.equal(refused(envelope(a1, a1, a1), two), 'SIGNATURE_THRESHOLD')
  assert.equal(refused(envelope(a1, a2), two), 'SIGNATURE_THRESHOLD')
  const signed = sealed(approval as unknown as Json, [a1])
  const renamed = ['x', b.keyid].flatMap((keyid) =>
    signed.signatures.map(({ sig }) => ({ keyid, sig })),
  )
  assert.equal(
    refused(encodeEnvelope({ ...signed, signatures: renamed }), two),
    'SIGNATURE_THRESHOLD',
  )
  const verified = accepted(envelope(a1, a2, b, b), two)
  assert.deepEqual(verified.signers[0]?.keys.map(({ owner }) => owner).sort(), [
    'alice',
    'alice',
    'bob',
  ])
})

test('a plain signature has no trusted time: outside its dates a key is refused, each with its own code', () => {
  const dated = (more: JsonObject): Trust =>
    trustOf({ builder: builderEntry([keyEntry(builder, more)]) })
  const bytes = envelopeBytes(provenance(), [builder])
  const at = '2026-03-01T00:00:00Z'
  assert.equal(refused(bytes, dated({ validFrom: '2026-07-01T00:00:00Z' })), 'KEY_NOT_YET_VALID')
  assert.equal(refused(bytes, dated({ validUntil: at })), 'KEY_EXPIRED')
  assert.equal(refused(bytes, dated({ retired: at })), 'KEY_RETIRED')
  assert.equal(refused(bytes, dated({ compromisedSince: at })), 'KEY_COMPROMISED')
  // Declared for the future it is declared all the same: a thief can write any date.
  const later = '2026-09-01T00:00:00Z'
  assert.equal(refused(bytes, dated({ compromisedSince: later })), 'KEY_COMPROMISED')
  const until = accepted(bytes, dated({ validUntil: later, retired: '2026-10-01T00:00:00Z' }))
  assert.equal(until.signers[0]?.validUntil?.toISOString(), '2026-09-01T00:00:00.000Z')
})

test('the first moment of validity counts and the last does not', () => {
  const dated = trustOf({
    builder: builderEntry([keyEntry(builder, { validUntil: '2026-07-01T00:00:00Z' })]),
  })
  const bytes = envelopeBytes(provenance(), [builder])
  accepted(bytes, dated, new Date('2026-01-01T00:00:00Z'))
  assert.equal(refused(bytes, dated, new Date('2025-12-31T23:59:59.999Z')), 'KEY_NOT_YET_VALID')
  accepted(bytes, dated, new Date('2026-06-30T23:59:59.999Z'))
  assert.equal(refused(bytes, dated, new Date('2026-07-01T00:00:00Z')), 'KEY_EXPIRED')
})

test('with a trusted time before it, retirement and compromise do not matter; after it they do', () => {
  const time = (text: string) => [{ at: new Date(text), by: 'witness' }]
  for (const end of ['validUntil', 'retired', 'compromisedSince']) {
    const entry = keyEntry(builder, { [end]: '2026-03-01T00:00:00Z' })
    const [key] = trustOf({ builder: builderEntry([entry]) }).keys.values()
    assert.ok(key !== undefined)
    assert.equal(keyProblem(key, now, time('2026-02-28T23:59:59Z')), undefined)
    assert.notEqual(keyProblem(key, now, time('2026-03-01T00:00:00Z')), undefined)
    assert.notEqual(keyProblem(key, now, time('2025-12-31T00:00:00Z')), undefined)
  }
})

test('an expired key does not count towards a threshold', () => {
  const two = trustOf({
    managers: {
      keys: [
        keyEntry(builder, { owner: 'a', validUntil: '2026-03-01T00:00:00Z' }),
        keyEntry(second, { owner: 'b' }),
      ],
      predicateTypes: [predicateTypes.approval],
      threshold: 2,
    },
  })
  assert.equal(refused(envelopeBytes(approval, [builder, second]), two), 'KEY_EXPIRED')
})

test('a token verifies only under the algorithm of its key', () => {
  const rsa = makeKey('rsa-pss-sha256')
  const claims = { sub: namedInformation('x'), input: { source_uri: 'https://h/r' } }
  const kb = trustOf({
    kb: { keys: [keyEntry(rsa)], predicateTypes: [predicateTypes.jwtProvenance] },
  })
  const verified = accepted(jwtBytes(claims, rsa), kb)
  assert.equal(verified.builderId, undefined)
  assert.equal(verified.signers[0]?.builderLevel, 1)
  const hmac = {
    header: { alg: 'HS256' },
    signature: (input: Uint8Array) => createHmac('sha256', rsa.publicPem).update(input).digest(),
  }
  assert.equal(refused(jwtBytes(claims, rsa, hmac), kb), 'SIGNATURE_ALGORITHM')
  const none = { header: { alg: 'none' }, signature: () => Buffer.from('x') }
  assert.equal(refused(jwtBytes(claims, rsa, none), kb), 'ATTESTATION_JWT')
  // RS256 with a key that is for PSS: the same key, another padding.
  const pkcs1 = {
    header: { alg: 'RS256', kid: rsa.keyid },
    signature: (input: Uint8Array) =>
      signBytes({ ...rsa, scheme: 'rsa-pkcs1v15-sha256' }, input, 'jws'),
  }
  assert.equal(refused(jwtBytes(claims, rsa, pkcs1), kb), 'SIGNATURE_INVALID')
  // A right signature under the name of another algorithm: the header is signed, and lies.
  const edwards = trustOf({
    kb: { keys: [keyEntry(second)], predicateTypes: [predicateTypes.jwtProvenance] },
  })
  const lying = { header: { alg: 'ES256', kid: second.keyid } }
  assert.equal(refused(jwtBytes(claims, second, lying), edwards), 'SIGNATURE_INVALID')
  const key = { header: { jwk: { kty: 'EC' }, jku: 'https://evil.example' } }
  assert.equal(refused(jwtBytes(claims, stranger, key), kb), 'SIGNATURE_UNKNOWN_KEY')
})

test('a token is good only within the time it states', () => {
  const kb = trustOf({
    kb: { keys: [keyEntry(builder)], predicateTypes: [predicateTypes.jwtProvenance] },
  })
  const seconds = now.getTime() / 1000
  const sub = namedInformation('x')
  assert.equal(refused(jwtBytes({ sub, exp: seconds }, builder), kb), 'TOKEN_EXPIRED')
  assert.equal(refused(jwtBytes({ sub, nbf: seconds + 1 }, builder), kb), 'TOKEN_NOT_YET_VALID')
  const verified = accepted(jwtBytes({ sub, exp: seconds + 60, nbf: seconds }, builder), kb)
  assert.equal(verified.signers[0]?.validUntil?.toISOString(), '2026-06-01T00:01:00.000Z')
})

test('an envelope cannot carry what stands for the claims of a token', () => {
  const kb = trustOf({
    kb: { keys: [keyEntry(builder)], predicateTypes: [predicateTypes.jwtProvenance] },
  })
  const statement = aStatement(predicateTypes.jwtProvenance, { input: {} }, sha256)
  assert.equal(refused(envelopeBytes(statement, [builder]), kb), 'EVIDENCE_NO_STATEMENT')
})

test('a token with an issuer needs that issuer among the builders of its signer', () => {
  const types = { predicateTypes: [predicateTypes.jwtProvenance] }
  const bytes = jwtBytes({ sub: namedInformation('x'), iss: builderId }, builder)
  assert.equal(
    refused(bytes, trustOf({ kb: { keys: [keyEntry(builder)], ...types } })),
    'SIGNER_NOT_FOR_BUILDER',
  )
  accepted(bytes, trustOf({ kb: builderEntry([keyEntry(builder)], types) }))
})

test('a thousand signatures by strangers cost a bounded number of checks', () => {
  const keys = Array.from({ length: 10 }, () => keyEntry(makeKey()))
  const many = trustOf({ builder: builderEntry([...keys, keyEntry(builder)]) })
  const envelope = sealed(provenance() as unknown as Json, [stranger])
  const signatures = Array.from({ length: 127 }, () => ({
    sig: envelope.signatures[0]?.sig ?? new Uint8Array(),
  }))
  assert.equal(refused(encodeEnvelope({ ...envelope, signatures }), many), 'SIGNATURE_TOO_MANY')
})

test('whatever the bytes are, the answer is a rejection with a problem', () => {
  const odd = ['', '{}', '[]', 'a.b.c', '{"payloadType":1}', '\u0000', '{"_type":"x"}', 'null']
  for (const text of odd) refused(Buffer.from(text))
  for (const payload of [null, [], {}, 'x', { _type: 'https://in-toto.io/Statement/v1' }]) {
    refused(envelopeBytes(payload, [builder]))
  }
})

test('only this module can make something verified', () => {
  const verified = accepted(envelopeBytes(provenance(), [builder]))
  assert.equal(isVerified(verified), true)
  assert.equal(isVerified(Object.assign({}, verified)), false)
  assert.equal(isVerified(structuredClone(Object.assign({}, verified))), false)
  assert.equal(isVerified(Object.create(Object.getPrototypeOf(verified) as object)), false)
  assert.equal(isVerified(new Proxy(verified, {})), false)
  assert.equal(isVerified(undefined), false)
  const { constructor: Maker } = verified as unknown as {
    constructor: new (key: symbol, findings: object) => unknown
  }
  assert.throws(() => new Maker(Symbol('#trust'), verified), TypeError)
})

test('what is verified cannot be changed afterwards', () => {
  const verified = accepted(envelopeBytes(provenance(), [builder]))
  assert.throws(() => {
    ;(verified as { digest: string }).digest = 'x'
  }, TypeError)
  const digest = verified.value.subject[0]?.digest as Record<string, string>
  assert.equal(digest['sha256'], sha256)
  assert.throws(() => {
    digest['sha256'] = 'x'
  }, TypeError)
  assert.throws(() => {
    ;(verified.value.predicate as { more: number }).more = 1
  }, TypeError)
})

test('a verifier remembers signatures, never dates', () => {
  const dated = trustOf({
    builder: builderEntry([keyEntry(builder, { validUntil: '2026-07-01T00:00:00Z' })]),
  })
  const verifier = createVerifier(dated)
  const bytes = envelopeBytes(provenance(), [builder])
  const first = verifier.open(bytes)
  assert.equal(verifier.open(Uint8Array.from(bytes)), first)
  assert.ok(isVerified(first.verify(now)))
  assert.ok(!isVerified(first.verify(new Date('2026-08-01T00:00:00Z'))))
  assert.ok(isVerified(first.verify(now)))
})

test('the memory of a verifier is bounded, oldest out first', () => {
  const bytes = [0, 1, 2].map((index) =>
    envelopeBytes({ ...approval, predicate: { index } }, [second]),
  )
  const [a, b, c] = bytes
  assert.ok(a !== undefined && b !== undefined && c !== undefined)
  const verifier = createVerifier(trust, { rememberBytes: a.length * 2 + 10 })
  const opened = verifier.open(a)
  verifier.open(b)
  assert.equal(verifier.open(a), opened)
  verifier.open(c)
  assert.equal(verifier.open(a), opened)
  const none = createVerifier(trust, { rememberBytes: 0 })
  assert.notEqual(none.open(a), none.open(a))
})
