import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes, type Statement } from '#attestation'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { keyEntry, makeKey, trustBytes } from './testing/fixtures.ts'
import { fulcio, uriName } from './sigstore/testing/certificates.ts'
import {
  certificateOf,
  minutes,
  rootJson,
  signBundle,
  signedAt,
} from './sigstore/testing/instance.ts'
import { bytesOf, createInstance, issuer, subject } from './sigstore/testing/instance.ts'
import { extKeyUsage, keyUsage, subjectAltName } from './sigstore/testing/certificates.ts'
import { authorityKeyId } from './sigstore/testing/certificates.ts'
import { isVerified, parseTrust, verifyAttestation, type Trust } from './index.ts'

const instance = createInstance()
const root = bytesOf(rootJson(instance))
const other = bytesOf(rootJson(createInstance()))
const now = new Date('2026-11-01T00:00:00Z')
const github = 'https://token.actions.githubusercontent.com'

const sigstore = { private: { trustedRoot: 'roots/trusted_root.json' } }

function trustOf(signers: JsonObject, roots: ReadonlyMap<string, Uint8Array> = files): Trust {
  const text = JSON.parse(Buffer.from(trustBytes(signers)).toString()) as JsonObject
  return parseTrust(bytesOf({ ...text, sigstore }), { file: 'trust.yaml', roots })
}
const files = new Map([['roots/trusted_root.json', root]])

function release(identity: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    release: {
      identities: [{ root: 'private', issuer, subject, ...identity }],
      predicateTypes: [predicateTypes.slsaProvenanceV1],
      builders: [{ id: subject, level: 3 }],
      ...more,
    },
  }
}

function provenance(builder: string = subject): Buffer {
  const statement: Statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop.tgz', digest: { sha256: 'ab'.repeat(32) } }],
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: { workflow: { path: 'x' } },
        resolvedDependencies: [],
      },
      runDetails: { builder: { id: builder } },
    },
  }
  return Buffer.from(JSON.stringify(statement))
}

/** What a certificate says besides its subject. */
function certificate(claims: Readonly<Record<number, string>>, by = issuer, name = subject) {
  return certificateOf(instance, {
    extensions: [
      keyUsage(0),
      extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
      authorityKeyId(instance.intermediate.keys),
      subjectAltName(uriName(name)),
      fulcio(8, by),
      ...Object.entries(claims).map(([arc, value]) => fulcio(Number(arc), value)),
    ],
  })
}

const bundle = (options: Parameters<typeof signBundle>[1] = {}): Uint8Array =>
  bytesOf(signBundle(instance, { payload: provenance(), ...options }))

/** The names of who signed, or the codes of why nobody is believed. */
function verdict(trust: Trust, bytes: Uint8Array, at: Date = now): readonly string[] {
  const result = verifyAttestation(bytes, trust, at)
  if (isVerified(result)) return result.signers.map(({ name }) => name)
  for (const { fix } of result.problems) assert.match(fix, /^[A-Z][a-z]+ /)
  return result.problems.map(({ code }) => code)
}

test('an identity signs with a certificate, and what is proven about it is kept', () => {
  const result = verifyAttestation(bundle(), trustOf(release()), now)
  assert(isVerified(result))
  const [signer] = result.signers
  assert.equal(signer?.builderLevel, 3)
  assert.equal(signer.validUntil, undefined)
  const { certificate: proof } = signer
  assert.equal(proof?.subject, subject)
  assert.equal(proof.claims['sourceRepositoryURI'], 'https://git.test/acme/shop')
  assert.deepEqual(proof.times[0]?.at, signedAt)
})

test('a prefix is a path: whoever is below it, and nobody beside it', () => {
  const below = (subjectPrefix: string): JsonObject => ({
    subject: undefined as never,
    subjectPrefix,
  })
  const trusted = (prefix: string): Trust =>
    trustOf(JSON.parse(JSON.stringify(release(below(prefix)))) as JsonObject)
  assert.deepEqual(verdict(trusted('https://git.test/acme/'), bundle()), ['release'])
  assert.deepEqual(verdict(trusted('https://git.test/acm/'), bundle()), [
    'SIGNATURE_UNKNOWN_IDENTITY',
  ])
  assert.throws(() => trusted('https://git.test/acme'), { code: 'DOCUMENT_SHAPE' })
  assert.throws(() => trusted('https://git.test/'), { code: 'DOCUMENT_SHAPE' })
})

