import { createHmac } from 'node:crypto'
import { predicateTypes, type Statement } from '#attestation'
import type { JsonObject } from '#document'
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
} from './fixtures.ts'
import type { Scheme } from '../index.ts'

/** A trust file, an attestation, and who is believed: what a vector file is written from. */
export interface TrustCase {
  readonly name: string
  readonly says: string
  readonly signers: JsonObject
  /** `sigstore` of the trust file, and the files that it names. */
  readonly sigstore?: JsonObject
  readonly roots?: Readonly<Record<string, string>>
  /** Missing where the trust file itself is the point. */
  readonly attestation?: Uint8Array
  readonly expected: {
    /** Names of the signers who are believed. */
    readonly signers?: readonly string[]
    /** Codes of the problems, when nobody is. */
    readonly codes?: readonly string[]
  }
}

const subject = 'ab'.repeat(32)
const schemes: readonly Scheme[] = [
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'ed25519',
  'rsa-pss-sha256',
  'rsa-pkcs1v15-sha256',
  'ml-dsa-44',
]

const approval = aStatement(
  predicateTypes.approval,
  { environment: 'production', reason: 'release 1', approvedOn: '2026-05-31T00:00:00Z' },
  subject,
)

function provenance(id = builderId): Statement {
  const buildDefinition = {
    buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
    externalParameters: {},
  }
  return aStatement(
    predicateTypes.slsaProvenanceV1,
    { buildDefinition, runDetails: { builder: { id } } },
    subject,
  )
}

const key = makeKey()
const other = makeKey('ed25519')
const stranger = makeKey()
const plain = { builder: builderEntry([keyEntry(key)]) }
const tokens = (token: JsonObject): JsonObject => ({
  kb: { keys: [token], predicateTypes: [predicateTypes.jwtProvenance] },
})
const sub = namedInformation('artifact')

const formats: readonly TrustCase[] = schemes.flatMap((scheme) => {
  const own = makeKey(scheme)
  const envelope: TrustCase = {
    name: `accept-envelope-${scheme}`,
    says: `an envelope signed with ${scheme}`,
    signers: { builder: builderEntry([keyEntry(own)]) },
    attestation: envelopeBytes(provenance(), [own]),
    expected: { signers: ['builder'] },
  }
  const token: TrustCase = {
    name: `accept-token-${scheme}`,
    says: `a token signed with ${scheme}`,
    signers: tokens(keyEntry(own)),
    attestation: jwtBytes({ sub, input: { source_uri: 'https://h/r' } }, own),
    expected: { signers: ['kb'] },
  }
  return scheme === 'ml-dsa-44' ? [envelope] : [envelope, token]
})

const rest: readonly TrustCase[] = [
  {
    name: 'accept-bundle',
    says: 'a Sigstore bundle with a public-key hint',
    signers: plain,
    attestation: bundleBytes(provenance(), key),
    expected: { signers: ['builder'] },
  },
  {
    name: 'accept-bundle-with-useless-hint',
    says: 'a hint that names no key helps nobody and harms nobody',
    signers: plain,
    attestation: bundleBytes(provenance(), key, 'mykey'),
    expected: { signers: ['builder'] },
  },
  {
    name: 'accept-threshold-of-owners',
    says: 'two owners have signed where two must',
    signers: managers(2),
    attestation: envelopeBytes(approval, [key, other]),
    expected: { signers: ['managers'] },
  },
  {
    name: 'refuse-threshold-of-signatures',
    says: 'one owner has signed twice where two must',
    signers: managers(2),
    attestation: envelopeBytes(approval, [key, key]),
    expected: { codes: ['SIGNATURE_THRESHOLD'] },
  },
  {
    name: 'refuse-stranger',
    says: 'a signature by nobody who is known',
    signers: plain,
    attestation: envelopeBytes(provenance(), [stranger]),
    expected: { codes: ['SIGNATURE_UNKNOWN_KEY'] },
  },
  {
    name: 'refuse-forged-keyid',
    says: 'a signature by a stranger under the name of a known key',
    signers: plain,
    attestation: envelopeBytes(provenance(), [stranger], { keyid: key.keyid }),
    expected: { codes: ['SIGNATURE_INVALID'] },
  },
  {
    name: 'refuse-predicate-of-another-role',
    says: 'a builder approves',
    signers: plain,
    attestation: envelopeBytes(approval, [key]),
    expected: { codes: ['SIGNER_NOT_FOR_PREDICATE'] },
  },
  {
    name: 'refuse-builder-of-another-signer',
    says: 'a signer speaks for a builder that it does not run',
    signers: plain,
    attestation: envelopeBytes(provenance('https://sallyport.dev/builders/hosted/v1'), [key]),
    expected: { codes: ['SIGNER_NOT_FOR_BUILDER'] },
  },
  ...dates(),
  {
    name: 'refuse-token-hmac',
    says: 'a token under HMAC, with the public key as the secret',
    signers: tokens(keyEntry(key)),
    attestation: jwtBytes({ sub }, key, {
      header: { alg: 'HS256' },
      signature: (input) => createHmac('sha256', key.publicPem).update(input).digest(),
    }),
    expected: { codes: ['SIGNATURE_ALGORITHM'] },
  },
  {
    name: 'refuse-token-none',
    says: 'a token that says it needs no signature',
    signers: tokens(keyEntry(key)),
    attestation: jwtBytes({ sub }, key, {
      header: { alg: 'none' },
      signature: () => Buffer.from('x'),
    }),
    expected: { codes: ['ATTESTATION_JWT'] },
  },
  {
    name: 'refuse-trust-file-with-one-key-for-two-roles',
    says: 'one key cannot be a builder and an approver (KEY-08)',
    signers: {
      ...plain,
      managers: { keys: [keyEntry(key)], predicateTypes: [predicateTypes.approval] },
    },
    expected: { codes: ['TRUST_KEY_DUPLICATE'] },
  },
  {
    name: 'refuse-trust-file-with-threshold-of-one-owner',
    says: 'two keys of one owner can never be two owners',
    signers: { builder: builderEntry([keyEntry(key), keyEntry(other)], { threshold: 2 }) },
    expected: { codes: ['TRUST_THRESHOLD'] },
  },
]

export const trustCases: readonly TrustCase[] = [...formats, ...rest]

function managers(threshold: number): JsonObject {
  return {
    managers: {
      keys: [keyEntry(key, { owner: 'alice' }), keyEntry(other, { owner: 'bob' })],
      predicateTypes: [predicateTypes.approval],
      threshold,
    },
  }
}

/** Vectors are judged at 2026-06-01. */
function dates(): readonly TrustCase[] {
  const ends = [
    ['not-yet-valid', { validFrom: '2026-06-02T00:00:00Z' }, 'KEY_NOT_YET_VALID'],
    ['expired', { validUntil: '2026-06-01T00:00:00Z' }, 'KEY_EXPIRED'],
    ['retired', { retired: '2026-05-31T00:00:00Z' }, 'KEY_RETIRED'],
    ['compromised', { compromisedSince: '2026-05-31T00:00:00Z' }, 'KEY_COMPROMISED'],
  ] as const
  return ends.map(([name, more, code]) => ({
    name: `refuse-key-${name}`,
    says: `a plain signature by a key that is ${name.replaceAll('-', ' ')}`,
    signers: { builder: builderEntry([keyEntry(key, { ...more })]) },
    attestation: envelopeBytes(provenance(), [key]),
    expected: { codes: [code] },
  }))
}
