import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#document'
import { isVouchingType } from '#policy'
import { aStatement, keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import type { Decision, EvidenceItem } from './index.ts'
import { codesOf, decideOn, request, sha256, signed, trustOf } from './testing/fixtures.ts'

const inToto = 'https://in-toto.io/attestation'
const types = {
  release: `${inToto}/release/v0.1`,
  npm: 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1',
  pypi: 'https://docs.pypi.org/attestations/publish/v1',
  link: `${inToto}/link/v0.3`,
  scai: `${inToto}/scai/v0.3`,
  reference: `${inToto}/reference/v0.1`,
  cosign: 'https://sigstore.dev/cosign/sign/v1',
} as const

/** Good predicates of each. */
const predicates: Readonly<Record<string, JsonObject>> = {
  [types.release]: { purl: 'pkg:npm/shop@1.2.3' },
  [types.npm]: { name: 'shop', version: '1.2.3', registry: 'https://registry.example' },
  [types.pypi]: {},
  [types.link]: { name: 'package', command: ['tar'], materials: [], byproducts: {} },
  [types.scai]: { attributes: [{ attribute: 'HARDENED' }] },
  [types.reference]: {
    attester: { id: 'https://ci.example' },
    references: [{ uri: 'https://docs.example/1', digest: { sha256: 'ab'.repeat(32) } }],
  },
  [types.cosign]: {},
}

const registry = makeKey()
const trust = trustOf({
  registry: { keys: [keyEntry(registry)], predicateTypes: Object.values(types) },
  outsider: { keys: [keyEntry(makeKey())], predicateTypes: [types.release] },
})

function statement(type: string, predicate = predicates[type] ?? {}, file = 'shop-1.2.3.tgz') {
  const { subject: _, ...rest } = aStatement(type, predicate, sha256)
  return { ...rest, subject: [{ name: file, digest: { sha256 } }] }
}

function said(type: string, predicate?: JsonObject, file?: string): EvidenceItem {
  return signed(statement(type, predicate, file), registry)
}

function ask(asked: string, items: readonly EvidenceItem[], name = 'shop-1.2.3.tgz'): Decision {
  const rule = `signed: {by: [registry], types: ['${asked}']}`
  const artifact = { name, digest: { sha256 } }
  return decideOn([rule], items, { trust, request: { ...request, artifact } })
}

for (const [name, type] of Object.entries(types)) {
  test(`${name}: a statement of the kind that is asked for, by whom it is asked of, is a signature`, () => {
    const good = ask(type, [said(type)])
    assert.equal(good.verdict, 'ALLOW')
    assert.equal(good.evidence[0]?.problem, undefined)
    assert.equal(ask(type, []).rules[0]?.verdict, 'MISSING')
    assert.equal(ask(type, [signed(statement(type))]).verdict, 'DENY')
    const stale = decideOn([`signed: {by: [registry], types: ['${type}']}`], [], {
      trust,
      evidence: { items: [], sources: [{ name: 'registry', outcome: 'unavailable' }] },
    })
    assert.equal(stale.rules[0]?.verdict, 'UNVERIFIABLE')
  })

  test(`${name}: it is no signature where another kind is asked for`, () => {
    const other = Object.values(types).find((one) => one !== type) ?? ''
    assert.equal(ask(other, [said(type)]).verdict, 'DENY')
    const usual = decideOn(['signed: {by: [registry]}'], [said(type)], { trust })
    assert.equal(usual.verdict, 'DENY')
  })
}

test('a statement that is not as its specification demands is refused', () => {
  for (const [type, predicate] of [
    [types.release, { purl: 'pkg:npm/shop' }],
    [types.release, {}],
    [types.npm, { name: 'shop' }],
    [types.link, {}],
    [types.scai, { attributes: [] }],
    [types.reference, { references: [] }],
  ] as const) {
    const decision = ask(type, [said(type, predicate)])
    assert.equal(decision.rules[0]?.verdict, 'FAIL', type)
    assert.match(codesOf(decision)[0] ?? '', /^(?:ATTESTATION|PACKAGE)_/)
  }
})

test('who asks by package URL gets what was published under that name and version', () => {
  for (const type of [types.release, types.npm]) {
    for (const name of ['pkg:npm/shop@1.2.3', 'pkg:npm/shop', 'pkg:npm/SHOP@1.2.3?arch=x']) {
      assert.equal(ask(type, [said(type)], name).verdict, 'ALLOW', `${type} ${name}`)
    }
    for (const name of [
      'pkg:npm/shop@1.2.4',
      'pkg:npm/shop@1.2',
      'pkg:npm/shops@1.2.3',
      'pkg:npm/%40acme/shop@1.2.3',
      'pkg:pypi/shop@1.2.3',
      'pkg:npm/',
      'pkg:',
    ]) {
      assert.deepEqual(codesOf(ask(type, [said(type)], name)), ['RELEASE_OTHER_PACKAGE'], name)
    }
  }
})

test('PyPI’s attestation is about the package and version that its file is named after', () => {
  const asked = (file: string, name: string): boolean =>
    ask(types.pypi, [said(types.pypi, {}, file)], name).verdict === 'ALLOW'
  for (const file of [
    'my_shop-1.2.3.tar.gz',
    'my-shop-1.2.3.tar.gz',
    'My.Shop-1.2.3-py3-none-any.whl',
    'my_shop-1.2.3-1-cp312-cp312-manylinux_2_17_x86_64.whl',
    'my_shop-1.2.3.0.tar.gz',
  ]) {
    assert.ok(asked(file, 'pkg:pypi/my-shop@1.2.3'), file)
    assert.ok(asked(file, 'pkg:pypi/My_Shop'), file)
  }
  for (const file of [
    'my_shop-1.2.4.tar.gz',
    'my_shop-1.2.3rc1.tar.gz',
    'my_shops-1.2.3.tar.gz',
    'my-1.2.3.tar.gz',
    'my_shop.tar.gz',
    'my_shop-1.2.3.exe',
    'evil/my_shop-1.2.3.tar.gz',
    'my_shop-latest.tar.gz',
  ]) {
    assert.ok(!asked(file, 'pkg:pypi/my-shop@1.2.3'), file)
  }
  assert.ok(!asked('my_shop-1.2.3.tar.gz', 'pkg:npm/my-shop@1.2.3'))
})

test('one file under two names is of a package only when both names are', () => {
  const twoNames = (other: string): EvidenceItem => {
    const { subject, ...rest } = statement(types.pypi, {}, 'shop-1.2.3.tar.gz')
    const more = subject.map((one) => ({ ...one, name: other }))
    return signed({ ...rest, subject: [...subject, ...more] }, registry)
  }
  const asked = (item: EvidenceItem) => ask(types.pypi, [item], 'pkg:pypi/shop@1.2.3').verdict
  assert.equal(asked(twoNames('shop-1.2.3-py3-none-any.whl')), 'ALLOW')
  assert.equal(asked(twoNames('other-1.2.3.tar.gz')), 'DENY')
})

test('what can say no is no signature: it has a rule that reads it', () => {
  for (const type of [
    'https://slsa.dev/verification_summary/v1',
    `${inToto}/svr/v0.2`,
    `${inToto}/test-result/v0.1`,
    `${inToto}/vulns/v0.2`,
    'https://openvex.dev/ns/v0.2.0',
    'https://cyclonedx.org/bom',
    'https://spdx.dev/Document',
    'https://sallyport.dev/attestation/review/v1',
    'https://sallyport.dev/attestation/breakglass/v1',
    'https://example.com/anything/v1',
  ]) {
    assert.ok(!isVouchingType(type), type)
    assert.throws(() => ask(type, []), { code: 'DOCUMENT_SHAPE' })
  }
})

test('what is missing is called what it is, and by one name where there are too many', () => {
  const missing = (...asked: readonly string[]) => {
    const rule = `signed: {by: [registry], types: ${JSON.stringify(asked)}}`
    const [problem] = decideOn([rule], [], { trust }).reasons
    return [problem?.code, problem?.expected.replace(/ of "?shop.*/, '')]
  }
  const newer = `${inToto}/release/v0.2`
  assert.deepEqual(missing(types.release, newer), ['STATEMENT_MISSING', 'release'])
  const two = [types.release, newer, types.link]
  assert.deepEqual(missing(...two), ['STATEMENT_MISSING', 'release or link'])
  assert.deepEqual(missing(...two, types.scai), [
    'STATEMENT_MISSING',
    'release or another of 3 kinds',
  ])
  const [usual] = decideOn(['signed: {by: [registry]}'], [], { trust }).reasons
  assert.match(usual?.fix ?? '', /^Build the artifact with registry \(`sallyport build`\)/)
})

test('an unknown predicate is kept, shown, and never counts', () => {
  const type = 'https://example.com/anything/v1'
  const anyone = trustOf({
    registry: { keys: [keyEntry(registry)], predicateTypes: [type, ...Object.values(types)] },
  })
  const decision = decideOn(['signed: {by: [registry]}'], [said(type)], { trust: anyone })
  assert.equal(decision.verdict, 'DENY')
  const [result] = decision.evidence
  assert.equal(result?.predicateType, type)
  assert.equal(result.problem?.code, 'EVIDENCE_KIND_UNKNOWN')
})

test('a release names the artifact, where the policy says which ones may run', () => {
  const rule = `signed: {by: [registry], types: ['${types.npm}']}`
  const about = (pattern: string): Decision =>
    decideOn([rule], [said(types.npm)], { trust, policy: `artifacts: ['${pattern}']` })
  assert.equal(about('pkg:npm/shop').verdict, 'ALLOW')
  assert.deepEqual(codesOf(about('pkg:npm/other')), ['ARTIFACT_NOT_OF_TARGET'])
})
