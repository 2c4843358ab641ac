import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCanonical, sha256Hex } from '#document'
import { keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import type { EvidenceItem } from './index.ts'
import {
  builderIds,
  decideOn,
  keys,
  provenance,
  sha256,
  signed,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'
import { built, people, pushedBy, rebuilderId, reviewed, testedAs, world } from './testing/world.ts'

const trust = trustOf(world)
const review = 'reviewed: {by: [reviewers, git-server], builtBy: [release-builder]}'
const tests = 'tested: {by: [ci], suites: [unit], builtBy: [release-builder]}'
const all = [built, reviewed(), pushedBy('erin'), testedAs('PASSED')]

/** An index that lists the artifact, and provenance of that. */
const index = encodeCanonical({
  schemaVersion: 2,
  manifests: [
    {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${sha256}`,
      size: 1,
    },
  ],
})
const ofIndex = signed(provenance({ sha256: sha256Hex(index) }))

function walk(items: readonly EvidenceItem[], indexes: readonly Uint8Array[] = []) {
  const sources = [{ name: 'registry', outcome: 'found' }] as const
  const evidence = { items, sources, related: indexes.map((bytes) => ({ index: bytes })) }
  return decideOn([review, tests], [], { trust, evidence })
}

test('the chain is walked from the artifact through each attestation to the reviewed commit (PRV-25)', () => {
  const { verdict, rules } = walk(all)
  assert.equal(verdict, 'ALLOW')
  const [reviews] = rules
  assert.ok(reviews?.facts.some(({ name }) => name === 'source.commit'))
  // Whatever the answer rests on is named, link by link.
  assert.equal(new Set(reviews?.evidence).size, 2)
  assert.ok(reviews?.evidence.includes(built.digest))
})

test('the chain begins one link earlier where provenance is about the index', () => {
  const items = [ofIndex, ...all.slice(1)]
  assert.equal(walk(items, [index]).verdict, 'ALLOW')
  const { verdict, rules } = walk(items)
  assert.equal(verdict, 'DENY')
  assert.match(rules[0]?.hop ?? '', /^artifact → provenance/)
})

test('the first link that is missing is named, and no later one', () => {
  const without = (gone: EvidenceItem): readonly EvidenceItem[] => all.filter((one) => one !== gone)
  const [, opinion = assert.fail(), author = assert.fail(), result = assert.fail()] = all
  for (const [items, hops, code] of [
    [without(built), ['artifact → provenance', 'artifact → provenance'], 'PROVENANCE_MISSING'],
    [without(opinion), [/commit → review/, undefined], 'REVIEW_MISSING'],
    [without(author), [/commit → review/, undefined], 'REVIEW_AUTHOR'],
    [without(result), [undefined, /commit → test result/], 'TEST_MISSING'],
  ] as const) {
    const { verdict, rules, reasons } = walk(items)
    assert.equal(verdict, 'DENY')
    assert.equal(reasons[0]?.code, code)
    for (const [at, hop] of hops.entries()) {
      const found = rules[at]?.hop
      if (typeof hop === 'string' || hop === undefined) assert.equal(found, hop)
      else assert.match(found ?? '', hop)
    }
  }
})

test('provenance that names no commit, or two, breaks the chain where it stands', () => {
  const tail = all.slice(1)
  const other = [{ uri: 'git+https://git.example/acme/x', digest: { gitCommit: 'ab'.repeat(20) } }]
  const elsewhere = signed(
    provenance({
      dependencies: other,
      external: { source: { uri: 'git+https://git.example/acme/x' } },
    }),
  )
  const { rules, verdict } = walk([built, elsewhere, ...tail])
  assert.equal(verdict, 'DENY')
  assert.equal(rules[0]?.hop, 'provenance → commit')
  assert.equal(rules[0].problems[0]?.code, 'EVIDENCE_AMBIGUOUS')
})

test('a chain that was walked is as good as its first signer to end', () => {
  const ending = trustOf({
    ...world,
    'release-builder': {
      ...(trustEntries['release-builder'] as object),
      keys: [keyEntry(keys.builder, { validUntil: '2026-06-10T00:00:00Z' })],
    },
  })
  const decision = decideOn([review], all, { trust: ending })
  assert.equal(decision.validUntil, '2026-06-10T00:00:00.000Z')
})

test('two signers with the keys of one person are one rebuilder', () => {
  const [one, other] = [makeKey(), makeKey()]
  const trusted = (owner: string) =>
    trustOf({
      first: {
        keys: [keyEntry(one, { owner: 'alice' })],
        predicateTypes: ['https://slsa.dev/provenance/v1'],
        builders: [{ id: builderIds.pinned, level: 1 }],
      },
      second: {
        keys: [keyEntry(other, { owner })],
        predicateTypes: ['https://slsa.dev/provenance/v1'],
        builders: [{ id: rebuilderId, level: 1 }],
      },
    })
  const items = [signed(provenance(), one), signed(provenance({ builderId: rebuilderId }), other)]
  const ask = (owner: string) =>
    decideOn(['reproduced: {by: [first, second]}'], items, { trust: trusted(owner) }).verdict
  assert.equal(ask('bob'), 'ALLOW')
  assert.equal(ask('alice'), 'DENY')
})

test('a reviewer who is believed for another commit leads nowhere', () => {
  const items = [built, reviewed(people.carol, { commit: 'ab'.repeat(20) }), pushedBy('erin')]
  assert.equal(walk(items).rules[0]?.verdict, 'MISSING')
})
