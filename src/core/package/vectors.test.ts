import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import {
  canonicalPurl,
  compareVersions,
  ecosystemOf,
  formatLicense,
  formatPurl,
  isVersion,
  licensesAllowed,
  parseLicense,
  parsePurl,
  purlMatches,
  versContains,
  type LicenseLists,
  type Purl,
} from '#package'

/** What goes in; each operation uses what it needs. */
interface Input {
  readonly text: string
  readonly pattern: string
  readonly purl: Purl
  readonly ecosystem: string
  readonly a: string
  readonly b: string
  readonly lists: LicenseLists
  readonly range: string
  /** Groups of equal versions, from the earliest to the latest. */
  readonly chain: readonly (readonly string[])[]
}

interface Vector {
  readonly rule: string
  readonly op: keyof typeof operations
  readonly in: Input
  readonly expect: { readonly value: unknown } | { readonly code: string }
}

const operations = {
  parsePurl: ({ text }: Input) => parsePurl(text),
  canonicalPurl: ({ text }: Input) => canonicalPurl(text),
  formatPurl: ({ purl }: Input) => formatPurl(purl),
  purlMatches: ({ pattern, text }: Input) => purlMatches(parsePurl(pattern), parsePurl(text)),
  ecosystemOf: ({ text }: Input) => ecosystemOf(parsePurl(text)) ?? null,
  compareVersions: ({ ecosystem, a, b }: Input) => compareVersions(ecosystem, a, b),
  isVersion: ({ ecosystem, text }: Input) => isVersion(ecosystem, text),
  parseLicense: ({ text }: Input) => formatLicense(parseLicense(text)),
  licensesAllowed: ({ text, lists }: Input) => licensesAllowed(text, lists),
  versContains: ({ range, text }: Input) => versContains(range, text) ?? null,
  order: isInOrder,
}

const folder = resolve(import.meta.dirname, '../../../test/vectors/package')

for (const file of readdirSync(folder).sort()) {
  const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector
  test(`${vector.rule} (${file})`, () => {
    const run = () => operations[vector.op](vector.in)
    if ('value' in vector.expect) {
      assert.deepEqual(JSON.parse(JSON.stringify(run())), vector.expect.value)
      return
    }
    const { code } = vector.expect
    assert.throws(run, (error) => {
      assert(error instanceof SallyportError, String(error))
      assert.equal(error.code, code)
      return true
    })
  })
}

test('what is parsed from a package URL is written as the same package URL', () => {
  const text = 'pkg:deb/debian/attr@1:2.5.1-4%2Bb1?arch=amd64&distro=trixie#usr/bin'
  assert.equal(formatPurl(parsePurl(text)), text)
})

test('half a character cannot be written in a package URL', () => {
  const purl = { type: 'npm', name: '\ud800' }
  assert.throws(() => formatPurl(purl), { code: 'PACKAGE_URL' })
})

/** Every version stands to every other as the chain says. */
function isInOrder({ ecosystem, chain }: Input): boolean {
  const places = chain.flatMap((group, place) => group.map((version) => ({ version, place })))
  for (const one of places) {
    for (const other of places) {
      const sign = compareVersions(ecosystem, one.version, other.version)
      const expected = Math.sign(one.place - other.place)
      assert.equal(sign, expected, `${one.version} and ${other.version}`)
    }
  }
  return true
}
