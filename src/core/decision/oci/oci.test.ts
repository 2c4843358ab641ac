import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson, sha256Hex, type JsonObject } from '#document'
import { createVerifier } from '#trust'
import { decide, encodeDecision, type Decision, type EvidenceItem } from '../index.ts'
import {
  approval,
  builtRule,
  evidenceOf,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
  trust,
} from '../testing/fixtures.ts'

const ociIndex = 'application/vnd.oci.image.index.v1+json'
const ociImage = 'application/vnd.oci.image.manifest.v1+json'

const amd64 = sha256Hex('the image for amd64')
const arm64 = sha256Hex('the image for arm64')

function listed(digest: string, more: JsonObject = {}): JsonObject {
  return { mediaType: ociImage, digest: `sha256:${digest}`, size: 500, ...more }
}

const forAmd64 = listed(amd64, { platform: { os: 'linux', architecture: 'amd64' } })
const forArm64 = listed(arm64, { platform: { os: 'linux', architecture: 'arm64' } })
const attestation = listed('ee'.repeat(32), {
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  platform: { os: 'unknown', architecture: 'unknown' },
})

function indexOf(manifests: readonly JsonObject[], more: JsonObject = {}): Uint8Array {
  return Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: ociIndex, manifests, ...more }))
}

const good = indexOf([forAmd64, forArm64, attestation])

/** Provenance about one digest. */
function about(sha256: string): EvidenceItem {
  return signed(provenance({ sha256 }))
}

interface Asked {
  readonly artifact: string
  readonly items: readonly EvidenceItem[]
  readonly indexes?: readonly Uint8Array[]
  readonly rules?: readonly string[]
  readonly policy?: string
}

function ask({ artifact, items, indexes = [good], rules = [builtRule], policy = '' }: Asked) {
  const related = indexes.map((index) => ({ index }))
  const input = {
    request: { ...request, artifact: { name: 'shop', digest: { sha256: artifact } } },
    evidence: { ...evidenceOf(...items), related },
    policies: policiesOf(policyText(rules, policy)),
    trust,
    now,
  }
  const decision = decide(input)
  const again = decide({ ...input, verifier: createVerifier(trust) })
  assert.deepEqual(encodeDecision(again), encodeDecision(decision))
  return decision
}

const codes = ({ reasons }: Decision): readonly string[] => reasons.map(({ code }) => code)
const images = 'multiPlatform: images'

test('what is said about an index is said about the images that it lists, and the link is told', () => {
  const decision = ask({ artifact: arm64, items: [about(sha256Hex(good))] })
  assert.equal(decision.verdict, 'ALLOW')
  const name = `index sha256:${sha256Hex(good)}`
  assert.equal(decision.evidence[0]?.about, name)
  assert.ok(decision.rules[0]?.facts.some((fact) => fact.name === 'through' && fact.value === name))
  assert.deepEqual(decision.inputs.indexes, [sha256Hex(good)])
})

test('a refusal names the index by which the evidence came', () => {
  const item = signed(provenance({ sha256: sha256Hex(good), uri: 'git+https://evil.example/x' }))
  const decision = ask({ artifact: arm64, items: [item] })
  assert.equal(decision.verdict, 'DENY')
  assert.match(decision.rules[0]?.hop ?? '', /^artifact → index sha256:[0-9a-f]{64}/)
})

test('evidence about an index counts for nothing that it does not list', () => {
  const stranger = sha256Hex('somebody else')
  const decision = ask({ artifact: stranger, items: [about(sha256Hex(good))] })
  assert.equal(decision.verdict, 'DENY')
  assert.match(decision.reasons[0]?.found ?? '', /index, which does not list the artifact/)
})

test('evidence about one image says nothing about the image beside it', () => {
  assert.equal(ask({ artifact: arm64, items: [about(amd64)] }).verdict, 'DENY')
})

test('an index that somebody has made around a signed image is not let in', () => {
  const evil = listed(sha256Hex('evil'), { platform: { os: 'linux', architecture: 'amd64' } })
  const theirs = indexOf([forArm64, evil])
  for (const policy of ['', images]) {
    const decision = ask({
      artifact: sha256Hex(theirs),
      items: [about(arm64)],
      indexes: [theirs],
      policy,
    })
    assert.equal(decision.verdict, 'DENY')
  }
})

