import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePackument } from './packument.ts'

/** A packument with something in it, as often as takes so many bytes. */
function packumentOf(field: (at: number) => string, bytes: number): Buffer {
  const fields: string[] = []
  for (let size = 0; size < bytes; size += fields.at(-1)?.length ?? 0)
    fields.push(field(fields.length))
  return Buffer.from(`{"name":"a","versions":{},"x":{${fields.join()}}}`)
}

for (const [what, field] of [
  ['empty lists', (at: number) => `"${at.toString(36)}":[[],[],[],[],[],[],[],[]]`],
  ['empty objects', (at: number) => `"${at.toString(36)}":[{},{},{},{},{},{},{},{}]`],
  ['objects, each with a name of its own', (at: number) => `"":{"${at.toString(36)}":1}`],
  ['names', (at: number) => `"${at.toString(36)}":1`],
  ['lists in lists', () => '"":[[[[[[[[]]]]]]]]'],
] as const) {
  test(`a packument of many ${what}, which take far more memory than their text, is none`, () => {
    const bytes = packumentOf(field, 3_000_000)
    assert.throws(() => parsePackument(bytes, 'a'), { code: 'NPM_UPSTREAM', where: '"a"' })
    // However little is in it, a small one is read.
    assert.equal(parsePackument(packumentOf(field, 10_000), 'a').name, 'a')
  })
}

test('a packument of many names that are very long is none: to read them takes a minute', () => {
  const long = '1'.repeat(16_000)
  assert.throws(
    () =>
      parsePackument(
        packumentOf((at) => `"${long}${at}":{}`, 3_000_000),
        'a',
      ),
    {
      code: 'NPM_UPSTREAM',
      where: '"a"',
    },
  )
  const texts = packumentOf((at) => `"${at}":"${long}"`, 3_000_000)
  assert.equal(parsePackument(texts, 'a').name, 'a')
})

test('texts are no objects, whatever is in them', () => {
  const bytes = packumentOf((at) => `"${at}":"${'[{,:\\"'.repeat(100)}\\\\"`, 3_000_000)
  assert.equal(parsePackument(bytes, 'a').name, 'a')
})

test('a packument with wide exports, and one with many dependencies, are read', () => {
  const exports = (at: number): string => {
    const name = `component-${at}`
    const one = (ending: string): string =>
      `{"types":"./dist/${name}.d.${ending}ts","default":"./dist/${name}.${ending}js"}`
    return `"./${name}":{"import":${one('m')},"require":${one('c')}}`
  }
  const integrity = `sha512-${'a'.repeat(86)}==`
  const dependencies = (at: number): string =>
    `"1.0.${at}":{"name":"a","version":"1.0.${at}","dependencies":{"@s/a":"^1.0.0","b":"~2.0.1","c":"3"},"dist":{"integrity":"${integrity}","tarball":"https://npm.example/a/-/a-1.0.${at}.tgz"}}`
  for (const field of [exports, dependencies])
    assert.equal(parsePackument(packumentOf(field, 3_000_000), 'a').name, 'a')
})
