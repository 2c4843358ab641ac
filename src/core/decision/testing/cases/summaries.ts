import { allow, deny, type Case } from '../case.ts'
import { predicateTypes } from '#attestation'
import { envelopeBytes, keyEntry } from '../../../trust/testing/fixtures.ts'
import { builderIds, item, keys, provenance, signed } from '../fixtures.ts'
import { built, people, rebuilt, result, summary, verifierId, world } from '../world.ts'

const vsa = `verified: {by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2]}`
const svr = `verified: {by: [verifier], form: svr, verifier: '${verifierId}', levels: [ORG_CHECKED]}`

function yes(name: string, says: string, rule: string, items: Case['items'], until?: string): Case {
  return allow(`allow-${name}`, says, { require: [rule], items, signers: world }, until)
}

function no(
  name: string,
  says: string,
  rule: string,
  items: Case['items'],
  codes: readonly string[],
  verdict = 'FAIL',
): Case {
  const id = `require[0].${rule.slice(0, rule.indexOf(':'))}`
  return deny(`deny-${name}`, says, { require: [rule], items, signers: world }, codes, {
    [id]: verdict,
  })
}

const verified: readonly Case[] = [
  yes('verified', 'a named verifier confirms a level that is high enough', vsa, [summary()]),
  yes(
    'verified-within',
    'a verification holds until it is too old',
    vsa.replace('}', ', within: 30d}'),
    [summary()],
    '2026-06-29T00:00:00.000Z',
  ),
  yes('verified-result', 'the simple form names properties', svr, [result()]),
  no('verified-missing', 'nobody has verified', vsa, [built], ['SUMMARY_MISSING'], 'MISSING'),
  no(
    'verified-step-1',
    'a summary by nobody of the trust file',
    vsa,
    [summary({}, keys.stranger)],
    ['SIGNATURE_UNKNOWN_KEY'],
  ),
  no(
    'verified-step-2',
    'a summary about another artifact',
    vsa,
    [summary({}, people.verifier, [{ name: 'x', digest: { sha256: 'ab'.repeat(32) } }])],
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  no(
    'verified-step-3',
    'another form of verification is not this one',
    vsa,
    [result()],
    ['SUMMARY_MISSING'],
    'MISSING',
  ),
  no(
    'verified-step-4',
    'an id for which the signer may not speak',
    vsa,
    [summary({ verifierId: 'https://evil.example/v1' })],
    ['SUMMARY_VERIFIER'],
  ),
  no(
    'verified-step-5',
    'a summary about another resource',
    vsa,
    [summary({ resourceUri: 'pkg:npm/shop@1.2.4' })],
    ['SUMMARY_RESOURCE'],
  ),
  no(
    'verified-step-6',
    'a summary that says no',
    vsa,
    [summary({ verificationResult: 'FAILED' })],
    ['SUMMARY_FAILED'],
  ),
  no(
    'verified-step-7',
    'a summary without the level',
    vsa,
    [summary({ verifiedLevels: ['SLSA_BUILD_LEVEL_1'] })],
    ['SUMMARY_LEVELS'],
  ),
  no(
    'verified-other-track',
    'a level of another track is another thing',
    vsa,
    [summary({ verifiedLevels: ['SLSA_SOURCE_LEVEL_3'] })],
    ['SUMMARY_LEVELS'],
  ),
  no(
    'verified-old',
    'a verification that is too old',
    vsa.replace('}', ', within: 1d}'),
    [summary()],
    ['SUMMARY_TOO_OLD'],
    'STALE',
  ),
  no(
    'verified-in-future',
    'a verification of tomorrow',
    vsa,
    [summary({ timeVerified: '2030-01-01T00:00:00Z' })],
    ['TIME_IN_FUTURE'],
  ),
  no(
    'verified-disagreeing',
    'a verifier that says yes and no',
    vsa,
    [summary(), summary({ verificationResult: 'FAILED' })],
    ['EVIDENCE_AMBIGUOUS'],
  ),
  no(
    'verified-result-property',
    'what is not listed has not been verified',
    svr,
    [result({ properties: ['OTHER'] })],
    ['SUMMARY_LEVELS'],
  ),
  no(
    'verified-result-verifier',
    'a result under another id',
    svr,
    [result({ verifierId: 'https://evil.example/v1' })],
    ['SUMMARY_VERIFIER'],
  ),
  no(
    'verified-result-missing',
    'a summary is no result in the simple form',
    svr,
    [summary()],
    ['SUMMARY_MISSING'],
    'MISSING',
  ),
]

const level = 'minimumLevel: {by: [release-builder, hosted-builder, verifier], level: 3}'

const levels: readonly Case[] = [
  no(
    'minimum-level-in-future',
    'a summary of tomorrow',
    level,
    [summary({ timeVerified: '2030-01-01T00:00:00Z' })],
    ['TIME_IN_FUTURE'],
  ),
  yes('minimum-level', 'a builder that the trust file lets claim the level', level, [
    signed(provenance({ builderId: builderIds.hosted }), keys.hosted),
  ]),
  yes('minimum-level-summary', 'a summary may say the level', level, [built, summary()]),
  no(
    'minimum-level-too-low',
    'a workstation is level 1 whatever it says (SLS-03)',
    level,
    [built],
    ['LEVEL_TOO_LOW'],
  ),
  no(
    'minimum-level-missing',
    'no evidence, no level',
    level,
    [],
    ['PROVENANCE_MISSING'],
    'MISSING',
  ),
  no(
    'minimum-level-failed-summary',
    'a summary that says no grants no level',
    level,
    [summary({ verificationResult: 'FAILED' })],
    ['LEVEL_TOO_LOW'],
  ),
]

const threshold = {
  ...world,
  pair: {
    owner: 'platform',
    keys: [keyEntry(people.erin, { owner: 'erin' }), keyEntry(people.frank, { owner: 'frank' })],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: 'https://pair.example/v1', level: 2 }],
    threshold: 2,
  },
}

