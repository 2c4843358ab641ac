import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fits, readPattern } from './pattern.ts'
import {
  alice,
  check,
  codes,
  layout,
  link,
  metablock,
  owner,
  pathOf,
  step,
  type Files,
} from './testing/chain.ts'

/** One step, its rules for products (or materials), and what was recorded. */
function judge(
  rules: readonly string[],
  materials: Files,
  products: Files,
  kind: 'materials' | 'products' = 'products',
) {
  const words = rules.map((rule) => rule.split(' '))
  const signed = metablock(layout({ steps: [step({ [kind]: words })] }), owner)
  const links = { [pathOf('build', alice)]: metablock(link('build', materials, products), alice) }
  return codes(check(signed, links))
}

const no = ['LAYOUT_RULE']

test('what no rule accounts for is let through, until DISALLOW says otherwise', () => {
  assert.equal(judge([], {}, { a: '1' }), 'holds')
  assert.deepEqual(judge(['DISALLOW *'], {}, { a: '1' }), no)
  assert.equal(judge(['DISALLOW *'], {}, {}), 'holds')
  assert.equal(judge(['ALLOW a', 'DISALLOW *'], {}, { a: '1' }), 'holds')
  assert.deepEqual(judge(['DISALLOW *', 'ALLOW a'], {}, { a: '1' }), no)
  assert.equal(judge(['allow a', 'disallow *'], {}, { a: '1' }), 'holds')
})

test('CREATE takes what was not there before, DELETE what is gone, MODIFY what has changed', () => {
  const rest = 'DISALLOW *'
  assert.equal(judge(['CREATE a', rest], {}, { a: '1' }), 'holds')
  assert.deepEqual(judge(['CREATE a', rest], { a: '1' }, { a: '1' }), no)
  assert.deepEqual(judge(['CREATE a', rest], { a: '0' }, { a: '1' }), no)
  assert.equal(judge(['MODIFY a', rest], { a: '0' }, { a: '1' }), 'holds')
  assert.deepEqual(judge(['MODIFY a', rest], { a: '1' }, { a: '1' }), no)
  assert.deepEqual(judge(['MODIFY a', rest], {}, { a: '1' }), no)
  assert.equal(judge(['DELETE a', rest], { a: '1' }, {}, 'materials'), 'holds')
  assert.deepEqual(judge(['DELETE a', rest], { a: '1' }, { a: '1' }, 'materials'), no)
})

test('REQUIRE names one file, no pattern, and looks at what is left', () => {
  assert.equal(judge(['REQUIRE a', 'ALLOW *'], {}, { a: '1' }), 'holds')
  assert.deepEqual(judge(['ALLOW *', 'REQUIRE a'], {}, { a: '1' }), no)
  assert.deepEqual(judge(['REQUIRE *'], {}, { a: '1' }), no)
  assert.equal(judge(['REQUIRE *'], {}, { '*': '1' }), 'holds')
  assert.deepEqual(judge(['REQUIRE a'], {}, {}), no)
})

/** Two steps: what the first made, what the second took, and the rule of the second for it. */
function match(rule: string, made: Files, taken: Files) {
  const steps = [
    step({ name: 'first' }),
    step({ name: 'second', materials: [rule.split(' '), ['DISALLOW', '*']] }),
  ]
  return codes(
    check(metablock(layout({ steps }), owner), {
      [pathOf('first', alice)]: metablock(link('first', {}, made), alice),
      [pathOf('second', alice)]: metablock(link('second', taken, {}), alice),
    }),
  )
}

test('MATCH takes what another step made, by path and digest', () => {
  const rule = 'MATCH * WITH PRODUCTS FROM first'
  assert.equal(match(rule, { a: '1' }, { a: '1' }), 'holds')
  assert.deepEqual(match(rule, { a: '1' }, { a: '2' }), no)
  assert.deepEqual(match(rule, { a: '1' }, { b: '1' }), no)
  assert.deepEqual(match(rule, {}, { a: '1' }), no)
  assert.deepEqual(match('MATCH * WITH MATERIALS FROM first', { a: '1' }, { a: '1' }), no)
  assert.deepEqual(match('MATCH * WITH PRODUCTS FROM nobody', { a: '1' }, { a: '1' }), no)
  assert.deepEqual(match('MATCH b WITH PRODUCTS FROM first', { a: '1' }, { a: '1' }), no)
})

