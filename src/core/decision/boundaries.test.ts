import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import type { EvidenceItem } from './index.ts'
import {
  approval,
  builderIds,
  codesOf,
  decideOn,
  keys,
  now,
  provenance,
  repository,
  signed,
  trustOf,
} from './testing/fixtures.ts'
import {
  built,
  leftPad,
  listed,
  people,
  pushedBy,
  result,
  reviewed,
  scannedOn,
  sourceSummary,
  summary,
  types,
  verifierId,
  vex,
  world,
} from './testing/world.ts'

const trust = trustOf(world)
const at = (milliseconds: number): string => new Date(now.getTime() + milliseconds).toISOString()
const skew = 5 * 60_000
const day = 86_400_000
const ask = (rule: string, items: readonly EvidenceItem[]) => decideOn([rule], items, { trust })
const by = 'by: [release-builder]'
const vsa = `verified: {by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2], within: 7d}`
const svr = `verified: {by: [verifier], form: svr, verifier: '${verifierId}', levels: [ORG_CHECKED], within: 7d}`
const reviews = 'reviewed: {by: [reviewers, git-server], builtBy: [release-builder]}'

/** Whatever carries a time: its rule, and the evidence of that time. */
const timed: readonly (readonly [string, (time: string) => readonly EvidenceItem[], number?])[] = [
  ['scanned: {by: [scanner], within: 7d, deny: {severity: high}}', (time) => [scannedOn(time)], 7],
  [vsa, (timeVerified) => [summary({ timeVerified })], 7],
  [svr, (timeCreated) => [result({ timeCreated })], 7],
  ['minimumLevel: {by: [verifier], level: 2}', (timeVerified) => [summary({ timeVerified })]],
  [`recent: {${by}, commit: 7d}`, (committedAt) => [signed(provenance({ committedAt }))], 7],
  [`recent: {${by}, build: 7d}`, (finishedOn) => [signed(provenance({ finishedOn }))], 7],
  [
    'allowed: {by: [release-managers]}',
    (approvedOn) => [signed(approval('production', { approvedOn }), keys.alice)],
  ],
  [reviews, (reviewedOn) => [built, reviewed(people.carol, { reviewedOn }), pushedBy('erin')]],
  [
    reviews.replace('reviewers, ', ''),
    (timeVerified) => [built, sourceSummary({ timeVerified }, ['refs/heads/main'])],
  ],
]

for (const [index, [rule, of, days]] of timed.entries()) {
  const name = rule.slice(0, rule.indexOf(':'))
  test(`${name} ${index}: clocks may differ by five minutes, and not by a millisecond more`, () => {
    assert.equal(ask(rule, of(at(skew))).verdict, 'ALLOW')
    const late = ask(rule, of(at(skew + 1)))
    assert.equal(late.verdict, 'DENY')
    assert.ok(codesOf(late).includes('TIME_IN_FUTURE'))
  })

  if (days === undefined) continue
  test(`${name} ${index}: what is good for ${days} days is good until they are over, and not then`, () => {
    const fresh = ask(rule, of(at(-days * day + 1)))
    assert.equal(fresh.verdict, 'ALLOW')
    assert.equal(fresh.validUntil, at(1))
    assert.equal(ask(rule, of(at(-days * day))).rules[0]?.verdict, 'STALE')
  })
}

test('any of the values that a rule allows will do, and no other', () => {
  const rule = `built: {${by}, from: ${repository}, refs: [refs/heads/main, refs/heads/next], parameters: {target: [release, debug]}}`
  for (const target of ['release', 'debug', 'test']) {
    for (const ref of ['refs/heads/main', 'refs/heads/next', 'refs/heads/other']) {
      const isGood = target !== 'test' && ref !== 'refs/heads/other'
      const items = [signed(provenance({ ref, parameters: { target } }))]
      assert.equal(ask(rule, items).verdict, isGood ? 'ALLOW' : 'DENY', `${target} ${ref}`)
    }
  }
})

test('two people with one builder are no two builds that agree', () => {
  const [one, other] = [makeKey(), makeKey()]
  const signer = (key: typeof one, id: string) => ({
    keys: [keyEntry(key)],
    predicateTypes: ['https://slsa.dev/provenance/v1'],
    builders: [{ id, level: 1 }],
  })
  const second = 'https://other.example/v1'
  for (const [id, verdict] of [
    [builderIds.pinned, 'DENY'],
    [second, 'ALLOW'],
  ] as const) {
    const trusted = trustOf({ first: signer(one, builderIds.pinned), second: signer(other, id) })
    const items = [signed(provenance(), one), signed(provenance({ builderId: id }), other)]
    const rule = 'reproduced: {by: [first, second]}'
    assert.equal(decideOn([rule], items, { trust: trusted }).verdict, verdict)
  }
})