const pairBuilt = item(
  envelopeBytes(provenance({ builderId: 'https://pair.example/v1' }), [people.erin, people.frank]),
)

const twice = 'reproduced: {by: [release-builder, rebuilder]}'

const reproductions: readonly Case[] = [
  deny(
    'deny-reproduced-by-one-owner-twice',
    'the keys of a signer are the will of whoever owns it',
    {
      require: ['reproduced: {by: [release-builder, pair]}'],
      items: [built, pairBuilt],
      signers: threshold,
    },
    ['REPRODUCED_TOO_FEW'],
    { 'require[0].reproduced': 'MISSING' },
  ),
  allow('allow-reproduced-by-pair', 'a signer with a threshold is one owner', {
    require: ['reproduced: {by: [rebuilder, pair]}'],
    items: [rebuilt(), pairBuilt],
    signers: threshold,
  }),
  yes('reproduced', 'two owners have built the same bytes from the same commit', twice, [
    built,
    rebuilt(),
  ]),
  no(
    'reproduced-once',
    'one build reproduces nothing',
    twice,
    [built],
    ['REPRODUCED_TOO_FEW'],
    'MISSING',
  ),
  no(
    'reproduced-by-one',
    'two records of one builder are one',
    twice,
    [built, signed(provenance({ finishedOn: '2026-05-22T00:00:00Z' }))],
    ['REPRODUCED_TOO_FEW'],
    'MISSING',
  ),
  no('reproduced-missing', 'nobody has built it', twice, [], ['PROVENANCE_MISSING'], 'MISSING'),
  no(
    'reproduced-by-stranger',
    'a rebuilder that nobody names does not count',
    twice,
    [built, rebuilt({}, keys.stranger)],
    ['REPRODUCED_TOO_FEW'],
    'MISSING',
  ),
  no(
    'reproduced-other-commit',
    'the same bytes from another commit',
    twice,
    [
      built,
      rebuilt({
        dependencies: [
          { uri: 'git+https://git.example/acme/other', digest: { gitCommit: 'ab'.repeat(20) } },
        ],
        external: { source: { uri: 'git+https://git.example/acme/other' } },
      }),
    ],
    ['REPRODUCED_OTHER_SOURCE'],
  ),
]

const scan = 'scanned: {by: [scanner], within: 7d, deny: {severity: high}}'
const signedRule = 'signed: {by: [release-builder]}'

function exempting(rule: string, expires: string): string {
  return `exemptions: [{rule: '${rule}', reason: 'the scanner moves', owner: carol, expires: '${expires}'}]`
}

const exemptions: readonly Case[] = [
  {
    ...allow(
      'allow-exempted',
      'a rule that need not hold is evaluated and shown all the same',
      {
        require: [signedRule, scan],
        policy: exempting('scanned', '2026-06-02T00:00:00Z'),
        items: [built],
        signers: world,
      },
      '2026-06-02T00:00:00.000Z',
    ),
    expected: {
      verdict: 'ALLOW',
      codes: [],
      rules: { 'require[1].scanned': 'EXEMPTED' },
      validUntil: '2026-06-02T00:00:00.000Z',
    },
  },
  deny(
    'deny-exemption-expired',
    'an exemption that is over counts for nothing, and is told',
    {
      require: [signedRule, scan],
      policy: exempting('require[1].scanned', '2026-06-01T12:00:00Z'),
      items: [built],
      signers: world,
    },
    ['SCAN_MISSING', 'EXEMPTION_EXPIRED'],
    { 'require[1].scanned': 'MISSING' },
  ),
  deny(
    'deny-exempted-everything',
    'exemptions from everything leave nothing that says yes',
    {
      require: [scan],
      policy: exempting('scanned', '2026-06-02T00:00:00Z'),
      items: [built],
      signers: world,
    },
    ['EXEMPTED_EVERYTHING'],
    { 'require[0].scanned': 'EXEMPTED' },
  ),
  deny(
    'deny-exempted-another',
    'an exemption is for one rule only',
    {
      require: ['signed: {by: [hosted-builder]}', scan],
      policy: exempting('scanned', '2026-06-02T00:00:00Z'),
      items: [built],
      signers: world,
    },
    ['SIGNER_NOT_NAMED'],
    { 'require[0].signed': 'MISSING', 'require[1].scanned': 'EXEMPTED' },
  ),
]

export const summaries: readonly Case[] = [...verified, ...levels, ...reproductions, ...exemptions]
