import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Hex, type JsonObject } from '#document'
import { layoutType } from '#layout'
import { codesOf, decideOn, now, trustOf } from '../../decision/testing/fixtures.ts'
import {
  chainOf,
  goodLayout,
  goodLinks,
  layoutSigners,
  testKeyOf,
} from '../../decision/testing/matrix/about-layouts.ts'
import {
  alice,
  bob,
  eve,
  link,
  metablock,
  owner,
  pathOf,
  person,
} from '../../layout/testing/chain.ts'
import { keyEntry, makeKey } from '../../trust/testing/fixtures.ts'

const good = metablock(goodLayout, owner)
const rule = (more = '') => `layout: {by: [release-builder], signedBy: [chain-owner]${more}}`

function decided(item = chainOf(), signers: JsonObject = layoutSigners, asked = rule()) {
  return decideOn([asked], [item], { trust: trustOf(signers) })
}

test('an artifact made as the owner of the layout wants it passes, and the steps are facts', () => {
  const { verdict, rules, validUntil } = decided()
  assert.equal(verdict, 'ALLOW')
  const steps = (rules[0]?.facts ?? []).filter(({ name }) => name === 'step')
  assert.deepEqual(
    steps.map(({ value, basis }) => [value, basis]),
    [
      [`write by ${alice.id}`, 'authenticated'],
      [`pack by ${bob.id}`, 'authenticated'],
    ],
  )
  assert.ok(validUntil !== undefined && validUntil <= '2030-01-01T00:00:00.000Z')
})

test('a good supply chain of other bytes is none of this artifact', () => {
  const links = {
    ...goodLinks,
    [pathOf('pack', bob)]: metablock(
      link('pack', { 'src/main.ts': 'main' }, { 'shop.tgz': 'other' }),
      bob,
    ),
  }
  assert.deepEqual(codesOf(decided(chainOf(good, links))), ['LAYOUT_PRODUCT'])
  // A material of the last step, or a product of one before it, is not what was made.
  const early = {
    ...goodLinks,
    [pathOf('write', alice)]: metablock(link('write', {}, { 'src/x': 'shop 1.2.3' }), alice),
  }
  assert.notEqual(
    decided(chainOf(good, { ...early, [pathOf('pack', bob)]: links[pathOf('pack', bob)] ?? good }))
      .verdict,
    'ALLOW',
  )
})

test('a step left out, done by somebody else, or fed with other files denies', () => {
  const { [pathOf('write', alice)]: _, ...without } = goodLinks
  assert.deepEqual(codesOf(decided(chainOf(good, without))), ['LAYOUT_LINK_MISSING'])
  const built = link('pack', { 'src/main.ts': 'main' }, { 'shop.tgz': 'shop 1.2.3' })
  const foreign = { ...goodLinks, [pathOf('pack', bob)]: metablock(built, alice) }
  assert.deepEqual(codesOf(decided(chainOf(good, foreign))), ['LAYOUT_THRESHOLD'])
  const exchanged = link('pack', { 'src/main.ts': 'evil' }, { 'shop.tgz': 'shop 1.2.3' })
  const fed = { ...goodLinks, [pathOf('pack', bob)]: metablock(exchanged, bob) }
  const decision = decided(chainOf(good, fed))
  assert.deepEqual(codesOf(decision), ['LAYOUT_RULE'])
  assert.match(decision.reasons[0]?.where ?? '', /step "pack": expected_materials\[1\]/)
})

test('the policy can name the one layout that counts', () => {
  const named = (digest: string) => rule(`, layout: 'sha256:${digest}'`)
  assert.equal(decided(chainOf(), layoutSigners, named(sha256Hex(good))).verdict, 'ALLOW')
  const other = decided(chainOf(), layoutSigners, named('ab'.repeat(32)))
  assert.deepEqual(codesOf(other), ['LAYOUT_OTHER'])
})

test('whoever gathers the links does not own the layout', () => {
  const own = testKeyOf(person('builder'))
  const signers = {
    ...layoutSigners,
    'chain-owner': { keys: [keyEntry(own)], predicateTypes: [layoutType] },
  }
  assert.deepEqual(codesOf(decided(chainOf(), signers)), ['LAYOUT_SIGNATURE'])
})

test('a layout that somebody else signed under the key id of its owner denies', () => {
  const forged = metablock(goodLayout, { ...eve, id: owner.id })
  const decision = decided(chainOf(forged))
  assert.deepEqual(codesOf(decision), ['LAYOUT_SIGNATURE'])
  assert.match(decision.reasons[0]?.expected ?? '', /by 1 owner of keys of chain-owner/)
})