test('an index is not covered by its images unless the policy says so', () => {
  const items = [about(amd64), about(arm64)]
  const strict = ask({ artifact: sha256Hex(good), items })
  assert.deepEqual(codes(strict), ['EVIDENCE_OF_IMAGE'])
  assert.match(strict.reasons[0]?.found ?? '', /linux\/a\w+64 sha256:.* one of the 2 images/)
  assert.equal(ask({ artifact: sha256Hex(good), items, policy: images }).verdict, 'ALLOW')
})

test('every image of an index has to be covered, and the one that is not is named', () => {
  const decision = ask({ artifact: sha256Hex(good), items: [about(amd64)], policy: images })
  assert.equal(decision.verdict, 'DENY')
  assert.match(decision.rules[0]?.hop ?? '', /artifact → image linux\/arm64 sha256:/)
  assert.ok(decision.reasons.every(({ found }) => found.includes('linux/arm64')))
})

test('rules may be answered by the index and by its images together', () => {
  const rules = [builtRule, 'allowed: {by: [release-managers], environment: production}']
  const ofIndex = signed(approval('production', { sha256: sha256Hex(good) }), keys.alice)
  const items = [about(amd64), about(arm64), ofIndex]
  assert.equal(ask({ artifact: sha256Hex(good), items, rules, policy: images }).verdict, 'ALLOW')
})

test('an image of an index is exempted from nothing by what it calls itself', () => {
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
  for (const hidden of [
    listed(arm64, { annotations, platform: { os: 'linux', architecture: 'arm64' } }),
    listed(arm64, { platform: { os: 'unknown', architecture: 'unknown' } }),
    listed(arm64),
  ]) {
    const index = indexOf([forAmd64, hidden])
    const all = { artifact: sha256Hex(index), indexes: [index], policy: images }
    assert.equal(ask({ ...all, items: [about(amd64)] }).verdict, 'DENY')
    assert.equal(ask({ ...all, items: [about(amd64), about(arm64)] }).verdict, 'ALLOW')
  }
})

test('an index without images, or with something that is none, is not judged by images', () => {
  const nested = { ...forArm64, mediaType: ociIndex }
  const odd = { ...forArm64, mediaType: 'application/vnd.oci.artifact.manifest.v1+json' }
  const many = Array.from({ length: 33 }, (_, n) => listed(sha256Hex(`image ${n}`)))
  for (const manifests of [[], [attestation], [forAmd64, nested], [forAmd64, odd], many]) {
    const index = indexOf(manifests)
    const items = [about(amd64), about(arm64)]
    const decision = ask({ artifact: sha256Hex(index), items, indexes: [index], policy: images })
    assert.equal(decision.verdict, 'DENY')
    assert.ok(codes(decision).includes('INDEX_IMAGES'))
    const told = decision.reasons.find(({ code }) => code === 'INDEX_IMAGES')?.found ?? ''
    assert.equal(told.startsWith('another index: '), manifests.includes(nested))
  }
})

test('a place that could not be looked at is told once, and not for every image', () => {
  const sources = [{ name: 'registry', outcome: 'unavailable', detail: 'no connection' }] as const
  const decision = decide({
    request: { ...request, artifact: { name: 'shop', digest: { sha256: sha256Hex(good) } } },
    evidence: { items: [], sources, related: [{ index: good }] },
    policies: policiesOf(policyText([builtRule], images)),
    trust,
    now,
  })
  assert.equal(decision.verdict, 'UNDETERMINED')
  assert.equal(codes(decision).filter((code) => code === 'EVIDENCE_UNAVAILABLE').length, 1)
})

test('an index of indexes is not followed', () => {
  const outer = indexOf([
    { mediaType: ociIndex, digest: `sha256:${sha256Hex(good)}`, size: good.length },
  ])
  const items = [about(sha256Hex(outer))]
  assert.equal(ask({ artifact: amd64, items, indexes: [good, outer] }).verdict, 'DENY')
  const ofInner = ask({ artifact: sha256Hex(good), items, indexes: [good, outer] })
  assert.deepEqual(codes(ofInner), ['INDEX_AMBIGUOUS'])
})

