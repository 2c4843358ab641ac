// Optional: slsa-verifier's regression cases over real provenance, where ../shared is at hand. All of them run with
// `node ../shared/data/run/run-slsa-cases.mjs --entrypoint test/conformance/slsa-client --check-errors`.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { readCases, skip, type Case } from './slsa/cases.ts'
import { verifySlsa } from './slsa/verify.ts'

const now = new Date('2026-11-01T00:00:00Z')

/** Always the same ones, of every suite and format. */
const everyNth = 12
const isAll = process.env['SLSA_CASES'] === 'all'
const sample = readCases().filter(
  ({ id, suite }) =>
    isAll ||
    suite === 'gcb-image' ||
    suite === 'github-attestation' ||
    hash('md5', id, 'buffer').readUInt32BE() % everyNth === 0,
)

function wrong(cases: readonly Case[]): readonly string[] {
  return cases.flatMap(({ id, argv, isGood, error = '' }) => {
    const answer = verifySlsa(argv, now)
    const isNamed = isGood || answer.lines.some((line) => line.startsWith(error))
    if (answer.isGood === isGood && isNamed) return []
    const asked = argv.map((one) => one.replace(/.*\/testdata\//, '')).join(' ')
    return [`${id} ${asked}: ${error} ${answer.lines.join('\n').slice(0, 500)}`]
  })
}

test('what slsa-verifier accepts is accepted', { skip }, () => {
  const good = sample.filter(({ isGood }) => isGood)
  assert.ok(good.length > 15, String(good.length))
  assert.deepEqual(wrong(good), [])
})

test('what slsa-verifier refuses is refused, and for the same reason', { skip }, () => {
  const bad = sample.filter(({ isGood }) => !isGood)
  assert.ok(bad.length > 90, String(bad.length))
  assert.deepEqual(wrong(bad), [])
})
