import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeStatement } from '#attestation'
import { gradeBuild, type EvidenceItem } from './index.ts'
import {
  builderIds,
  builtRule,
  codesOf,
  decideOn,
  evidenceOf,
  isolation,
  item,
  keys,
  now,
  provenance,
  request,
  signed,
  trust,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'

function grade(items: readonly EvidenceItem[], known = trust) {
  return gradeBuild({ request, evidence: evidenceOf(...items), trust: known, now })
}

const hosted = (more: Parameters<typeof provenance>[0] = {}): EvidenceItem =>
  signed(provenance({ builderId: builderIds.hosted, ...more }), keys.hosted)
const unsigned = item(encodeStatement(provenance()))

/** A trust file that says more of a workstation than a workstation can hold. */
const generous = trustOf({
  ...trustEntries,
  'release-builder': {
    ...(trustEntries['release-builder'] as object),
    builders: [{ id: builderIds.pinned, level: 3 }],
  },
})

test('a grade is what the evidence shows, and says what keeps it from more (SLS-01)', () => {
  for (const [items, level, verified, because] of [
    [[], 0, false, /no provenance/],
    [[signed(provenance({ sha256: 'ab'.repeat(32) }))], 0, false, /no provenance/],
    [[unsigned], 1, false, /unsigned provenance/],
    [[signed(provenance(), keys.stranger)], 1, false, /nobody vouches for: SIGNATURE_UNKNOWN_KEY/],
    [[signed(provenance())], 1, true, /release-builder claim level 1/],
    [[hosted()], 3, true, /hosted-builder claim level 3/],
    [[unsigned, signed(provenance()), hosted()], 3, true, /level 3/],
  ] as const) {
    const found = grade(items)
    assert.deepEqual([found.level, found.isVerified], [level, verified])
    assert.match(found.because[0] ?? '', because)
  }
})

test('unsigned provenance informs, and lets nothing in (SLS-02)', () => {
  assert.equal(grade([unsigned]).level, 1)
  const decision = decideOn(['minimumLevel: {by: [release-builder], level: 1}'], [unsigned])
  assert.equal(decision.verdict, 'DENY')
})

test('a signature made on a workstation is none of a hosted platform, whatever a file says (SLS-03)', () => {
  const found = grade([signed(provenance())], generous)
  assert.equal(found.level, 1)
  assert.match(found.because[0] ?? '', /no hosted platform/)
  const rule = 'minimumLevel: {by: [release-builder], level: 2}'
  const decision = decideOn([rule], [signed(provenance())], { trust: generous })
  assert.deepEqual(codesOf(decision), ['LEVEL_TOO_LOW'])
  assert.match(decision.reasons[0]?.found ?? '', /level 1: .* is no hosted platform/)
})

const builtAt = (level: number): string =>
  builtRule.replace('release-builder', 'hosted-builder').replace('{', `{level: ${level}, `)

test('level 3 asks for the isolation that the provenance would record (SLS-04)', () => {
  for (const internal of [
    {},
    { ...isolation, sallyport_probes: { passed: 0, failed: 0 } },
    { ...isolation, sallyport_probes: { passed: 24, failed: 1 } },
    { ...isolation, sallyport_sandbox: { backend: 'x', root: 'pinned', network: 'host' } },
  ]) {
    assert.equal(grade([hosted({ internal })]).level, 2)
    const rule = (level: number): string => `minimumLevel: {by: [hosted-builder], level: ${level}}`
    assert.equal(decideOn([rule(2)], [hosted({ internal })]).verdict, 'ALLOW')
    assert.equal(decideOn([rule(3)], [hosted({ internal })]).verdict, 'DENY')
    const { reasons } = decideOn([builtAt(3)], [hosted({ internal })])
    const found = reasons.find(({ code }) => code === 'BUILDER_LEVEL')?.found ?? ''
    assert.match(found, /^level 2: .* does not record/)
    const enough = decideOn([builtAt(2)], [hosted({ internal })])
    assert.ok(!codesOf(enough).includes('BUILDER_LEVEL'))
  }
  assert.equal(decideOn([builtAt(3)], [hosted()]).verdict, 'ALLOW')
})

test('a level can be asked for in one environment and not in another (SLS-07)', () => {
  const decision = decideOn(
    ['minimumLevel: {by: [release-builder], level: 1}'],
    [signed(provenance())],
  )
  assert.equal(decision.verdict, 'ALLOW')
  const names = decision.rules[0]?.facts.map(({ name }) => name) ?? []
  assert.ok(names.includes('level') && names.includes('level.limit'))
})

test('evidence that cannot be read is level 0 and never a failure', () => {
  for (const bytes of ['{', '{}', '[]', '', '{"_type":"x"}']) {
    assert.equal(grade([item(Buffer.from(bytes))]).level, 0)
  }
})
