import type { JsonObject } from '#document'
import { deny, type Case } from '../case.ts'
import {
  approval,
  builderIds,
  isolation,
  keys,
  provenance,
  signed,
  type ProvenanceParts,
} from '../fixtures.ts'

function hermetic(
  name: string,
  says: string,
  internal: JsonObject,
  code: string,
  verdict = 'FAIL',
): Case {
  return deny(
    `deny-hermetic-${name}`,
    says,
    {
      require: ['hermetic: {by: [release-builder]}'],
      items: [signed(provenance({ internal: { ...isolation, ...internal } }))],
    },
    [code],
    { 'require[0].hermetic': verdict },
  )
}

function recent(
  name: string,
  says: string,
  ask: string,
  parts: ProvenanceParts,
  code: string,
  verdict: string,
): Case {
  return deny(
    `deny-recent-${name}`,
    says,
    { require: [`recent: {by: [release-builder], ${ask}}`], items: [signed(provenance(parts))] },
    [code],
    { 'require[0].recent': verdict },
  )
}

function notAllowed(
  name: string,
  says: string,
  items: Case['items'],
  code: string,
  verdict: string,
  rule = 'allowed: {by: [release-managers]}',
): Case {
  return deny(`deny-allowed-${name}`, says, { require: [rule], items }, [code], {
    'require[0].allowed': verdict,
  })
}

