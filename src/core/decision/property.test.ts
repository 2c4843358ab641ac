import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAttestation, predicateTypes } from '#attestation'
import type { Json } from '#document'
import { bundleBytes, envelopeBytes } from '../trust/testing/fixtures.ts'
import {
  decide,
  decisionExitCode,
  encodeDecision,
  type Decision,
  type EvidenceItem,
} from './index.ts'
import {
  approval,
  builtRule,
  evidenceOf,
  isolation,
  item,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  repository,
  request,
  sha256,
  signed,
  trust,
} from './testing/fixtures.ts'

const policies = policiesOf(
  policyText(
    [
      builtRule,
      'hermetic: {by: [release-builder]}',
      "recent: {by: [release-builder], commit: 90d, build: 30d, version: '>=1.2.0'}",
    ],
    "artifacts: ['pkg:npm/shop']",
  ),
)
const simplest = policiesOf(policyText(['signed: {by: [release-builder]}']))

/** Decides, and checks what holds for every decision whatever it was made from. */
function decideSafely(items: readonly EvidenceItem[], set = policies): Decision {
  const decision = decide({ request, evidence: evidenceOf(...items), policies: set, trust, now })
  assert.equal(decision.verdict === 'ALLOW', decision.effect === 'admitted')
  assert.equal(decision.verdict === 'ALLOW', decisionExitCode(decision) === 0)
  assert.equal(decision.verdict === 'ALLOW', decision.reasons.length === 0)
  assert.equal(decision.evidence.length, items.length)
  assert.ok(encodeDecision(decision).length > 0)
  for (const { verdict, problems } of decision.rules)
    assert.equal(verdict === 'PASS', problems.length === 0)
  for (const { expected, found, fix } of decision.reasons) {
    assert.ok(expected !== '' && found !== '')
    assert.match(fix, /^[A-Z][a-z]+ /)
  }
  return decision
}

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => value as Json)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'binary' }).map((text) => Uint8Array.from(Buffer.from(text))),
  json.map((value) => Uint8Array.from(Buffer.from(JSON.stringify(value)))),
)

test('random evidence never gets a yes, and never makes a decision fail', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (all) => {
      for (const set of [policies, simplest]) {
        assert.equal(
          decideSafely(
            all.map((one) => item(one)),
            set,
          ).verdict,
          'DENY',
        )
      }
    }),
    { numRuns: 400 },
  )
})

const someType = fc.constantFrom(
  predicateTypes.slsaProvenanceV1,
  predicateTypes.slsaProvenanceV02,
  predicateTypes.jwtProvenance,
  predicateTypes.approval,
  'https://example.com/x',
)

const someStatement = fc.record(
  {
    _type: fc.constantFrom(
      'https://in-toto.io/Statement/v1',
      'https://in-toto.io/Statement/v0.1',
      'x',
    ),
    subject: fc.oneof(
      json,
      fc.constant<Json>([{ name: 'shop', digest: { sha256 } }]),
      fc.constant<Json>([{ digest: { sha256: 'ab'.repeat(32) } }]),
    ),
    predicateType: fc.oneof(json, someType),
    predicate: fc.oneof(
      json,
      fc.record({
        buildDefinition: fc.oneof(
          json,
          fc.record({ buildType: json, externalParameters: json, resolvedDependencies: json }),
        ),
        runDetails: fc.oneof(
          json,
          fc.record({
            builder: fc.record({
              id: fc.oneof(
                json,
                fc.constant('https://sallyport.dev/builders/workstation-pinned/v1'),
              ),
            }),
          }),
        ),
      }) as fc.Arbitrary<Json>,
    ),
  },
  { requiredKeys: [] },
)

test('what a trusted key signed without saying what is asked for gets no yes', () => {
  fc.assert(
    fc.property(someStatement, fc.constantFrom(...Object.values(keys)), (statement, key) => {
      const evidence = [item(envelopeBytes(statement, [key]))]
      assert.equal(decideSafely(evidence).verdict, 'DENY')
    }),
    { numRuns: 400 },
  )
})

const good = signed(provenance())
const goodPayload = payloadOf(good.bytes)

function payloadOf(all: Uint8Array): Uint8Array | undefined {
  const attestation = parseAttestation(all)
  if (attestation.kind === 'envelope') return attestation.envelope.payload
  if (attestation.kind !== 'bundle') return undefined
  const { content } = attestation.bundle
  return content.kind === 'dsseEnvelope' ? content.envelope.payload : undefined
}

