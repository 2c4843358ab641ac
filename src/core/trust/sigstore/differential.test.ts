// Beside the stock verifier: what is accepted here is accepted there, and where the stock accepts more, the reason is one
// of its known gaps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#document'
import { ecKeys } from './testing/certificates.ts'
import { check, codes, instance, v2 } from './testing/check.ts'
import { artifact, bytesOf, rootJson, signBundle, type SignOptions } from './testing/instance.ts'
import { mutated, randomFrom } from './testing/mutate.ts'
import { stockAccepts } from './testing/stock.ts'

const root = bytesOf(rootJson(instance))
const accepted: Readonly<Record<string, SignOptions>> = {
  'dsse in Rekor v1': {},
  'intoto in Rekor v1': { logs: [{ log: instance.v1, kind: 'intoto' }] },
  'hashedrekord in Rekor v1': { payload: null },
  'an envelope as hashedrekord in Rekor v1': { logs: [{ log: instance.v1, kind: 'hashedrekord' }] },
  'hashedrekord in Rekor v2': { ...v2, payload: null },
  'an envelope as hashedrekord in Rekor v2': v2,
  'dsse in Rekor v2': { ...v2, logs: [{ log: instance.v2, kind: 'dsse' }] },
  'both logs and a time stamp': { ...v2, logs: [{ log: instance.v1 }, { log: instance.v2 }] },
}

for (const [what, options] of Object.entries(accepted)) {
  test(`both accept ${what}`, () => {
    const bundle = signBundle(instance, options)
    assert.deepEqual(codes(check(bundle)), [])
    assert.ok(stockAccepts(bytesOf(bundle), root, { artifact }))
  })
}

test('the stock verifier refuses P-384 with SHA-384, which is accepted here', () => {
  const options = { certificate: { keys: ecKeys('P-384') }, hash: 'sha384' } as const
  const bundle = signBundle(instance, options)
  assert.deepEqual(codes(check(bundle)), [])
  assert.ok(!stockAccepts(bytesOf(bundle), root))
})

/** Why a bundle that the stock verifier accepts is refused here: it does not look at these things. */
const knownGaps =
  /^(?:ATTESTATION_|DOCUMENT_|SIGSTORE_(?:ARTIFACT|IDENTITY|LOG_CHECKPOINT|LOG_PROOF|LOG_MISMATCH|LOG_BODY|DER)$)/

test(
  'of changed bundles, none is accepted here that the stock verifier refuses',
  { timeout: 300_000 },
  () => {
    const random = randomFrom(42)
    const bundles: readonly JsonObject[] = Object.values(accepted).map((options) =>
      signBundle(instance, options),
    )
    let both = 0
    for (let round = 0; round < 400; round += 1) {
      const bytes = mutated(bundles[round % bundles.length] ?? {}, bundles, random)
      const found = codes(check({}, { bundle: bytes }))
      const stock = stockAccepts(bytes, root, { artifact })
      if (found.length === 0) {
        assert.ok(stock, bytes.toString())
        both += 1
      } else if (stock) {
        for (const code of found) assert.match(code, knownGaps, bytes.toString())
      }
    }
    assert.ok(both > 0)
  },
)