test('what one reader takes for an index and another for an image is neither', () => {
  const both = { config: listed('aa'.repeat(32)), layers: [] }
  const platform = { platform: { os: 'linux' } }
  for (const index of [
    indexOf([forArm64], both),
    indexOf([forArm64], { mediaType: ociImage }),
    indexOf([forArm64], { schemaVersion: 1 }),
    indexOf([listed(arm64, platform)]),
    indexOf([listed(arm64, { size: -1 })]),
    indexOf([{ ...forArm64, digest: 'sha256:short' }]),
    indexOf([{ ...forArm64, digest: `sha512:${'ab'.repeat(64)}` }]),
    Buffer.from(`{"schemaVersion":2,"manifests":[],${good.toString().slice(1)}`),
    Buffer.from('[]'),
    Buffer.from('null'),
    Buffer.from('"text"'),
    Buffer.from('not json'),
    new Uint8Array(),
  ]) {
    const decision = ask({ artifact: arm64, items: [about(sha256Hex(index))], indexes: [index] })
    assert.equal(decision.verdict, 'DENY')
    assert.deepEqual(codes(decision), ['INDEX_MALFORMED'])
  }
})

test('a digest that is described in two ways is described in none', () => {
  for (const twin of [
    listed(arm64, { size: 501 }),
    { ...forArm64, mediaType: ociIndex },
    { ...attestation, digest: `sha256:${arm64}` },
  ]) {
    const index = indexOf([forArm64, twin])
    const decision = ask({ artifact: arm64, items: [about(sha256Hex(index))], indexes: [index] })
    assert.deepEqual(codes(decision), ['INDEX_AMBIGUOUS'])
  }
  const armv7 = listed(arm64, { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } })
  const twice = indexOf([forArm64, armv7])
  const decision = ask({ artifact: arm64, items: [about(sha256Hex(twice))], indexes: [twice] })
  assert.equal(decision.verdict, 'ALLOW')
})

test('the size of what is there has to be what the index says', () => {
  const outer = indexOf([
    { mediaType: ociIndex, digest: `sha256:${sha256Hex(good)}`, size: good.length + 1 },
    forArm64,
  ])
  const items = [about(sha256Hex(outer))]
  assert.equal(ask({ artifact: arm64, items, indexes: [outer] }).verdict, 'ALLOW')
  const decision = ask({ artifact: arm64, items, indexes: [good, outer] })
  assert.deepEqual(codes(decision), ['INDEX_AMBIGUOUS'])
})

test('an artifact that is an index is not taken for an image because an index says so', () => {
  const liar = indexOf([listed(sha256Hex(good), { size: good.length })])
  const decision = ask({
    artifact: sha256Hex(good),
    items: [about(sha256Hex(liar))],
    indexes: [good, liar],
  })
  assert.deepEqual(codes(decision), ['INDEX_AMBIGUOUS'])
})

test('other bytes than those that were signed tie nothing together', () => {
  const changed = indexOf([forAmd64, forArm64])
  const decision = ask({ artifact: arm64, items: [about(sha256Hex(good))], indexes: [changed] })
  assert.deepEqual(codes(decision), ['EVIDENCE_OTHER_ARTIFACT'])
})

test('what is said about the image goes before what is said about its index', () => {
  const bad = signed(provenance({ sha256: sha256Hex(good), ref: 'refs/heads/other' }))
  assert.equal(ask({ artifact: arm64, items: [bad, about(arm64)] }).verdict, 'ALLOW')
  const ofImage = signed(provenance({ sha256: arm64, ref: 'refs/heads/other' }))
  assert.equal(ask({ artifact: arm64, items: [ofImage, about(sha256Hex(good))] }).verdict, 'DENY')
})

test('more indexes than any artifact has are not all looked at', () => {
  const many = Array.from({ length: 100 }, (_, n) =>
    indexOf([forArm64], { annotations: { n: String(n) } }),
  )
  const decision = ask({ artifact: arm64, items: [about(arm64)], indexes: many })
  assert.equal(decision.verdict, 'ALLOW')
  assert.equal(decision.inputs.indexes?.length, 32)
})