test('prefixes of MATCH move folders, and hold no wildcards', () => {
  const rule = 'MATCH * IN in WITH PRODUCTS IN out/x FROM first'
  assert.equal(match(rule, { 'out/x/a': '1' }, { 'in/a': '1' }), 'holds')
  assert.equal(match(rule.replace('out/x', 'out/x/'), { 'out/x/a': '1' }, { 'in/a': '1' }), 'holds')
  assert.deepEqual(match(rule, { 'out/a': '1' }, { 'in/a': '1' }), no)
  assert.deepEqual(match(rule, { 'out/x/a': '1' }, { 'inner/a': '1' }), no)
  assert.deepEqual(match('MATCH * IN i* WITH PRODUCTS FROM first', { a: '1' }, { 'in/a': '1' }), no)
  assert.equal(
    match('MATCH * IN in WITH PRODUCTS FROM first', { a: '1' }, { 'in/a': '1' }),
    'holds',
  )
  assert.equal(
    match('MATCH * WITH PRODUCTS IN out FROM first', { 'out/a': '1' }, { a: '1' }),
    'holds',
  )
})

test('two spellings of one path are two paths: nothing is matched by accident', () => {
  const rule = 'MATCH * WITH PRODUCTS FROM first'
  for (const path of ['./a', 'b/../a', 'a/', '/a', 'A', 'a\u200b', '\u0430']) {
    assert.deepEqual(match(rule, { a: '1' }, { [path]: '1' }), no, path)
  }
  const prefixed = 'MATCH * IN in WITH PRODUCTS FROM first'
  for (const path of ['in//a', 'in/../a', 'in\\a']) {
    assert.deepEqual(match(prefixed, { a: '1', '/a': '1' }, { [path]: '1' }), no, path)
  }
})

test('patterns are those of fnmatch', () => {
  const yes: [string, string][] = [
    ['*', ''],
    ['*', 'a/b/.c'],
    ['a*c', 'abc/c'],
    ['?', '/'],
    ['?', '😀'],
    ['[ab]1', 'a1'],
    ['[!ab]1', 'c1'],
    ['[a-c]', 'b'],
    ['[]]', ']'],
    ['[!]]', 'a'],
    ['[a-]', '-'],
    ['[-a]', '-'],
    ['[', '['],
    ['[a', '[a'],
    ['[]', '[]'],
    ['\\*', '\\x'],
    ['[\\]', '\\'],
    ['{a,b}', '{a,b}'],
    ['[^a]', '^'],
    ['a.c', 'a.c'],
    ['**', 'a'],
  ]
  const never: [string, string][] = [
    ['?', ''],
    ['a', 'ab'],
    ['[!ab]1', 'a1'],
    ['[c-a]', 'b'],
    ['{a,b}', 'a'],
    ['a.c', 'abc'],
    ['\\*', '*'],
    ['A', 'a'],
    ['[^a]', 'b'],
  ]
  const is = (pattern: string, name: string) => fits(readPattern(pattern), name, { left: 1e6 })
  for (const [pattern, name] of yes) assert.ok(is(pattern, name), `${pattern} takes ${name}`)
  for (const [pattern, name] of never) assert.ok(!is(pattern, name), `${pattern} leaves ${name}`)
})

test('a pattern bomb costs bounded work', () => {
  const pattern = readPattern(`${'*a'.repeat(2000)}b`)
  const budget = { left: 20_000_000 }
  assert.equal(fits(pattern, 'a'.repeat(4096), budget), false)
  assert.ok(budget.left > 0)
  const bomb = `*${'a'.repeat(2000)}b`
  const names = Array.from({ length: 40 }, (_, at) => [`${'a'.repeat(4000)}${at}`, '1'])
  const files = Object.fromEntries(names) as Files
  assert.deepEqual(judge([`ALLOW ${bomb}`], {}, files), ['LAYOUT_EXPENSIVE'])
})