test('a changed bundle gets a yes only when what was signed did not change', () => {
  const change = fc.record({
    at: fc.nat({ max: good.bytes.length - 1 }),
    to: fc.nat({ max: 255 }),
    how: fc.constantFrom('replace', 'remove', 'insert', 'cut'),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
      const changed = changes.reduce((all, { at, to, how }) => {
        const [head, tail] = [all.slice(0, at), all.slice(at)]
        if (how === 'cut') return head
        if (how === 'insert') return Buffer.concat([head, Buffer.from([to]), tail])
        return Buffer.concat([head, Buffer.from(how === 'remove' ? [] : [to]), tail.subarray(1)])
      }, good.bytes)
      const { verdict } = decideSafely([item(Uint8Array.from(changed))])
      if (verdict === 'ALLOW') assert.deepEqual(payloadOf(changed), goodPayload)
    }),
    { numRuns: 600 },
  )
})

/** Parts of provenance, each right or wrong; the policy wants every one right. */
const right = {
  uri: repository,
  ref: 'refs/heads/main',
  parameters: { target: 'release' },
  internal: isolation,
  committedAt: '2026-05-20T00:00:00Z',
  finishedOn: '2026-05-21T00:01:00Z',
  version: '1.2.3',
  purl: 'pkg:npm/shop@1.2.3',
  sha256,
}

const wrong: { readonly [Key in keyof typeof right]: readonly (typeof right)[Key][] } = {
  uri: [`${repository}.git`, 'git+https://evil.example/acme/shop'],
  ref: ['refs/heads/x', 'refs/tags/main'],
  parameters: [{ target: 'debug' }, { target: 'release', x: 1 } as unknown as { target: string }],
  internal: [{}, { ...isolation, sallyport_probes: { passed: 0, failed: 0 } }],
  committedAt: ['2020-01-01T00:00:00Z', '2031-01-01T00:00:00Z', 'never'],
  finishedOn: ['2020-01-01T00:00:00Z', '2031-01-01T00:00:00Z'],
  version: ['1.1.9', 'x', '1.2.0-rc.1'],
  purl: ['pkg:npm/warehouse@1.2.3'],
  sha256: ['ab'.repeat(32)],
}

test('a yes takes every part right: one wrong part alone denies, whichever it is', () => {
  const part = <Key extends keyof typeof right>(key: Key) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(right[key]) },
      { weight: 1, arbitrary: fc.constantFrom(...wrong[key]) },
    )
  const parts = fc.record({
    uri: part('uri'),
    ref: part('ref'),
    parameters: part('parameters'),
    internal: part('internal'),
    committedAt: part('committedAt'),
    finishedOn: part('finishedOn'),
    version: part('version'),
    purl: part('purl'),
    sha256: part('sha256'),
  })
  fc.assert(
    fc.property(parts, (chosen) => {
      const name = chosen.purl === right.purl ? 'shop-1.2.3.tgz' : 'warehouse.tgz'
      const isRight = Object.entries(chosen).every(
        ([key, value]) => value === right[key as keyof typeof right],
      )
      const { verdict } = decideSafely([signed(provenance({ ...chosen, name }))])
      assert.equal(verdict, isRight ? 'ALLOW' : 'DENY')
    }),
    { numRuns: 300 },
  )
})

test('order and copies of evidence change nothing', () => {
  const pool = [
    good,
    signed(provenance({ finishedOn: '2026-05-25T00:00:00Z' })),
    signed(provenance({ internal: {} })),
    signed(provenance({ uri: `${repository}.git` })),
    signed(provenance(), keys.stranger),
    signed(provenance({ sha256: 'ab'.repeat(32) })),
    signed(approval(), keys.alice),
    item(bundleBytes(provenance(), keys.builder, 'hint')),
    item(Buffer.from('rubbish')),
  ]
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...pool), { maxLength: 6 }),
      fc.nat(),
      (items, seed) => {
        const shuffled = [...items, ...items].sort(
          (a, b) =>
            ((Number.parseInt(a.digest.slice(0, 6), 16) * (seed + 1)) % 97) -
            ((Number.parseInt(b.digest.slice(0, 6), 16) * (seed + 1)) % 97),
        )
        assert.deepEqual(decideSafely(shuffled).rules, decideSafely(items).rules)
      },
    ),
    { numRuns: 150 },
  )
})
