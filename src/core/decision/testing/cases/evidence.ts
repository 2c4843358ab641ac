import { encodeBundle, encodeEnvelope, predicateTypes } from '#attestation'
import type { Json } from '#document'
import { aStatement, envelopeBytes, keyEntry, sealed } from '../../../trust/testing/fixtures.ts'
import { deny, type Case } from '../case.ts'
import {
  approval,
  builderIds,
  builtRule,
  isolation,
  item,
  keys,
  provenance,
  repository,
  request,
  sha256,
  signed,
  trustEntries,
} from '../fixtures.ts'

const good = provenance()
const bundle = signed(good)
const require = [builtRule]
const envelope = sealed(good as unknown as Json, [keys.builder])

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return flipped
}

function payloadFlippedAt(text: string): Uint8Array {
  const at = Buffer.from(envelope.payload).indexOf(text)
  return encodeEnvelope({ ...envelope, payload: flip(envelope.payload, at) })
}

/** Where a flipped bit gives another hexadecimal digit. */
const flippable = sha256.search(/[0-9bcde]/)

const flippedDigest = (Number.parseInt(sha256.slice(0, 1), 16) ^ 1).toString(16) + sha256.slice(1)

function withBuilderKey(more: Readonly<Record<string, string>>): Case['signers'] & object {
  return {
    ...trustEntries,
    'release-builder': {
      keys: [keyEntry(keys.builder, more)],
      predicateTypes: [predicateTypes.slsaProvenanceV1],
      builders: [{ id: builderIds.pinned, level: 1 }],
    },
  }
}

/** Two people of whom both must sign approvals. */
const both: Case['signers'] & object = {
  ...trustEntries,
  'release-managers': {
    keys: [keyEntry(keys.alice, { owner: 'alice' }), keyEntry(keys.bob, { owner: 'bob' })],
    predicateTypes: [predicateTypes.approval],
    threshold: 2,
  },
}

