import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeInspections } from './index.ts'
import {
  alice,
  bob,
  check,
  codes,
  dsse,
  eve,
  layout,
  link,
  metablock,
  owner,
  pathOf,
  step,
} from './testing/chain.ts'

const inner = link('compile', { 'src/a': '1' }, { 'out/a': '2' })
const sublayout = layout({ steps: [step({ name: 'compile', by: [bob] })] })
const folder = `build.${alice.id.slice(0, 8)}`
const links = {
  [`${folder}.link`]: metablock(sublayout, alice),
  [`${folder}/${pathOf('compile', bob)}`]: metablock(inner, bob),
}
const outer = layout({
  steps: [
    step({
      products: [
        ['REQUIRE', 'out/a'],
        ['CREATE', 'out/*'],
        ['DISALLOW', '*'],
      ],
    }),
  ],
})

test('a sublayout stands for a step with what goes in first and comes out last', () => {
  const result = check(metablock(outer, owner), links)
  assert.ok(result.kind === 'holds')
  assert.deepEqual([...result.summary.products.keys()], ['out/a'])
  assert.deepEqual(
    result.steps[0]?.steps.map(({ name }) => name),
    ['compile'],
  )
  assert.equal(
    codes(check(dsse(outer, owner), { ...links, [`${folder}.link`]: dsse(sublayout, alice) })),
    'holds',
  )
})

test('a sublayout is judged as strictly as the layout it stands in', () => {
  const at = `${folder}.link`
  const cases = [
    [{ ...links, [at]: metablock(sublayout, eve) }, 'LAYOUT_THRESHOLD'],
    [
      { ...links, [at]: metablock({ ...sublayout, expires: '2026-01-01T00:00:00Z' }, alice) },
      'LAYOUT_EXPIRED',
    ],
    [{ ...links, [at]: metablock({ ...sublayout, steps: [] }, alice) }, 'LAYOUT_EMPTY'],
    [{ [at]: metablock(sublayout, alice) }, 'LAYOUT_LINK_MISSING'],
    [
      { [at]: metablock(sublayout, alice), [pathOf('compile', bob)]: metablock(inner, bob) },
      'LAYOUT_LINK_MISSING',
    ],
    [
      { ...links, [`${folder}/${pathOf('compile', bob)}`]: metablock(inner, alice) },
      'LAYOUT_THRESHOLD',
    ],
  ] as const
  for (const [files, code] of cases) {
    assert.deepEqual(codes(check(metablock(outer, owner), files)), [code])
  }
})

test('what holds expires with the first of its layouts', () => {
  const at = {
    ...links,
    [`${folder}.link`]: metablock({ ...sublayout, expires: '2028-01-01T00:00:00Z' }, alice),
  }
  const result = check(metablock(outer, owner), at)
  assert.equal(result.kind === 'holds' ? result.expires.getUTCFullYear() : 0, 2028)
})

test('a sublayout that contains itself ends where its files end, and deep ones at a bound', () => {
  const own = layout({ steps: [step()] })
  const self = metablock(own, alice)
  const one = `${folder}.link`
  const nest = (depth: number) =>
    Object.fromEntries(
      Array.from({ length: depth }, (_, at) => [`${`${folder}/`.repeat(at)}${one}`, self]),
    )
  assert.deepEqual(codes(check(metablock(own, owner), nest(1))), ['LAYOUT_LINK_MISSING'])
  assert.deepEqual(codes(check(metablock(own, owner), nest(8))), ['LAYOUT_LINK_MISSING'])
  assert.deepEqual(codes(check(metablock(own, owner), nest(20))), ['LAYOUT_DEPTH'])
})

test('sublayouts that multiply at every level cost bounded work', () => {
  const people = [alice, bob]
  const wide = layout({ steps: [step({ by: people }), step({ name: 'b', by: people })] })
  const files: Record<string, Uint8Array> = {}
  const signed = new Map(people.map((one) => [one, metablock(wide, one)]))
  let folders = ['']
  for (let depth = 0; depth < 5; depth += 1) {
    const next: string[] = []
    for (const at of folders) {
      for (const name of ['build', 'b']) {
        for (const one of people) {
          files[`${at}${pathOf(name, one)}`] = signed.get(one) ?? new Uint8Array()
          next.push(`${at}${name}.${one.id.slice(0, 8)}/`)
        }
      }
    }
    folders = next
  }
  assert.notEqual(codes(check(metablock(wide, owner), files)), 'holds')
})

const inspection = (expected: readonly (readonly string[])[]) => ({
  _type: 'inspection',
  name: 'untar',
  run: ['tar', 'xf', 'a.tar'],
  expected_materials: [],
  expected_products: expected,
})
const files = (content: string) => new Map([['out/a', { sha256: content }]])

test('inspections are told and not run, and are no yes before they were', () => {
  const rules = [
    ['MATCH', 'out/a', 'WITH', 'PRODUCTS', 'FROM', 'build'],
    ['DISALLOW', '*'],
  ]
  const result = check(metablock({ ...outer, inspect: [inspection(rules)] }, owner), links)
  assert.ok(result.kind === 'holds')
  const [group] = result.pending
  assert.ok(group !== undefined)
  const [one] = group.inspections
  assert.ok(one !== undefined)
  assert.deepEqual(one.run, ['tar', 'xf', 'a.tar'])
  const judge = (exit: number | undefined, content: string) =>
    judgeInspections(result.pending, [
      { group, inspection: one, exit, materials: files(content), products: files(content) },
    ]).map(({ code }) => code)
  const right = result.summary.products.get('out/a')?.['sha256'] ?? ''
  assert.deepEqual(
    judgeInspections(result.pending, []).map(({ code }) => code),
    ['LAYOUT_INSPECTION_PENDING'],
  )
  assert.deepEqual(judge(0, right), [])
  assert.deepEqual(judge(0, 'ff'), ['LAYOUT_RULE'])
  assert.deepEqual(judge(3, right), ['LAYOUT_INSPECTION'])
  assert.deepEqual(judge(undefined, right), ['LAYOUT_INSPECTION'])
})

test('inspections of sublayouts must be run too', () => {
  const withInspection = metablock({ ...sublayout, inspect: [inspection([])] }, alice)
  const result = check(metablock(outer, owner), { ...links, [`${folder}.link`]: withInspection })
  assert.ok(result.kind === 'holds')
  assert.deepEqual(
    result.pending.map(({ inspections }) => inspections.length),
    [1],
  )
})
