import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#document'
import { readKeyFile, verifyLayout } from './index.ts'
import {
  alice,
  bob,
  check,
  codes,
  dsse,
  encode,
  eve,
  hashed,
  layout,
  link,
  metablock,
  now,
  owner,
  pathOf,
  step,
  type Person,
} from './testing/chain.ts'

const built = link('build', { 'src/a': '1' }, { 'out/a': '2' })
const good = { [pathOf('build', alice)]: metablock(built, alice) }
const ownerKey = readKeyFile(encode(owner.publicKey), 'owner.pub')

test('a chain that was made as its owner wants it holds, in either envelope', () => {
  assert.equal(codes(check(metablock(layout(), owner), good)), 'holds')
  const links = { [pathOf('build', alice)]: dsse(built, alice) }
  const result = check(dsse(layout(), owner), links)
  assert.ok(result.kind === 'holds')
  assert.deepEqual(result.steps[0]?.functionaries, [alice.id])
  assert.deepEqual([...result.summary.products.keys()], ['out/a'])
})

test('without a key that must have signed nothing is verified', () => {
  const call = () =>
    verifyLayout({ layout: metablock(layout(), owner), where: 'l', keys: [], links: [], now })
  assert.throws(call, { code: 'LAYOUT_NO_KEY' })
})

test('every key that is passed must have signed the layout', () => {
  const keys = [ownerKey, readKeyFile(encode(bob.publicKey), 'bob.pub')]
  assert.deepEqual(codes(check(metablock(layout(), owner), good, { keys })), ['LAYOUT_SIGNATURE'])
  assert.equal(codes(check(metablock(layout(), owner, bob), good, { keys })), 'holds')
  assert.equal(codes(check(dsse(layout(), owner, bob), good, { keys })), 'holds')
})

test('a layout signed by a functionary, a stranger or nobody is none', () => {
  for (const signers of [[alice], [eve], []]) {
    assert.deepEqual(codes(check(metablock(layout(), ...signers), good)), ['LAYOUT_SIGNATURE'])
  }
})

test('a signature under the right name by somebody else does not count', () => {
  const forged: Person = { ...eve, id: owner.id }
  assert.deepEqual(codes(check(metablock(layout(), forged), good)), ['LAYOUT_SIGNATURE'])
  assert.deepEqual(codes(check(dsse(layout(), forged), good)), ['LAYOUT_SIGNATURE'])
})

test('of two signatures under one key id the first counts, or none', () => {
  const forged: Person = { ...eve, id: owner.id }
  assert.deepEqual(codes(check(metablock(layout(), forged, owner), good)), ['LAYOUT_SIGNATURE'])
  assert.deepEqual(codes(check(dsse(layout(), owner, owner), good)), ['LAYOUT_FORMAT'])
})

test('a layout changed after it was signed is none', () => {
  const file = JSON.parse(Buffer.from(metablock(layout(), owner)).toString()) as {
    signed: JsonObject
  }
  const changed = { ...file, signed: { ...file.signed, readme: 'x' } }
  assert.deepEqual(codes(check(encode(changed), good)), ['LAYOUT_SIGNATURE'])
})

test('an expired layout is stale, to the second', () => {
  const at = (time: string) => check(metablock(layout({ expires: time }), owner), good)
  assert.equal(codes(at('2027-01-01T00:00:00Z')), 'holds')
  const result = at('2026-12-31T23:59:59Z')
  assert.ok(result.kind === 'rejected')
  assert.equal(result.verdict, 'STALE')
  assert.deepEqual(codes(result), ['LAYOUT_EXPIRED'])
  for (const time of ['2030-02-30T00:00:00Z', '2030-01-01', '2030-01-01T00:00:00+01:00', 'never']) {
    assert.deepEqual(codes(at(time)), ['LAYOUT_FORMAT'], time)
  }
})

test('a layout without steps would let everything pass, and is refused', () => {
  assert.deepEqual(codes(check(metablock(layout({ steps: [] }), owner), good)), ['LAYOUT_EMPTY'])
})

test('a layout with fields, types, names or thresholds that the specification does not know is refused', () => {
  const bad: JsonObject[] = [
    layout({ extra: 1 }),
    layout({ _type: 'Layout' }),
    layout({ steps: [{ ...step(), extra: 1 }] }),
    layout({ steps: [step(), step()] }),
    layout({ steps: [step({ threshold: 0 })] }),
    layout({ steps: [step({ threshold: -1 })] }),
    layout({ steps: [{ ...step(), threshold: '1' }] }),
    layout({ steps: [step({ name: '../build' })] }),
    layout({ steps: [step({ products: [['PERMIT', '*']] })] }),
    layout({ steps: [step({ products: [['MATCH', '*', 'WITH', 'THINGS', 'FROM', 'x']] })] }),
    layout({ steps: [step({ products: [['ALLOW', 'a', 'b']] })] }),
    layout({
      inspect: [
        { _type: 'inspection', name: 'i', expected_materials: [], expected_products: [], run: [] },
      ],
    }),
    layout({ keys: [] }),
  ]
  for (const one of bad) {
    const found = codes(check(metablock(one, owner), good))
    assert.ok(found[0] === 'LAYOUT_FORMAT' && found !== 'holds', JSON.stringify(one).slice(0, 300))
  }
})