test('a scanner that may also judge what it finds does so only where the policy asks', () => {
  const one = people.scanner
  const both = trustOf({
    ...world,
    scanner: { keys: [keyEntry(one)], predicateTypes: [types.vulns, types.openvex] },
  })
  const bad = [{ id: 'CVE-2026-1', severity: 'critical' }]
  const items = [scannedOn(at(-day), bad), vex('CVE-2026-1', 'not_affected', one)]
  const scan = 'scanned: {by: [scanner], within: 7d, deny: {severity: high'
  const verdict = (rule: string) => decideOn([rule], items, { trust: both }).verdict
  assert.equal(verdict(`${scan}, unless: vex}}`), 'ALLOW')
  assert.equal(verdict(`${scan}}}`), 'DENY')
})

test('a refusal tells what a VEX document said, and what to replace', () => {
  const bad = [{ id: 'CVE-2026-1', severity: 'critical', purl: 'pkg:npm/left-pad@1.3.0' }]
  const items = [scannedOn(at(-day), bad), vex('CVE-2026-1', 'affected')]
  const rule =
    'scanned: {by: [scanner], within: 7d, deny: {severity: high, unless: vex, vexBy: [security]}}'
  const refused = ask(rule, items)
  assert.match(refused.reasons[0]?.found ?? '', /left-pad@1\.3\.0.*affected says VEX/)
  const silent = ask(rule, items.slice(0, 1))
  assert.doesNotMatch(silent.reasons[0]?.found ?? '', /says VEX/)
  const gpl = { ...leftPad, licenses: [{ license: { id: 'GPL-3.0-only' } }] }
  const licences = ask('sbom: {by: [lister], licenses: {deny: [GPL-3.0-only]}}', [listed([gpl])])
  assert.match(licences.reasons[0]?.fix ?? '', /^Replace .*left-pad/)
})

test('a parameter may be left unset where one of the allowed values says so', () => {
  const rule = (flag: string): string =>
    `built: {${by}, from: ${repository}, refs: [refs/heads/main], parameters: {target: [release], flag: ${flag}}}`
  const items = [signed(provenance())]
  assert.equal(ask(rule("['', 'on']"), items).verdict, 'ALLOW')
  assert.deepEqual(codesOf(ask(rule("['off', 'on']"), items)), ['PARAMETER_VALUE'])
})

test('what is recent is told with its commit, its times and its version', () => {
  const { rules } = ask(`recent: {${by}, commit: 90d}`, [signed(provenance())])
  const names = rules[0]?.facts.map(({ name }) => name) ?? []
  for (const name of ['source.commit', 'source.committedAt', 'builtAt', 'version']) {
    assert.ok(names.includes(name), name)
  }
})

test('a version for each package names the packages that it knows, and the one that was found', () => {
  const rule = `recent: {${by}, version: {'pkg:npm/other': '>=1.0.0', 'pkg:npm/more': '>=1.0.0'}}`
  const found = ask(rule, [signed(provenance())]).reasons[0]
  assert.match(found?.expected ?? '', /pkg:npm\/other, pkg:npm\/more/)
  assert.match(found?.found ?? '', /pkg:npm\/shop/)
  const nameless = signed(provenance({ purl: null, name: '' }))
  assert.equal(ask(rule, [nameless]).verdict, 'DENY')
})

test('a summary without the level is refused with the levels that it has', () => {
  const foundIn = (verifiedLevels: readonly string[]): string | undefined => {
    const { reasons } = ask(vsa, [summary({ verifiedLevels })])
    return reasons.find(({ code }) => code === 'SUMMARY_LEVELS')?.found
  }
  assert.equal(foundIn([]), 'no level at all')
  assert.equal(
    foundIn(['SLSA_BUILD_LEVEL_1', 'ORG_CHECKED']),
    '"SLSA_BUILD_LEVEL_1", "ORG_CHECKED"',
  )
})

test('a component with a package URL is known by that, and by no name beside it', () => {
  const rule = "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad']}}"
  const elsewhere = { ...leftPad, purl: 'pkg:pypi/left-pad@1.3.0' }
  const disguised = { ...leftPad, name: 'other' }
  assert.equal(ask(rule, [listed([elsewhere])]).verdict, 'ALLOW')
  assert.deepEqual(codesOf(ask(rule, [listed([disguised])])), ['SBOM_PACKAGE'])
})