test('another identity, issuer or instance is a stranger', () => {
  const { release: mine } = release()
  assert.deepEqual(verdict(trustOf(release({ subject: `${subject}x` })), bundle()), [
    'SIGNATURE_UNKNOWN_IDENTITY',
  ])
  assert.deepEqual(verdict(trustOf(release({ issuer: `${issuer}/` })), bundle()), [
    'SIGNATURE_UNKNOWN_IDENTITY',
  ])
  const elsewhere = new Map([['roots/trusted_root.json', other]])
  const codes = verdict(trustOf({ release: mine ?? null }, elsewhere), bundle())
  assert(codes.includes('SIGSTORE_CHAIN'), codes.join())
})

test('what the certificate must say besides is compared with the certificate', () => {
  const pinned = (pins: JsonObject): readonly string[] =>
    verdict(trustOf(release({ certificate: pins })), bundle())
  assert.deepEqual(pinned({ sourceRepositoryURI: 'https://git.test/acme/shop' }), ['release'])
  assert.deepEqual(pinned({ sourceRepositoryURI: { prefix: 'https://git.test/acme/' } }), [
    'release',
  ])
  assert.deepEqual(pinned({ sourceRepositoryURI: 'https://git.test/acme/sho' }), [
    'SIGNATURE_CERTIFICATE_PIN',
  ])
  assert.deepEqual(pinned({ runnerEnvironment: 'github-hosted' }), ['SIGNATURE_CERTIFICATE_PIN'])
  assert.throws(() => pinned({ sourceRepository: 'x' }), SallyportError)
  assert.throws(() => pinned({ sourceRepositoryURI: { prefix: 'https://git.test/ac' } }), {
    code: 'DOCUMENT_SHAPE',
  })
})

test('the builder in the provenance is the one in the certificate', () => {
  const builders = [
    { id: subject, level: 3 },
    { id: 'https://ci.test/better', level: 3 },
  ]
  const trust = trustOf(release({}, { builders }))
  const signed = (id: string, claims: Readonly<Record<number, string>>): Uint8Array =>
    bundle({ payload: provenance(id), certificate: certificate(claims) })
  assert.deepEqual(verdict(trust, signed(subject, { 9: subject })), ['release'])
  assert.deepEqual(verdict(trust, signed('https://ci.test/better', { 9: subject })), [
    'BUILDER_CONTRADICTED',
  ])
  const unsafe = [{ id: 'https://ci.test/better', level: 1, notInCertificateUnsafe: true }]
  assert.deepEqual(
    verdict(
      trustOf(release({}, { builders: unsafe })),
      signed('https://ci.test/better', { 9: subject }),
    ),
    ['release'],
  )
  // A certificate that is of no build proves nothing about builders: the pair in the trust file does.
  assert.deepEqual(verdict(trust, signed('https://ci.test/better', {})), ['release'])
})

test('a machine as builder is believed where the certificate names the same machine', () => {
  const hosted = 'https://github.com/actions/runner/github-hosted'
  const trust = trustOf(
    release(
      { issuer: github },
      {
        builders: [{ id: hosted, level: 2 }, { idPrefix: 'https://git.test/acme/shop/-/runners/' }],
      },
    ),
  )
  const onGithub = (environment: string): Uint8Array =>
    bundle({
      payload: provenance(hosted),
      certificate: certificate({ 9: subject, 11: environment }, github),
    })
  assert.deepEqual(verdict(trust, onGithub('github-hosted')), ['release'])
  assert.deepEqual(verdict(trust, onGithub('self-hosted')), ['BUILDER_CONTRADICTED'])
  const gitlab = trustOf(
    release({}, { builders: [{ idPrefix: 'https://git.test/acme/shop/-/runners/' }] }),
  )
  const onGitlab = (id: string): Uint8Array =>
    bundle({
      payload: provenance(id),
      certificate: certificate({ 9: subject, 12: 'https://git.test/acme/shop' }),
    })
  assert.deepEqual(verdict(gitlab, onGitlab('https://git.test/acme/shop/-/runners/12')), [
    'release',
  ])
  assert.deepEqual(verdict(gitlab, onGitlab('https://git.test/acme/shop/-/runners/12/x')), [
    'BUILDER_CONTRADICTED',
  ])
  assert.deepEqual(verdict(gitlab, onGitlab('https://git.test/evil/-/runners/12')), [
    'SIGNER_NOT_FOR_BUILDER',
  ])
})

