import { predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import { sha256Hex } from '#document'
import {
  artifactDigest,
  bytesOf,
  createInstance,
  issuer,
  minutes,
  rootJson,
  signBundle,
  subject,
} from '../sigstore/testing/instance.ts'
import type { TrustCase } from './cases.ts'

const instance = createInstance()
const root = JSON.stringify(rootJson(instance))
const other = JSON.stringify(rootJson(createInstance()))
const sigstore = { private: { trustedRoot: 'trusted_root.json' } }

const payload = Buffer.from(
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop.tgz', digest: { sha256: artifactDigest } }],
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: { buildType: 'https://ci.test/v1', externalParameters: {} },
      runDetails: { builder: { id: subject } },
    },
  }),
)
const attestation = Uint8Array.from(bytesOf(signBundle(instance, { payload })))

function keyless(
  name: string,
  says: string,
  identity: JsonObject,
  expected: TrustCase['expected'],
  more: Partial<TrustCase> = {},
): TrustCase {
  const signers = {
    release: {
      identities: [{ root: 'private', issuer, ...identity }],
      predicateTypes: [predicateTypes.slsaProvenanceV1],
      builders: [
        { idPrefix: 'https://git.test/acme/shop/.github/workflows/release.yml@', level: 2 },
      ],
    },
  }
  const roots = { 'trusted_root.json': root }
  return { name: `keyless-${name}`, says, signers, sigstore, roots, attestation, expected, ...more }
}

const yes: TrustCase['expected'] = { signers: ['release'] }
const no = (code: string): TrustCase['expected'] => ({ codes: [code] })

export const keylessCases: readonly TrustCase[] = [
  keyless('exact', 'an identity, exactly', { subject }, yes),
  keyless(
    'prefix',
    'an identity below a path',
    { subjectPrefix: 'https://git.test/acme/shop/' },
    yes,
  ),
  keyless(
    'pinned',
    'what else the certificate says',
    { subject, certificate: { sourceRepositoryURI: 'https://git.test/acme/shop' } },
    yes,
  ),
  keyless(
    'before-theft',
    'what was provably signed before a theft stays good',
    { subject, compromisedSince: minutes(1).toISOString() },
    yes,
  ),
  keyless('root-pinned', 'the root that the trust file means', { subject }, yes, {
    sigstore: { private: { trustedRoot: 'trusted_root.json', sha256: sha256Hex(root) } },
  }),
  keyless(
    'other-subject',
    'another identity',
    { subject: `${subject}/evil` },
    no('SIGNATURE_UNKNOWN_IDENTITY'),
  ),
  keyless(
    'other-issuer',
    'another issuer',
    { subject, issuer: 'https://evil.test' },
    no('SIGNATURE_UNKNOWN_IDENTITY'),
  ),
  keyless(
    'beside-prefix',
    'a name that only begins like the path',
    { subjectPrefix: 'https://git.test/acme/sho/' },
    no('SIGNATURE_UNKNOWN_IDENTITY'),
  ),
  keyless(
    'open-prefix',
    'a prefix that is no path',
    { subjectPrefix: 'https://git.test/acme' },
    no('DOCUMENT_SHAPE'),
  ),
  keyless(
    'other-pin',
    'a certificate that says something else',
    { subject, certificate: { sourceRepositoryRef: 'refs/tags/v1' } },
    no('SIGNATURE_CERTIFICATE_PIN'),
  ),
  keyless(
    'after-theft',
    'what was signed after a theft',
    { subject, compromisedSince: minutes(-1).toISOString() },
    no('IDENTITY_TIME'),
  ),
  keyless(
    'other-instance',
    'a certificate of another instance',
    { subject },
    { codes: ['SIGSTORE_CHAIN', 'SIGSTORE_TIME_MISSING', 'SIGSTORE_LOG_MISSING'] },
    { roots: { 'trusted_root.json': other } },
  ),
  keyless('root-missing', 'a root that is not there', { subject }, no('TRUST_ROOT_MISSING'), {
    roots: {},
  }),
  keyless('root-changed', 'a root that somebody changed', { subject }, no('TRUST_ROOT_DIGEST'), {
    sigstore: { private: { trustedRoot: 'trusted_root.json', sha256: 'ab'.repeat(32) } },
  }),
  keyless('root-unknown', 'a root that nobody has named', { subject }, no('TRUST_ROOT_UNKNOWN'), {
    sigstore: {},
  }),
]