export const evidence: readonly Case[] = [
  deny(
    'deny-empty-evidence',
    'no evidence is no yes, and the reader learns how to get it',
    { require, items: [] },
    ['PROVENANCE_MISSING'],
    {
      'require[0].built': 'MISSING',
    },
  ),
  deny(
    'deny-empty-evidence-looked-nowhere',
    'an empty list of sources is not an outage',
    { require, items: [], sources: [], policy: 'whenUnavailable: allow' },
    ['PROVENANCE_MISSING'],
  ),
  deny(
    'deny-swapped-bundle',
    'good provenance of another artifact does not count (POL-03)',
    { require, items: [signed(provenance({ sha256: 'ab'.repeat(32), name: 'other.tgz' }))] },
    ['EVIDENCE_OTHER_ARTIFACT'],
    { 'require[0].built': 'FAIL' },
  ),
  deny(
    'deny-flipped-bit-in-artifact',
    'one flipped bit makes another artifact',
    {
      require,
      items: [bundle],
      request: {
        ...request,
        artifact: { name: 'shop-1.2.3.tgz', digest: { sha256: flippedDigest } },
      },
    },
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  deny(
    'deny-flipped-bit-in-payload',
    'one flipped bit in what was signed',
    { require, items: [item(payloadFlippedAt('release'))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-flipped-bit-in-subject',
    'one flipped bit in the digest of the subject is a forgery, not another artifact',
    { require, items: [item(payloadFlippedAt(sha256.slice(flippable)))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-flipped-bit-that-breaks-the-json',
    'a flipped bit after which the content cannot even be read is a forgery all the same',
    { require, items: [item(payloadFlippedAt('{"_type"'))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-flipped-bit-in-field-name',
    'a flipped bit after which a field is missing is a forgery all the same',
    { require, items: [item(payloadFlippedAt('buildType'))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-flipped-bit-in-predicate-type',
    'one flipped bit in the predicate type is a forgery, not another kind of statement',
    { require, items: [item(payloadFlippedAt('https://slsa.dev/provenance'))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-flipped-bit-in-payload-type',
    'one flipped bit in the payload type',
    {
      require,
      items: [item(encodeEnvelope({ ...envelope, payloadType: 'application/vnd.in-toto+jsoo' }))],
    },
    ['EVIDENCE_PAYLOAD_TYPE', 'PROVENANCE_MISSING'],
  ),
  deny(
    'deny-flipped-bit-in-signature',
    'one flipped bit in the signature',
    {
      require,
      items: [
        item(
          encodeEnvelope({
            ...envelope,
            signatures: envelope.signatures.map(({ sig, ...rest }) => ({
              ...rest,
              sig: flip(sig, sig.length - 1),
            })),
          }),
        ),
      ],
    },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-unknown-key',
    'a stranger may sign what he likes',
    { require, items: [signed(good, keys.stranger)] },
    ['SIGNATURE_UNKNOWN_KEY'],
  ),
  deny(
    'deny-forged-keyid',
    'a stranger may write any keyid beside his signature',
    { require, items: [item(envelopeBytes(good, [keys.stranger], { keyid: keys.builder.keyid }))] },
    ['SIGNATURE_INVALID'],
  ),
  deny(
    'deny-key-of-another-role',
    'a key has one role: an approver cannot sign provenance (KEY-08)',
    { require, items: [signed(good, keys.alice)] },
    ['SIGNER_NOT_FOR_PREDICATE'],
  ),
  deny(
    'deny-approval-by-builder',
    'a key has one role: a builder cannot approve (KEY-08)',
    { require: ['allowed: {by: [release-managers]}'], items: [signed(approval(), keys.builder)] },
    ['SIGNER_NOT_FOR_PREDICATE'],
  ),
  deny(
    'deny-builder-of-another-signer',
    'a builder id counts only in a pair with its signer (V1)',
    { require, items: [signed(provenance({ builderId: builderIds.hosted }))] },
    ['SIGNER_NOT_FOR_BUILDER'],
  ),
  deny(
    'deny-signer-not-named',
    'good provenance by a signer whom the rule does not name',
    { require, items: [signed(provenance({ builderId: builderIds.hosted }), keys.hosted)] },
    ['SIGNER_NOT_NAMED'],
    { 'require[0].built': 'MISSING' },
  ),
  deny(
    'deny-unknown-predicate',
    'a predicate that nobody understands counts for nothing',
    {
      require: ['signed: {by: [release-builder]}'],
      items: [signed(aStatement('https://example.com/great/v1', { great: true }, sha256))],
      signers: {
        ...trustEntries,
        'release-builder': {
          keys: [keyEntry(keys.builder)],
          predicateTypes: ['https://example.com/great/v1', predicateTypes.slsaProvenanceV1],
          builders: [{ id: builderIds.pinned }],
        },
      },
    },
    ['PROVENANCE_MISSING'],
    { 'require[0].signed': 'MISSING' },
  ),
  deny(
    'deny-approval-as-signature',
    'an approval is not a signature over the build: what was signed counts (KEY-23)',
    { require: ['signed: {by: [release-builder]}'], items: [signed(approval(), keys.alice)] },
    ['PROVENANCE_MISSING'],
  ),
  deny(
    'deny-bare-signature',
    'a signature over the bytes of the artifact says nothing (KEY-23)',
    {
      require,
      items: [
        item(
          encodeBundle({
            mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
            version: '0.3',
            verificationMaterial: { kind: 'publicKey', hint: keys.builder.keyid },
            tlogEntries: [],
            timestamps: [],
            content: { kind: 'messageSignature', signature: Uint8Array.from([1, 2, 3]) },
          }),
        ),
      ],
    },
    ['EVIDENCE_NO_STATEMENT', 'PROVENANCE_MISSING'],
  ),
  deny(
    'deny-unsigned-statement',
    'a statement that nobody signed',
    { require, items: [item(Buffer.from(JSON.stringify(good)))] },
    ['ATTESTATION_UNSIGNED', 'PROVENANCE_MISSING'],
  ),
  deny(
    'deny-rubbish',
    'what cannot be read is no evidence',
    { require, items: [item(Buffer.from('{"a":'))] },
    ['DOCUMENT_SYNTAX', 'PROVENANCE_MISSING'],
  ),
  deny(
    'deny-contradicting-digests',
    'a subject whose other digests contradict is another artifact',
    {
      require,
      items: [signed({ ...good, subject: [{ digest: { sha256, sha512: 'ab'.repeat(64) } }] })],
      request: {
        ...request,
        artifact: { name: 'shop-1.2.3.tgz', digest: { sha256, sha512: 'cd'.repeat(64) } },
      },
    },
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  deny(
    'deny-subject-without-sha256',
    'a subject that is named by another digest only cannot be compared',
    { require, items: [signed({ ...good, subject: [{ digest: { sha1: 'ab'.repeat(20) } }] })] },
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  deny(
    'deny-evidence-digest',
    'evidence that is not what it was announced to be',
    { require, items: [{ ...bundle, digest: 'ab'.repeat(32) }] },
    ['EVIDENCE_DIGEST'],
  ),
  deny(
    'deny-key-expired',
    'a key outside its dates is refused',
    { require, items: [bundle], signers: withBuilderKey({ validUntil: '2026-05-31T00:00:00Z' }) },
    ['KEY_EXPIRED'],
  ),
  deny(
    'deny-key-retired',
    'a retired key without trusted time is refused',
    { require, items: [bundle], signers: withBuilderKey({ retired: '2026-05-31T00:00:00Z' }) },
    ['KEY_RETIRED'],
  ),
  deny(
    'deny-key-compromised',
    'a compromised key without trusted time is refused, whatever date it writes',
    {
      require,
      items: [bundle],
      signers: withBuilderKey({ compromisedSince: '2026-05-31T00:00:00Z' }),
    },
    ['KEY_COMPROMISED'],
  ),
  deny(
    'deny-key-not-yet-valid',
    'a key of the future is refused',
    { require, items: [bundle], signers: withBuilderKey({ validFrom: '2026-06-02T00:00:00Z' }) },
    ['KEY_NOT_YET_VALID'],
  ),
  deny(
    'deny-threshold-duplicate-signature',
    'one signature twice is one signature',
    {
      require: ['allowed: {by: [release-managers]}'],
      items: [item(envelopeBytes(approval(), [keys.alice, keys.alice]))],
      signers: both,
    },
    ['SIGNATURE_THRESHOLD'],
  ),
  deny(
    'deny-threshold-one-owner-two-keys',
    'one owner with two keys is one owner',
    {
      require: ['allowed: {by: [release-managers], count: 2}'],
      items: [signed(approval(), keys.alice), signed(approval(), keys.stranger)],
      signers: {
        'release-managers': {
          keys: [
            keyEntry(keys.alice, { owner: 'alice' }),
            keyEntry(keys.stranger, { owner: 'alice' }),
            keyEntry(keys.bob, { owner: 'bob' }),
          ],
          predicateTypes: [predicateTypes.approval],
        },
      },
    },
    ['EVIDENCE_COUNT'],
  ),
  deny(
    'deny-ambiguous-records',
    'records by named signers that contradict each other are ambiguous, and both are named (PRV-17)',
    {
      require,
      items: [bundle, signed(provenance({ uri: 'git+https://git.example/acme/other' }))],
    },
    ['EVIDENCE_AMBIGUOUS'],
  ),
  deny(
    'deny-nearest-of-many',
    'the nearest miss is explained, never "none of N matched"',
    {
      require,
      items: [
        signed(
          provenance({
            uri: 'git+https://git.example/acme/other',
            ref: 'refs/heads/x',
            parameters: {},
          }),
        ),
        signed(provenance({ ref: 'refs/heads/feature' })),
        signed(provenance({ uri: 'git+https://git.example/acme/third', ref: 'refs/heads/x' })),
      ],
    },
    ['REF_MISMATCH'],
  ),
  deny(
    'deny-every-rule-is-heard',
    'every rule is evaluated, and what needs another artifact comes before what needs a signature',
    {
      require: [
        'allowed: {by: [release-managers]}',
        'recent: {by: [release-builder], commit: 1d}',
        'hermetic: {by: [release-builder]}',
        `built: {by: [release-builder], from: ${repository}-evil, refs: [refs/heads/main], parameters: {target: [release]}}`,
      ],
      items: [
        signed(
          provenance({ internal: { ...isolation, sallyport_probes: { passed: 1, failed: 1 } } }),
        ),
      ],
    },
    ['COMMIT_TOO_OLD', 'HERMETIC_PROBES', 'SOURCE_MISMATCH', 'APPROVAL_MISSING'],
    {
      'require[0].allowed': 'MISSING',
      'require[1].recent': 'STALE',
      'require[2].hermetic': 'FAIL',
      'require[3].built': 'FAIL',
    },
  ),
]