test('versions of a builder are below its path, and the longest path decides its level', () => {
  const base = 'https://git.test/acme/shop/.github/workflows/release.yml@'
  const level = (builders: readonly JsonObject[]): number | undefined => {
    const trust = trustOf(release({}, { builders }))
    const result = verifyAttestation(bundle(), trust, now)
    return isVerified(result) ? result.signers[0]?.builderLevel : undefined
  }
  assert.equal(level([{ idPrefix: base, level: 2 }]), 2)
  assert.equal(
    level([
      { idPrefix: base, level: 2 },
      { idPrefix: `${base}refs/heads/`, level: 3 },
    ]),
    3,
  )
  assert.equal(
    level([
      { idPrefix: base, level: 3 },
      { id: subject, level: 1 },
    ]),
    1,
  )
  assert.equal(level([{ idPrefix: `${base}refs/tags/`, level: 3 }]), undefined)
})

test('what an identity signed in its time stays good, and what it signed afterwards does not', () => {
  const at = (dates: JsonObject): readonly string[] => verdict(trustOf(release(dates)), bundle())
  assert.deepEqual(at({ compromisedSince: minutes(1).toISOString() }), ['release'])
  assert.deepEqual(at({ compromisedSince: signedAt.toISOString() }), ['IDENTITY_TIME'])
  assert.deepEqual(at({ validUntil: minutes(-1).toISOString() }), ['IDENTITY_TIME'])
  assert.deepEqual(at({ validFrom: minutes(1).toISOString() }), ['IDENTITY_TIME'])
})

test('a trusted time proves that a key signed before it was retired or stolen', () => {
  const key = makeKey()
  const publicKey = { privateKey: key.privateKey, publicKey: keyOf(key.publicPem) }
  const signed = bundle({ publicKey })
  const trust = (more: JsonObject): Trust =>
    trustOf(
      release({}, { identities: [], keys: [keyEntry(key, { timesBy: ['private'], ...more })] }),
    )
  const [before, after] = [minutes(-1).toISOString(), minutes(1).toISOString()]
  assert.deepEqual(verdict(trust({ compromisedSince: after }), signed), ['release'])
  assert.deepEqual(verdict(trust({ compromisedSince: before }), signed), ['KEY_COMPROMISED'])
  assert.deepEqual(verdict(trust({ retired: after }), signed), ['release'])
  assert.deepEqual(verdict(trust({ retired: before }), signed), ['KEY_RETIRED'])
  assert.deepEqual(verdict(trust({ validUntil: after }), signed), ['release'])
  // Nobody but the roots that are named for the key may say when it signed.
  assert.deepEqual(verdict(trust({ compromisedSince: after, timesBy: [] }), signed), [
    'KEY_COMPROMISED',
  ])
  const stays = verifyAttestation(signed, trust({ validUntil: after }), now)
  assert(isVerified(stays))
  assert.equal(stays.signers[0]?.validUntil, undefined)
})

test('a certificate of somebody else does not make a key out of its signature', () => {
  const edited = JSON.parse(Buffer.from(bundle()).toString()) as {
    dsseEnvelope: { payload: string }
  }
  edited.dsseEnvelope.payload = provenance('https://evil.test/b').toString('base64')
  const codes = verdict(trustOf(release()), bytesOf(edited))
  assert(codes.includes('SIGSTORE_SIGNATURE'), codes.join())
})

test('a trusted root that is missing, changed or not named is said to be', () => {
  const refused = (entry: JsonObject, roots: ReadonlyMap<string, Uint8Array>): string => {
    try {
      const text = JSON.parse(Buffer.from(trustBytes(release())).toString()) as JsonObject
      parseTrust(bytesOf({ ...text, sigstore: entry }), { file: 'trust.yaml', roots })
      return 'nothing'
    } catch (error) {
      assert(error instanceof SallyportError)
      return error.problems.map(({ code }) => code).join()
    }
  }
  assert.equal(refused(sigstore, new Map()), 'TRUST_ROOT_MISSING')
  const pinned = { private: { trustedRoot: 'r.json', sha256: 'ab'.repeat(32) } }
  assert.equal(refused(pinned, new Map([['r.json', root]])), 'TRUST_ROOT_DIGEST')
  assert.equal(refused({}, files), 'TRUST_ROOT_UNKNOWN')
})

test('a threshold cannot be met by who signs alone', () => {
  assert.throws(() => trustOf(release({}, { threshold: 2 })), { code: 'TRUST_THRESHOLD' })
})

function keyOf(pem: string): KeyObject {
  return createPublicKey(pem)
}