test('a step that nobody did is missing; one that a stranger did is bad', () => {
  const result = check(metablock(layout(), owner), {})
  assert.ok(result.kind === 'rejected')
  assert.equal(result.verdict, 'MISSING')
  assert.deepEqual(codes(result), ['LAYOUT_LINK_MISSING'])
  const strange = { [pathOf('build', alice)]: metablock(built, eve) }
  assert.deepEqual(codes(check(metablock(layout(), owner), strange)), ['LAYOUT_THRESHOLD'])
  const unknown = { [pathOf('build', eve)]: metablock(built, eve) }
  assert.deepEqual(codes(check(metablock(layout(), owner), unknown)), ['LAYOUT_LINK_MISSING'])
  // Known to the layout, and not for this step.
  const other = { [pathOf('build', bob)]: metablock(built, bob) }
  assert.deepEqual(codes(check(metablock(layout(), owner), other)), ['LAYOUT_LINK_MISSING'])
})

test('a link of another step does not stand for this one, whatever its file is called', () => {
  const steps = [step(), step({ name: 'test' })]
  const links = { ...good, [pathOf('test', alice)]: metablock(built, alice) }
  const result = check(metablock(layout({ steps }), owner), links)
  assert.deepEqual(codes(result), ['LAYOUT_THRESHOLD'])
  assert.match(
    result.kind === 'rejected' ? (result.problems[0]?.found ?? '') : '',
    /step \\?"build/,
  )
})

const twice = layout({ steps: [step({ by: [alice, bob], threshold: 2 })] })
const both = { ...good, [pathOf('build', bob)]: metablock(built, bob) }

test('a threshold counts functionaries, and they must agree', () => {
  assert.equal(codes(check(metablock(twice, owner), both)), 'holds')
  assert.deepEqual(codes(check(metablock(twice, owner), good)), ['LAYOUT_LINK_MISSING'])
  for (const other of [
    link('build', { 'src/a': '1' }, { 'out/a': '3' }),
    link('build', { 'src/a': '0' }, { 'out/a': '2' }),
    link('build', { 'src/a': '1' }, { 'out/a': '2', 'out/b': '2' }),
  ]) {
    const links = { ...good, [pathOf('build', bob)]: metablock(other, bob) }
    assert.deepEqual(codes(check(metablock(twice, owner), links)), ['LAYOUT_LINKS_DISAGREE'])
  }
})

test('links that contradict each other are refused where one would be enough, too', () => {
  const one = layout({ steps: [step({ by: [alice, bob] })] })
  const other = metablock(link('build', {}, { 'out/a': 'evil' }), bob)
  const links = { ...good, [pathOf('build', bob)]: other }
  assert.deepEqual(codes(check(metablock(one, owner), links)), ['LAYOUT_LINKS_DISAGREE'])
})

test('one key under two ids is one functionary', () => {
  const alias: Person = { ...alice, id: `aaaaaaaa${alice.id.slice(8)}` }
  const keys = { [alice.id]: alice.publicKey, [alias.id]: alias.publicKey }
  const doubled = layout({ keys, steps: [step({ by: [alice, alias], threshold: 2 })] })
  const links = { ...good, [pathOf('build', alias)]: metablock(built, alias) }
  assert.deepEqual(codes(check(metablock(doubled, owner), links)), ['LAYOUT_THRESHOLD'])
})

test('one link copied under the file name of another functionary counts once', () => {
  const copied = { ...good, [pathOf('build', bob)]: metablock(built, alice) }
  assert.deepEqual(codes(check(metablock(twice, owner), copied)), ['LAYOUT_THRESHOLD'])
  const signedTwice = { ...good, [pathOf('build', bob)]: metablock(built, alice, alice) }
  assert.deepEqual(codes(check(metablock(twice, owner), signedTwice)), ['LAYOUT_THRESHOLD'])
  const named = layout({ steps: [step({ by: [alice, alice], threshold: 2 })] })
  assert.deepEqual(codes(check(metablock(named, owner), both)), ['LAYOUT_LINK_MISSING'])
})

