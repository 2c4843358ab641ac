import { allow, deny, type Case } from '../case.ts'
import { builderIds, keys, provenance, signed } from '../fixtures.ts'
import { built, people, pushedBy, reviewed, sourceSummary, testedAs, world } from '../world.ts'

const build =
  'built: {by: [release-builder], from: git+https://git.example/acme/shop, refs: [refs/heads/main], parameters: {target: [release]}}'
const review = 'reviewed: {by: [reviewers, git-server]}'
const test = 'tested: {by: [ci], suites: [unit]}'

function yes(name: string, says: string, rule: string, items: Case['items']): Case {
  return allow(`allow-${name}`, says, {
    require: [build, rule],
    items: [built, ...items],
    signers: world,
  })
}

function no(
  name: string,
  says: string,
  rule: string,
  items: Case['items'],
  codes: readonly string[],
  verdict: string,
): Case {
  const id = `require[1].${rule.slice(0, rule.indexOf(':'))}`
  return deny(
    `deny-${name}`,
    says,
    { require: [build, rule], items: [built, ...items], signers: world },
    codes,
    { [id]: verdict },
  )
}

export const source: readonly Case[] = [
  yes('reviewed', 'somebody other than the author has read the commit that was built', review, [
    reviewed(),
    pushedBy('erin'),
  ]),
  yes(
    'reviewed-author-unknown',
    'when nobody names the author, two reviewers are one besides the author',
    review,
    [reviewed(), reviewed(people.dave)],
  ),
  yes('reviewed-summary', 'a source platform says that two parties have reviewed', review, [
    sourceSummary({}, ['refs/heads/main']),
  ]),
  yes('reviewed-summary-property', 'the property is as good as the level', review, [
    sourceSummary({ verifiedLevels: ['SLSA_SOURCE_LEVEL_3', 'SLSA_SOURCE_TWO_PARTY_REVIEWED'] }),
  ]),
  yes('reviewed-after-rejection', 'the later word of one reviewer counts', review, [
    reviewed(people.carol, { verdict: 'rejected', reviewedOn: '2026-05-18T00:00:00Z' }),
    reviewed(),
    pushedBy('erin'),
  ]),
  no('reviewed-missing', 'nobody has reviewed', review, [], ['REVIEW_MISSING'], 'MISSING'),
  no(
    'reviewed-other-commit',
    'a review of another commit says nothing about this one',
    review,
    [reviewed(people.carol, { commit: 'ab'.repeat(20) })],
    ['REVIEW_MISSING'],
    'MISSING',
  ),
  no(
    'reviewed-one-unknown-author',
    'one review may be the author\u2019s own',
    review,
    [reviewed()],
    ['REVIEW_AUTHOR'],
    'MISSING',
  ),
  no(
    'reviewed-by-author',
    'an author does not review',
    review,
    [reviewed(), pushedBy('Carol')],
    ['REVIEW_AUTHOR'],
    'MISSING',
  ),
  no(
    'reviewed-twice-by-one',
    'two reviews by one owner are one',
    'reviewed: {by: [reviewers, git-server], approvals: 2}',
    [reviewed(), reviewed(people.carol, { reviewedOn: '2026-05-18T00:00:00Z' }), pushedBy('erin')],
    ['REVIEW_AUTHOR'],
    'MISSING',
  ),
  no(
    'reviewed-rejected',
    'who rejects is heard, whatever others and the platform say',
    review,
    [
      reviewed(people.carol, { verdict: 'rejected' }),
      reviewed(people.dave),
      sourceSummary(),
      pushedBy('erin'),
    ],
    ['REVIEW_REJECTED'],
    'FAIL',
  ),
  no(
    'reviewed-rejected-at-once',
    'of two words of one reviewer at the same time the rejection counts',
    review,
    [
      reviewed(),
      reviewed(people.carol, { verdict: 'rejected' }),
      reviewed(people.dave),
      pushedBy('erin'),
    ],
    ['REVIEW_REJECTED'],
    'FAIL',
  ),
  no(
    'reviewed-summary-in-future',
    'a summary of tomorrow',
    review,
    [sourceSummary({ timeVerified: '2030-01-01T00:00:00Z' })],
    ['TIME_IN_FUTURE'],
    'FAIL',
  ),
  no(
    'reviewed-other-repository',
    'a review in another repository is a review of something else',
    review,
    [reviewed(people.carol, { repository: 'git+https://git.example/acme/fork' }), pushedBy('erin')],
    ['REVIEW_OTHER'],
    'FAIL',
  ),
  no(
    'reviewed-other-ref',
    'a review for another branch is no review for this one',
    review,
    [reviewed(people.carol, { ref: 'refs/heads/main-evil' }), pushedBy('erin')],
    ['REVIEW_OTHER'],
    'FAIL',
  ),
  no(
    'reviewed-in-future',
    'a review of tomorrow',
    review,
    [reviewed(people.carol, { reviewedOn: '2027-01-01T00:00:00Z' }), pushedBy('erin')],
    ['TIME_IN_FUTURE'],
    'FAIL',
  ),
  no(
    'reviewed-by-stranger',
    'a review signed by nobody of the trust file',
    review,
    [reviewed(keys.stranger)],
    ['SIGNATURE_UNKNOWN_KEY'],
    'FAIL',
  ),
  no(
    'reviewed-summary-failed',
    'a platform that says no',
    review,
    [sourceSummary({ verificationResult: 'FAILED' })],
    ['SUMMARY_FAILED'],
    'FAIL',
  ),
  no(
    'reviewed-summary-level',
    'level 3 is not two parties',
    review,
    [sourceSummary({ verifiedLevels: ['SLSA_SOURCE_LEVEL_3'] })],
    ['SUMMARY_LEVELS'],
    'FAIL',
  ),
  no(
    'reviewed-summary-resource',
    'a summary about another repository',
    review,
    [sourceSummary({ resourceUri: 'git+https://git.example/acme/fork' })],
    ['SUMMARY_RESOURCE'],
    'FAIL',
  ),
  no(
    'reviewed-summary-ref',
    'a summary about another branch',
    review,
    [sourceSummary({}, ['refs/heads/feature'])],
    ['REVIEW_OTHER'],
    'FAIL',
  ),
  no(
    'reviewed-summary-verifier',
    'a verifier for which this signer may not speak',
    review,
    [sourceSummary({ verifierId: 'https://evil.example/scs' })],
    ['SUMMARY_VERIFIER'],
    'FAIL',
  ),
  deny(
    'deny-reviewed-no-provenance',
    'without provenance nothing leads to the commit, and that link is named',
    {
      require: [
        `signed: {by: [release-managers], types: ['https://sallyport.dev/attestation/approval/v1']}`,
        'reviewed: {by: [reviewers], builtBy: [release-builder]}',
      ],
      items: [reviewed(), reviewed(people.dave)],
      signers: world,
    },
    ['PROVENANCE_MISSING', 'APPROVAL_MISSING'].toReversed(),
    { 'require[1].reviewed': 'MISSING' },
  ),
  deny(
    'deny-reviewed-two-commits',
    'builders that disagree about the commit lead nowhere',
    {
      require: ['signed: {by: [release-builder, hosted-builder]}', 'reviewed: {by: [reviewers]}'],
      items: [
        built,
        signed(
          provenance({
            builderId: builderIds.hosted,
            uri: 'git+https://git.example/acme/shop',
            external: {
              source: {
                uri: 'git+https://git.example/acme/other',
                digest: { gitCommit: 'ab'.repeat(20) },
              },
            },
          }),
          keys.hosted,
        ),
        reviewed(),
        reviewed(people.dave),
      ],
      signers: world,
    },
    ['EVIDENCE_AMBIGUOUS'],
    { 'require[1].reviewed': 'FAIL' },
  ),
  {
    name: 'policy-error-reviewed-without-builder',
    says: 'a rule about the source needs somebody who is believed about builds',
    require: ['reviewed: {by: [reviewers]}'],
    items: [built, reviewed()],
    signers: world,
    expected: {
      verdict: 'POLICY_ERROR',
      codes: ['POLICY_CHAIN'],
      rules: { 'require[0].reviewed': 'ERROR' },
    },
  },
  {
    name: 'undetermined-reviewed-unavailable',
    says: 'a review may lie where nobody could look',
    require: [build, review],
    items: [built],
    signers: world,
    sources: [{ name: 'reviews', outcome: 'unavailable', detail: 'timed out' }],
    expected: {
      verdict: 'UNDETERMINED',
      codes: ['EVIDENCE_UNAVAILABLE', 'REVIEW_MISSING'],
      rules: { 'require[1].reviewed': 'UNVERIFIABLE' },
    },
  },
  yes('tested', 'the suite passed on the commit that was built', test, [testedAs('PASSED')]),
  yes(
    'tested-artifact',
    'the suite passed on the artifact',
    'tested: {by: [ci], suites: [unit], of: artifact}',
    [testedAs('PASSED', {}, 'artifact')],
  ),
  yes('tested-by-test', 'a suite may be the name of a test', 'tested: {by: [ci], suites: [e2e]}', [
    testedAs('PASSED', { passedTests: ['e2e'] }),
  ]),
  yes(
    'tested-warnings',
    'warnings pass where the policy says so',
    'tested: {by: [ci], suites: [unit], warnings: allow}',
    [testedAs('WARNED', { warnedTests: ['slow'] })],
  ),
  no('tested-missing', 'no result at all', test, [], ['TEST_MISSING'], 'MISSING'),
  no(
    'tested-of-artifact',
    'a result about the artifact is none about the commit',
    test,
    [testedAs('PASSED', {}, 'artifact')],
    ['TEST_MISSING'],
    'MISSING',
  ),
  no(
    'tested-failed',
    'a suite that failed',
    test,
    [testedAs('FAILED', { failedTests: ['pays'] })],
    ['TEST_FAILED'],
    'FAIL',
  ),
  no(
    'tested-warned',
    'a warning is no pass',
    test,
    [testedAs('WARNED', { warnedTests: ['slow'] })],
    ['TEST_FAILED'],
    'FAIL',
  ),
  no(
    'tested-lie',
    'a run that passed with a failed test has not passed',
    test,
    [testedAs('PASSED', { failedTests: ['pays'] })],
    ['TEST_FAILED'],
    'FAIL',
  ),
  no(
    'tested-both',
    'a failure counts, whatever another run says',
    test,
    [testedAs('PASSED'), testedAs('FAILED')],
    ['TEST_FAILED'],
    'FAIL',
  ),
  no(
    'tested-suite-missing',
    'every suite has to be run',
    'tested: {by: [ci], suites: [unit, e2e]}',
    [testedAs('PASSED')],
    ['TEST_SUITE_MISSING'],
    'MISSING',
  ),
  no(
    'tested-nothing',
    'a run that ran nothing',
    test,
    [testedAs('PASSED', { configuration: [] })],
    ['TEST_SUITE_MISSING'],
    'MISSING',
  ),
  no(
    'tested-malformed',
    'a result that is none',
    test,
    [testedAs('MAYBE')],
    ['ATTESTATION_FIELD'],
    'FAIL',
  ),
]
