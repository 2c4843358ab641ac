import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds, rules, type RuleVerdict } from '#policy'
import type { Decision, EvidenceItem } from './index.ts'
import {
  decideOn,
  evidenceOf,
  item,
  request,
  sha256,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'
import { aboutBuilds } from './testing/matrix/about-builds.ts'
import { aboutFindings } from './testing/matrix/about-findings.ts'
import { aboutLayouts } from './testing/matrix/about-layouts.ts'
import { aboutSignatures } from './testing/matrix/about-signatures.ts'
import type { Row } from './testing/matrix/row.ts'

const rows: readonly Row[] = [...aboutSignatures, ...aboutBuilds, ...aboutFindings, ...aboutLayouts]
const away = [{ name: 'registry', outcome: 'unavailable', detail: 'no connection' }] as const
const nameOf = ({ rule, kind, of }: Row): string =>
  `${rule} by ${kind}${of === undefined ? '' : ` (${of})`}`

function ask(row: Row, items: readonly EvidenceItem[], more: Parameters<typeof decideOn>[2] = {}) {
  const { rule, ask: parameters, lead = [], signers = trustEntries, name } = row
  const artifact = { name: name ?? request.artifact.name, digest: { sha256 } }
  return decideOn([`${rule}: {${parameters}}`], [...lead, ...items], {
    trust: trustOf(signers),
    request: { ...request, artifact },
    ...more,
  })
}

/** What the one rule says; whoever reads a refusal is told why, where and what to do. */
function verdictOf({ rules: results, verdict, reasons }: Decision): RuleVerdict | undefined {
  const [result] = results
  assert.equal(verdict === 'ALLOW', result?.verdict === 'PASS')
  assert.equal(reasons.length === 0, verdict === 'ALLOW')
  if (result?.verdict !== 'PASS') assert.ok((result?.problems.length ?? 0) > 0)
  for (const { expected, found, fix } of reasons) {
    assert.ok(expected !== '' && found !== '')
    assert.match(fix, /^[A-Z][a-z]+ /)
  }
  return result?.verdict
}

for (const row of rows) {
  const cells = [
    ['PASS', row.pass],
    ['FAIL', row.fail],
    ['STALE', row.stale],
    ['UNSUPPORTED', row.unsupported],
    ['MISSING', row.missing ?? []],
  ] as const
  for (const [verdict, cell] of cells) {
    if (typeof cell === 'string') continue
    test(`${nameOf(row)}: ${verdict}`, () => assert.equal(verdictOf(ask(row, cell)), verdict))
  }

  test(`${nameOf(row)}: UNVERIFIABLE where a place could not be looked at, and never for what is bad`, () => {
    const of = (items: readonly EvidenceItem[]) => ({
      ...evidenceOf(...(row.lead ?? []), ...items),
      sources: away,
    })
    if (row.missing === undefined) {
      assert.equal(verdictOf(ask(row, [], { evidence: of([]) })), 'UNVERIFIABLE')
    }
    assert.equal(verdictOf(ask(row, row.pass, { evidence: of(row.pass) })), 'PASS')
    if (typeof row.fail === 'string') return
    const bad = ask(row, row.fail, { evidence: of(row.fail) })
    assert.equal(verdictOf(bad), 'FAIL')
  })

  test(`${nameOf(row)}: EXEMPTED is shown with what it would be, and lets in nothing by itself`, () => {
    const policy = `exemptions: [{rule: ${row.rule}, reason: test, owner: me, expires: 2027-01-01T00:00:00Z}]`
    const decision = ask(row, [], { policy })
    assert.equal(verdictOf(decision), 'EXEMPTED')
    assert.equal(decision.verdict, 'DENY')
    assert.equal(decision.rules[0]?.exemption?.instead, verdictOf(ask(row, [])))
    assert.equal(verdictOf(ask(row, row.pass, { policy })), 'PASS')
  })

  test(`${nameOf(row)}: the same evidence is none about other bytes, by nobody, or with a bit changed`, () => {
    const other = { name: row.name ?? 'x', digest: { sha256: 'ab'.repeat(32) } }
    const elsewhere = ask(row, row.pass, { request: { ...request, artifact: other } })
    assert.notEqual(verdictOf(elsewhere), 'PASS')
    const strangers = { ...trustOf(row.signers ?? trustEntries), keys: new Map() }
    assert.notEqual(verdictOf(ask(row, row.pass, { trust: strangers })), 'PASS')
    const changed = row.pass.map(({ bytes }) => item(flipped(bytes)))
    assert.notEqual(verdictOf(ask({ ...row, lead: [] }, changed)), 'PASS')
  })
}

/** One bit of the payload: a character of its base64, in the middle. */
function flipped(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString()
  const payload = /"payload":"[^"]+"|\.[^.]+\./.exec(text)?.[0] ?? ''
  const at = text.indexOf(payload) + Math.floor(payload.length / 2)
  const other = text[at] === 'A' ? 'B' : 'A'
  return Buffer.from(`${text.slice(0, at)}${other}${text.slice(at + 1)}`)
}

test('every rule has a row, and says of every verdict how it comes about or why it cannot', () => {
  for (const name of rules.keys()) {
    assert.ok(
      rows.some(({ rule }) => rule === name),
      `no row for ${name}: add one to testing/matrix`,
    )
  }
  for (const row of rows) {
    assert.ok(rules.has(row.rule), row.rule)
    for (const cell of [row.fail, row.stale, row.unsupported, row.missing ?? []]) {
      if (typeof cell === 'string') assert.ok(cell.length >= 20, `${nameOf(row)}: say why`)
    }
  }
  const names = rows.map(nameOf)
  assert.equal(new Set(names).size, names.length)
})

test('every kind of evidence that a rule understands has a row', () => {
  const shown = new Set(rows.map(({ kind }) => kind))
  assert.deepEqual(
    kinds.map(({ name }) => name).filter((name) => !shown.has(name)),
    [],
  )
})

test('across the rules every verdict comes about', () => {
  const has = (cell: keyof Row): boolean => rows.some((row) => typeof row[cell] === 'object')
  assert.ok(has('pass') && has('fail') && has('stale') && has('unsupported'))
})
