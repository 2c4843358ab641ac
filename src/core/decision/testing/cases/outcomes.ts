import { predicateTypes } from '#attestation'
import { keyEntry } from '../../../trust/testing/fixtures.ts'
import type { Case } from '../case.ts'
import { beside, builtRule, keys, provenance, request, signed, trustEntries } from '../fixtures.ts'
import type { EvidenceSource } from '../../index.ts'

const good = signed(provenance())
const forged = signed(provenance(), keys.stranger)
const down: readonly EvidenceSource[] = [
  { ...beside, outcome: 'absent' },
  { name: 'registry.example', outcome: 'unavailable', detail: 'timed out after 2 s' },
]
const both: readonly EvidenceSource[] = [
  beside,
  { name: 'registry.example', outcome: 'unavailable', detail: 'timed out after 2 s' },
]
const require = [builtRule]

export const outcomes: readonly Case[] = [
  {
    name: 'undetermined-source-unavailable',
    says: '"could not look" is not "looked, and it is not there"',
    require,
    items: [],
    sources: down,
    expected: {
      verdict: 'UNDETERMINED',
      codes: ['EVIDENCE_UNAVAILABLE', 'PROVENANCE_MISSING'],
      rules: { 'require[0].built': 'UNVERIFIABLE' },
    },
  },
  {
    name: 'admitted-unavailable',
    says: 'an outage is let through where the policy of that target says so, and is marked',
    require,
    policy: 'whenUnavailable: allow',
    items: [],
    sources: down,
    expected: {
      verdict: 'UNDETERMINED',
      effect: 'admitted-unavailable',
      codes: ['EVIDENCE_UNAVAILABLE', 'PROVENANCE_MISSING'],
    },
  },
  {
    name: 'deny-bad-evidence-in-an-outage',
    says: 'bad evidence denies even where outages are let through',
    require,
    policy: 'whenUnavailable: allow',
    items: [forged],
    sources: both,
    expected: { verdict: 'DENY', codes: ['SIGNATURE_UNKNOWN_KEY', 'EVIDENCE_UNAVAILABLE'] },
  },
  {
    name: 'deny-one-rule-fails-in-an-outage',
    says: 'an outage that hides one thing does not excuse another that is known to be bad',
    require: [builtRule, 'allowed: {by: [release-managers]}'],
    policy: 'whenUnavailable: allow',
    items: [signed(provenance({ ref: 'refs/heads/feature' }))],
    sources: both,
    expected: {
      verdict: 'DENY',
      codes: ['REF_MISMATCH', 'EVIDENCE_UNAVAILABLE', 'APPROVAL_MISSING'],
      rules: { 'require[0].built': 'FAIL', 'require[1].allowed': 'UNVERIFIABLE' },
    },
  },
  {
    name: 'allow-in-an-outage',
    says: 'an outage does not matter when everything is there already',
    require,
    items: [good],
    sources: both,
    expected: { verdict: 'ALLOW', codes: [] },
  },
  {
    name: 'admitted-audit',
    says: 'a dry run admits what it denies, and says both',
    require,
    policy: 'mode: audit',
    items: [forged],
    expected: { verdict: 'DENY', effect: 'admitted-audit', codes: ['SIGNATURE_UNKNOWN_KEY'] },
  },
  {
    name: 'policy-error-no-policy',
    says: 'a target without policy is blocked, and the file to write is named (POL-25)',
    require,
    items: [good],
    request: { ...request, target: { environment: 'staging', service: 'shop' } },
    expected: { verdict: 'POLICY_ERROR', codes: ['POLICY_MISSING'] },
  },
  {
    name: 'policy-error-no-policy-for-look-alike',
    says: 'targets are compared exactly',
    require,
    items: [good],
    request: { ...request, target: { environment: 'production', service: 'Shop' } },
    expected: { verdict: 'POLICY_ERROR', codes: ['POLICY_MISSING'] },
  },
  {
    name: 'policy-error-unknown-signer',
    says: 'a rule that names a signer nobody knows makes the policy wrong, and the other rules are heard all the same',
    require: ['signed: {by: [release-buidler]}', builtRule],
    items: [good],
    expected: {
      verdict: 'POLICY_ERROR',
      codes: ['POLICY_SIGNER_UNKNOWN'],
      rules: { 'require[0].signed': 'ERROR', 'require[1].built': 'PASS' },
    },
  },
  {
    name: 'undetermined-request-without-digest',
    says: 'a request that does not say what would run gets no answer, even where outages are let through',
    require,
    policy: 'whenUnavailable: allow',
    items: [good],
    request: { ...request, artifact: { name: 'shop:latest', digest: { sha1: 'ab'.repeat(20) } } },
    expected: { verdict: 'UNDETERMINED', codes: ['REQUEST_INVALID'] },
  },
  {
    name: 'allow-valid-until-key-ends',
    says: 'an answer is good no longer than the key that it rests on',
    require: ['signed: {by: [release-builder]}'],
    items: [good],
    signers: {
      ...trustEntries,
      'release-builder': {
        keys: [keyEntry(keys.builder, { validUntil: '2026-07-01T00:00:00Z' })],
        predicateTypes: [predicateTypes.slsaProvenanceV1],
        builders: [{ id: 'https://sallyport.dev/builders/workstation-pinned/v1' }],
      },
    },
    expected: { verdict: 'ALLOW', codes: [], validUntil: '2026-07-01T00:00:00.000Z' },
  },
]
