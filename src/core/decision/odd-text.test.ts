import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { breakglassStatement, parseAttestation, predicateTypes } from '#attestation'
import { parseJson, type Json, type JsonObject } from '#document'
import { aStatement, bundleBytes, keyEntry, type TestKey } from '../trust/testing/fixtures.ts'
import { encodeDecision, type DecisionInput, type EvidenceItem } from './index.ts'
import {
  builtRule,
  decideOn,
  item,
  keys,
  provenance,
  request,
  sha256,
  signed,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'
import { aboutBuilds } from './testing/matrix/about-builds.ts'
import { aboutFindings } from './testing/matrix/about-findings.ts'
import { aboutLayouts } from './testing/matrix/about-layouts.ts'
import { aboutSignatures, registry } from './testing/matrix/about-signatures.ts'
import type { Row } from './testing/matrix/row.ts'
import { people } from './testing/world.ts'

// Wherever a text of others is cut, it may be in the middle of a pair. A decision that cannot be written is no answer for
// everybody who asks about the artifact.

const grant = breakglassStatement([{ name: 'shop', digest: { sha256 } }], {
  requester: 'dave',
  approver: 'erin',
  environment: 'production',
  service: 'shop',
  rules: ['require[0].allowed'],
  reason: 'checkout is down',
  incident: 'INC-17',
  notBefore: '2026-06-01T11:30:00Z',
  expires: '2026-06-01T13:00:00Z',
})
const grants = (key: TestKey): Row => ({
  rule: 'allowed',
  kind: 'breakglass',
  ask: 'by: [release-managers]',
  signers: {
    ...trustEntries,
    sre: { keys: [keyEntry(people.erin)], predicateTypes: [predicateTypes.breakglass] },
    others: { keys: [keyEntry(people.frank)], predicateTypes: [predicateTypes.breakglass] },
  },
  pass: [signed(grant, key)],
  fail: '',
  stale: '',
  unsupported: '',
})
const strange: Row = {
  rule: 'allowed',
  kind: 'of which nobody knows',
  ask: 'by: [release-managers]',
  pass: [
    signed(aStatement('https://x.example/p', { some: { words: ['a'] } }, sha256)),
    signed(aStatement('https://x.example/p', {}, 'ab'.repeat(32))),
  ],
  fail: '',
  stale: '',
  unsupported: '',
}
const rows: readonly Row[] = [
  ...aboutSignatures,
  ...aboutBuilds,
  ...aboutFindings,
  ...aboutLayouts,
  grants(people.erin),
  grants(people.frank),
  strange,
]

const known = new Map(
  [...Object.values(keys), ...Object.values(people), registry].map((key) => [key.keyid, key]),
)
const long = '😀'.repeat(1500)
const changes: readonly ((text: string) => Json)[] = [
  () => `a${long}`,
  () => [`a${long}`],
  (text) => `${text}${long}`,
  (text) => `${text}a${long}`,
]

/** The statement of a bundle, and the key that signed it. */
function opened({ bytes }: EvidenceItem): { readonly statement: Json; readonly key: TestKey }[] {
  const attestation = parseAttestation(bytes)
  if (attestation.kind !== 'bundle' || attestation.bundle.content.kind !== 'dsseEnvelope') return []
  const { verificationMaterial: material, content } = attestation.bundle
  const key = material.kind === 'publicKey' ? known.get(material.hint) : undefined
  if (key === undefined) return []
  return [{ statement: parseJson(content.envelope.payload, { what: 'a payload' }), key }]
}

/** One after the other, each text of a document with the change. */
function* eachChanged(document: Json, change: (text: string) => Json): Generator<Json> {
  let texts = 0
  const walk = (value: Json, at: number): Json => {
    if (typeof value === 'string') return texts++ === at ? change(value) : value
    if (Array.isArray(value)) return value.map((one) => walk(one as Json, at))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, at)]))
  }
  walk(document, -1)
  for (let at = 0, all = texts; at < all; at += 1) {
    texts = 0
    yield walk(document, at)
  }
}

function write(row: Row, items: readonly EvidenceItem[]): void {
  const { rule, ask, lead = [], signers = trustEntries } = row
  const decision = decideOn([`${rule}: {${ask}}`], [...lead, ...items], {
    trust: trustOf(signers),
    policy: 'breakglass: {approvers: [sre], count: 1, maxDuration: 2h}',
  })
  assert.ok(encodeDecision(decision).length > 0)
}

for (const row of rows) {
  test(`${row.rule} by ${row.kind} ${row.of ?? ''}: whatever text stands in the evidence, the decision can be written`, () => {
    for (const [at, one] of row.pass.entries()) {
      for (const { statement, key } of opened(one)) {
        for (const change of changes) {
          for (const changed of eachChanged(statement, change))
            write(row, row.pass.with(at, item(bundleBytes(changed, key))))
        }
      }
    }
  })
}

test('lone surrogates in the request, in the evidence and in where it was found are written as what they are not', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\ud83d', '\ude00', '😀'), maxLength: 8 })
  const statement = provenance() as unknown as JsonObject
  const places = fc.record({
    name: text,
    digest: fc.dictionary(text, text),
    service: text,
    words: text,
    asked: fc.dictionary(text, text),
  })
  fc.assert(
    fc.property(places, ({ name, digest, service, words, asked }) => {
      const bytes = Buffer.from(
        JSON.stringify({ ...statement, predicateType: words, [name]: name }),
      )
      const input: Partial<DecisionInput> = {
        request: {
          ...request,
          artifact: { name, digest: { sha256, ...digest }, downloadLocation: words },
          target: { environment: 'production', service },
          requester: words,
          principal: name,
          asked,
        },
        evidence: {
          items: [item(bytes, words), { ...item(bytes, name), digest: words }],
          sources: [{ name, outcome: 'unavailable', detail: words }],
        },
      }
      assert.ok(encodeDecision(decideOn([builtRule], [], input)).length > 0)
    }),
    { numRuns: 200 },
  )
})