test('a key whose entry says another id, or that is private, is refused', () => {
  const bad: JsonObject[] = [
    { keyid: bob.id, ...alice.publicKey },
    { ...alice.publicKey, keyval: { public: 'ab', private: '' } },
    { ...alice.publicKey, keyval: { public: '70cafd35', private: 'secret' } },
    { ...alice.publicKey, scheme: 'none' },
    { ...alice.publicKey, keyval: { public: '00'.repeat(32) } },
  ]
  for (const key of bad) {
    const result = check(metablock(layout({ keys: { [alice.id]: key } }), owner), good)
    assert.notEqual(codes(result), 'holds', JSON.stringify(key))
    assert.doesNotMatch(JSON.stringify(result), /secret/)
  }
})

test('what is no link at all does not count, and stops nothing that counts', () => {
  for (const bytes of [encode({}), encode([]), Buffer.from('{'), Buffer.alloc(0), encode('x')]) {
    const links = { [pathOf('build', alice)]: bytes }
    assert.deepEqual(codes(check(metablock(layout(), owner), links)), ['LAYOUT_THRESHOLD'])
  }
  const one = layout({ steps: [step({ by: [alice, bob] })] })
  const links = { ...good, [pathOf('build', bob)]: encode({}) }
  assert.equal(codes(check(metablock(one, owner), links)), 'holds')
})

test('links without digests, with fractions, or with too many files do not count', () => {
  const many = Object.fromEntries(
    Array.from({ length: 100_001 }, (_, at) => [`f${at}`, { sha256: '00' }]),
  )
  for (const bad of [
    { ...built, products: { a: {} } },
    { ...built, products: { a: { sha256: 'no hex' } } },
    { ...built, products: [] },
    { ...built, products: many },
    { ...built, extra: 1 },
  ]) {
    const links = { [pathOf('build', alice)]: metablock(bad, alice) }
    assert.deepEqual(codes(check(metablock(layout(), owner), links)), ['LAYOUT_THRESHOLD'])
  }
  const fraction = encode({ signed: { ...built, byproducts: { x: 1.5 } }, signatures: [] })
  assert.deepEqual(
    codes(check(metablock(layout(), owner), { [pathOf('build', alice)]: fraction })),
    ['LAYOUT_THRESHOLD'],
  )
})

test('a link larger than any link is does not count, and costs no time', () => {
  const huge = Buffer.alloc(17 * 1024 * 1024, 0x20)
  const links = { [pathOf('build', alice)]: huge }
  assert.deepEqual(codes(check(metablock(layout(), owner), links)), ['LAYOUT_THRESHOLD'])
  const crowd = Array.from({ length: 5000 }, (_, at) => ({
    path: `x${at}.link`,
    bytes: encode({}),
  }))
  assert.deepEqual(codes(check(metablock(layout(), owner), {}, { links: crowd })), [
    'LAYOUT_EXPENSIVE',
  ])
})

test('another command than expected is told, and by itself no reason to refuse', () => {
  const steps = [step({ command: ['make'] })]
  const result = check(metablock(layout({ steps }), owner), good)
  assert.equal(codes(result), 'holds')
  assert.deepEqual(
    result.warnings.map(({ code }) => code),
    ['LAYOUT_COMMAND'],
  )
})

test('paths that rules could miss are told', () => {
  for (const path of ['./a', 'a//b', 'a/../b', 'a\\b', 'a/', '/a', 'a\u200bb', 'e\u0301']) {
    const links = { [pathOf('build', alice)]: metablock(link('build', {}, { [path]: '1' }), alice) }
    const result = check(metablock(layout(), owner), links)
    assert.deepEqual(
      result.warnings.map(({ code }) => code),
      ['LAYOUT_PATH'],
      path,
    )
  }
})

test('a digest written by one algorithm more is another digest', () => {
  const { products } = built as { products: { 'out/a': JsonObject } }
  const more = { ...built, products: { 'out/a': { ...products['out/a'], md5: '00' } } }
  const links = { ...good, [pathOf('build', bob)]: metablock(more, bob) }
  assert.deepEqual(codes(check(metablock(twice, owner), links)), ['LAYOUT_LINKS_DISAGREE'])
  assert.deepEqual(Object.keys(hashed({ a: '1' })), ['a'])
})

test('parameters are put into rules and commands of the layout, and nowhere else', () => {
  const steps = [
    step({
      products: [
        ['ALLOW', 'out/{name}'],
        ['DISALLOW', '*'],
      ],
    }),
  ]
  const signed = metablock(layout({ steps }), owner)
  const given = (...pairs: [string, string][]) =>
    check(signed, good, { parameters: new Map(pairs) })
  assert.equal(codes(given(['name', 'a'])), 'holds')
  assert.deepEqual(codes(given(['name', 'b'])), ['LAYOUT_RULE'])
  assert.deepEqual(codes(given(['other', 'a'])), ['LAYOUT_PARAMETER'])
  assert.deepEqual(codes(given(['name', '{other}'], ['other', 'a'])), ['LAYOUT_RULE'])
  assert.deepEqual(codes(check(signed, good)), ['LAYOUT_RULE'])
})