test('an owner whom the trust file does not know, or not as one, is an error of the policy', () => {
  const unknown = decided(
    chainOf(),
    layoutSigners,
    'layout: {by: [release-builder], signedBy: [nobody]}',
  )
  assert.equal(unknown.verdict, 'POLICY_ERROR')
  assert.deepEqual(codesOf(unknown), ['POLICY_SIGNER_UNKNOWN'])
  assert.match(unknown.reasons[0]?.where ?? '', /layout\.signedBy/)
  assert.equal(unknown.reasons[0]?.found, '"nobody"')
  const role = decided(chainOf(), layoutSigners, 'layout: {by: [release-builder]}')
  assert.equal(role.verdict, 'POLICY_ERROR')
  assert.deepEqual(codesOf(role), ['POLICY_SIGNER_ROLE'])
  assert.equal(role.reasons[0]?.found, '"release-builder", which may not')
})

test('a key that is not in use, or may be in other hands, owns no layout', () => {
  const bad: JsonObject[] = [
    { retired: '2026-05-01T00:00:00Z' },
    { validUntil: '2026-05-01T00:00:00Z' },
    { validFrom: '2026-07-01T00:00:00Z' },
    { compromisedSince: '2026-05-01T00:00:00Z' },
  ]
  for (const more of bad) {
    const key = { ...keyEntry(testKeyOf(owner)), ...more }
    const signers = {
      ...layoutSigners,
      'chain-owner': { keys: [key], predicateTypes: [layoutType] },
    }
    assert.deepEqual(
      codesOf(decided(chainOf(), signers)),
      ['LAYOUT_SIGNATURE'],
      JSON.stringify(more),
    )
  }
})

test('a yes ends with the first of the keys that it rests on, and begins with the moment of its key', () => {
  const withKey = (more: JsonObject) =>
    decided(chainOf(), {
      ...layoutSigners,
      'chain-owner': {
        keys: [{ ...keyEntry(testKeyOf(owner)), ...more }],
        predicateTypes: [layoutType],
      },
    })
  for (const field of ['validUntil', 'retired']) {
    const { verdict, validUntil } = withKey({ [field]: '2026-06-20T00:00:00Z' })
    assert.deepEqual([verdict, validUntil], ['ALLOW', '2026-06-20T00:00:00.000Z'], field)
  }
  assert.equal(withKey({ validFrom: now.toISOString() }).verdict, 'ALLOW')
})

test('as many people must have signed the layout as the trust file asks for', () => {
  const second = person('second owner')
  const keys = [
    keyEntry(testKeyOf(owner), { owner: 'ann' }),
    keyEntry(testKeyOf(second), { owner: 'ben' }),
  ]
  const signers = {
    ...layoutSigners,
    'chain-owner': { keys, threshold: 2, predicateTypes: [layoutType] },
  }
  const { reasons } = decided(chainOf(), signers)
  assert.equal(reasons[0]?.code, 'LAYOUT_SIGNATURE')
  assert.match(reasons[0].expected, /by 2 owners of keys of chain-owner/)
  const both = chainOf(metablock(goodLayout, owner, second))
  assert.equal(decided(both, signers).verdict, 'ALLOW')
  // Two keys of one person are one person.
  const third = keyEntry(testKeyOf(person('third owner')), { owner: 'cy' })
  const same = keys.map((key) => ({ ...key, owner: 'ann' }))
  const alone = {
    ...signers,
    'chain-owner': { ...signers['chain-owner'], keys: [...same, third] },
  }
  assert.deepEqual(codesOf(decided(both, alone)), ['LAYOUT_SIGNATURE'])
})

test('a key that signs no layouts stands in nobody’s way', () => {
  const keys = [keyEntry(makeKey('ml-dsa-44')), keyEntry(testKeyOf(owner))]
  const signers = { ...layoutSigners, 'chain-owner': { keys, predicateTypes: [layoutType] } }
  assert.equal(decided(chainOf(), signers).verdict, 'ALLOW')
})

test('paths that rules could miss, and what is no layout at all, deny', () => {
  const odd = link('write', {}, { './src/main.ts': 'main', 'src/main.ts': 'main' })
  const steps = goodLayout['steps'] as JsonObject[]
  const loose = { ...goodLayout, steps: steps.map((one) => ({ ...one, expected_products: [] })) }
  const links = { ...goodLinks, [pathOf('write', alice)]: metablock(odd, alice) }
  assert.deepEqual(codesOf(decided(chainOf(metablock(loose, owner), links))), ['LAYOUT_PATH'])
  for (const bytes of [Buffer.from('{'), Buffer.alloc(0), good.subarray(1)]) {
    const { verdict, reasons } = decided(chainOf(bytes))
    assert.equal(verdict, 'DENY')
    assert.ok(reasons.length > 0)
  }
})