export const rules: readonly Case[] = [
  hermetic(
    'measured-root',
    'a measured root is not a pinned one',
    {
      sallyport_sandbox: { backend: 'bubblewrap', root: 'measured', network: 'none' },
    },
    'HERMETIC_ROOT',
  ),
  hermetic(
    'network',
    'a build with a network',
    {
      sallyport_sandbox: { backend: 'bubblewrap', root: 'pinned', network: 'host' },
    },
    'HERMETIC_NETWORK',
  ),
  hermetic(
    'network-not-recorded',
    'attempts that nobody noticed are not no attempts',
    {
      sallyport_network: { mode: 'ignored', attempts: 0 },
    },
    'HERMETIC_NETWORK',
  ),
  hermetic(
    'network-attempts',
    'a build that tried to reach a network',
    {
      sallyport_network: { mode: 'recorded', attempts: 2 },
    },
    'HERMETIC_NETWORK_ATTEMPTS',
  ),
  hermetic(
    'probe-failed',
    'a sandbox that did not hold',
    { sallyport_probes: { passed: 23, failed: 1 } },
    'HERMETIC_PROBES',
  ),
  hermetic(
    'no-probes',
    'a sandbox that was not tried: none failed of none',
    { sallyport_probes: { passed: 0, failed: 0 } },
    'HERMETIC_PROBES',
  ),
  hermetic(
    'probes-missing',
    'a sandbox of which nothing is said',
    { sallyport_probes: {} },
    'FACT_MISSING',
    'MISSING',
  ),
  hermetic(
    'root-malformed',
    'a root of an unknown kind',
    {
      sallyport_sandbox: { backend: 'bubblewrap', root: 'trust me', network: 'none' },
    },
    'FACT_MALFORMED',
  ),
  hermetic(
    'attempts-malformed',
    'a number that is none',
    { sallyport_network: { mode: 'recorded', attempts: -1 } },
    'FACT_MALFORMED',
  ),
  deny(
    'deny-hermetic-unsupported',
    'a builder of another build type may write the same words: they do not count',
    {
      require: ['hermetic: {by: [release-builder]}'],
      items: [signed(provenance({ buildType: 'https://other.example/v1' }))],
    },
    ['HERMETIC_UNSUPPORTED'],
    { 'require[0].hermetic': 'UNSUPPORTED' },
  ),
  recent('commit', 'an old commit', 'commit: 10d', {}, 'COMMIT_TOO_OLD', 'STALE'),
  recent(
    'commit-to-the-millisecond',
    'the last moment of a limit does not count',
    'commit: 90d',
    {
      committedAt: '2026-03-03T12:00:00Z',
    },
    'COMMIT_TOO_OLD',
    'STALE',
  ),
  recent('build', 'an old build', 'build: 1d', {}, 'BUILD_TOO_OLD', 'STALE'),
  recent(
    'commit-missing',
    'a commit without time',
    'commit: 90d',
    { committedAt: null },
    'FACT_MISSING',
    'MISSING',
  ),
  recent(
    'commit-malformed',
    'a time that is none',
    'commit: 90d',
    { committedAt: 'yesterday' },
    'FACT_MALFORMED',
    'FAIL',
  ),
  recent(
    'commit-in-future',
    'a commit of tomorrow would stay fresh for ever',
    'commit: 90d',
    {
      committedAt: '2030-01-01T00:00:00Z',
    },
    'TIME_IN_FUTURE',
    'FAIL',
  ),
  recent(
    'version',
    'a version with known holes',
    "version: '>=1.2.4'",
    {},
    'VERSION_TOO_OLD',
    'FAIL',
  ),
  recent(
    'version-prerelease',
    'a release candidate comes before its release',
    "version: '>=1.2.3'",
    {
      version: '1.2.3-rc.1',
    },
    'VERSION_TOO_OLD',
    'FAIL',
  ),
  recent(
    'version-missing',
    'an artifact without version',
    "version: '>=1.2.3'",
    { version: null },
    'FACT_MISSING',
    'MISSING',
  ),
  recent(
    'version-malformed',
    'a version that cannot be compared',
    "version: '>=1.2.3'",
    { version: 'latest' },
    'FACT_MALFORMED',
    'FAIL',
  ),
  recent(
    'version-of-unknown-package',
    'a package for which the rule has no minimum',
    "version: {pkg:npm/other: '>=1.0.0'}",
    {},
    'VERSION_UNKNOWN_PACKAGE',
    'FAIL',
  ),
  notAllowed(
    'missing',
    'nobody has approved',
    [signed(provenance())],
    'APPROVAL_MISSING',
    'MISSING',
  ),
  notAllowed(
    'environment',
    'an approval for another environment',
    [signed(approval('staging'), keys.alice)],
    'APPROVAL_ENVIRONMENT',
    'MISSING',
  ),
  notAllowed(
    'environment-case',
    'environments are compared exactly',
    [signed(approval('Production'), keys.alice)],
    'APPROVAL_ENVIRONMENT',
    'MISSING',
  ),
  notAllowed(
    'expired',
    'an approval that has expired',
    [signed(approval('production', { expires: '2026-06-01T12:00:00Z' }), keys.alice)],
    'APPROVAL_EXPIRED',
    'STALE',
  ),
  notAllowed(
    'in-future',
    'an approval of tomorrow',
    [signed(approval('production', { approvedOn: '2026-06-02T00:00:00Z' }), keys.alice)],
    'TIME_IN_FUTURE',
    'FAIL',
  ),
  notAllowed(
    'other-artifact',
    'an approval of another artifact',
    [signed(approval('production', { sha256: 'ab'.repeat(32) }), keys.alice)],
    'EVIDENCE_OTHER_ARTIFACT',
    'FAIL',
  ),
  notAllowed(
    'count',
    'one approval where two are asked for',
    [signed(approval(), keys.alice)],
    'EVIDENCE_COUNT',
    'MISSING',
    'allowed: {by: [release-managers], count: 2}',
  ),
  notAllowed(
    'count-same-owner',
    'two approvals by one owner are one',
    [
      signed(approval(), keys.alice),
      signed(approval('production', { approvedOn: '2026-05-29T00:00:00Z' }), keys.alice),
    ],
    'EVIDENCE_COUNT',
    'MISSING',
    'allowed: {by: [release-managers], count: 2}',
  ),
  deny(
    'deny-signed-other-signer',
    'the simplest policy names its signer',
    {
      require: ['signed: {by: [release-builder]}'],
      items: [signed(provenance({ builderId: builderIds.hosted }), keys.hosted)],
    },
    ['SIGNER_NOT_NAMED'],
  ),
]
