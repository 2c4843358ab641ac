import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { closureOf, debPackageOf, universeOf } from './closure.ts'
import { parseParagraphs } from './control.ts'
import { openPackagesIndex } from './packages-index.ts'
import { parseRelations } from './relation.ts'
import { parseDeb822, parseOneLine, sourcesFor } from './sources.ts'

test('relations are read as Debian Policy 7.1 writes them', () => {
  const read = (text: string): unknown => parseRelations(text, 'amd64')
  assert.deepEqual(
    read('libc6 (>= 2.36), a | b:any (<< 2~) , c [arm64] | d [!arm64], e [linux-any]'),
    [
      [{ name: 'libc6', version: { relation: '>=', of: '2.36' } }],
      [{ name: 'a' }, { name: 'b', version: { relation: '<<', of: '2~' } }],
      [{ name: 'd' }],
      [{ name: 'e' }],
    ],
  )
  assert.deepEqual(read('a (> 1), b (< 1)'), [
    [{ name: 'a', version: { relation: '>=', of: '1' } }],
    [{ name: 'b', version: { relation: '<=', of: '1' } }],
  ])
  assert.deepEqual(read(''), [])
  assert.deepEqual(read('c [arm64]'), [])
  assert.throws(() => read('${misc:Depends}'), { code: 'ROOT_DEPENDENCY' })
  assert.throws(() => read('a (>= 1) and b'), { code: 'ROOT_DEPENDENCY' })
})

test('paragraphs are read with folded lines and without comments', () => {
  const [first, second] = parseParagraphs('A: 1\n 2\n# no\nb:3\n\n\nC: x\n')
  assert.equal(first?.get('a'), '1\n2')
  assert.equal(first?.get('b'), '3')
  assert.equal(second?.get('c'), 'x')
})

function closure(names: string[], text: string): string[] {
  const packages = parseParagraphs(text).map((fields) => debPackageOf(fields, 'amd64'))
  return closureOf(names, universeOf(packages, 'the test')).map(({ name }) => name)
}

const small = `Package: shell
Version: 1
Depends: lib (>= 2), virtual

Package: lib
Version: 2
Pre-Depends: base

Package: base
Version: 1

Package: provider-b
Version: 1
Priority: optional
Provides: virtual (= 3)

Package: provider-a
Version: 1
Priority: extra
Provides: virtual

Package: unrelated
Version: 1
`

test('the closure takes Depends and Pre-Depends, and nothing is implied', () => {
  assert.deepEqual(closure(['shell'], small), ['base', 'lib', 'provider-b', 'shell'])
  assert.deepEqual(closure(['base'], small), ['base'])
})

test('what is asked for satisfies before anything else is taken', () => {
  assert.deepEqual(closure(['shell', 'provider-a'], small), ['base', 'lib', 'provider-a', 'shell'])
})

test('of alternatives the first that fits is taken, and one that is in is enough', () => {
  const text = `Package: a
Version: 1
Depends: absent | old (>= 2) | c | d

Package: old
Version: 1

Package: c
Version: 1

Package: d
Version: 1
`
  assert.deepEqual(closure(['a'], text), ['a', 'c'])
  assert.deepEqual(closure(['a', 'd'], text), ['a', 'd'])
})

test('a versioned wish needs a versioned promise', () => {
  const wish = (version: string): string =>
    `Package: a\nVersion: 1\nDependS: virtual ${version}\n\n${small}`
  assert.deepEqual(closure(['a'], wish('(>= 3)')), ['a', 'provider-b'])
  assert.throws(() => closure(['a'], wish('(>= 4)')), { code: 'ROOT_DEPENDENCY' })
})

test('all that is missing is said at once', () => {
  const text = 'Package: a\nVersion: 1\nDepends: x, y (>= 1)\n'
  assert.throws(
    () => closure(['a', 'z'], text),
    (error: SallyportError) => {
      assert.deepEqual(
        error.problems.map(({ code, expected }) => [code, expected]),
        [
          ['ROOT_PACKAGE_UNKNOWN', 'a package named "z" in the test'],
          ['ROOT_DEPENDENCY', 'x in the test'],
          ['ROOT_DEPENDENCY', 'y (>= 1) in the test'],
        ],
      )
      return true
    },
  )
})

test('dependencies in a circle end', () => {
  assert.deepEqual(
    closure(['a'], 'Package: a\nVersion: 1\nDepends: b\n\nPackage: b\nVersion: 1\nDepends: a\n'),
    ['a', 'b'],
  )
})

test('an index is searched by name, by digest and by what is provided', () => {
  const digest = 'ab'.repeat(32)
  const text = `Package: a\nVersion: 1\nProvides: x, virtual (= 1), y\nSHA256: ${digest}\nSize: 5\n\nPackage: b\nVersion: 2\nProvides: not-virtual\nSHA256: ${'cd'.repeat(32)}\nSize: 6\n`
  const index = openPackagesIndex(text, 'amd64', 'test')
  assert.equal(index.named('b')?.size, 6)
  assert.equal(index.named('Package'), undefined)
  assert.equal(index.withDigest(digest)?.name, 'a')
  assert.equal(index.withDigest('ef'.repeat(32)), undefined)
  assert.deepEqual(
    index.providing('virtual').map(({ name }) => name),
    ['a'],
  )
  assert.deepEqual(
    index.providing('x').map(({ name }) => name),
    ['a'],
  )
})

test('apt sources are read in both formats', () => {
  const oneLine = `# comment
deb http://deb.example/debian bookworm main contrib # behind
deb-src http://deb.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://other.example/ stable main
`
  assert.deepEqual(parseOneLine(oneLine), [
    { uri: 'http://deb.example/debian', suite: 'bookworm', components: ['main', 'contrib'] },
    { uri: 'https://other.example/', suite: 'stable', components: ['main'] },
  ])
  const deb822 = `Types: deb deb-src
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
Enabled: no
URIs: http://off.example/
Suites: x
Components: main
`
  assert.deepEqual(parseDeb822(deb822), [
    { uri: 'http://deb.example/debian', suite: 'bookworm', components: ['main'] },
    { uri: 'http://deb.example/debian', suite: 'bookworm-updates', components: ['main'] },
  ])
})

test('a suite is looked for where this machine has it, or its own of the same kind', () => {
  const source = (
    uri: string,
    suite: string,
  ): { uri: string; suite: string; components: string[] } => ({ uri, suite, components: ['main'] })
  const machine = [
    source('http://a/debian', 'trixie'),
    source('http://a/debian', 'trixie-updates'),
    source('http://a/security', 'trixie-security'),
    source('http://third/', 'nodistro'),
    { uri: 'http://docker/', suite: 'trixie', components: ['stable'] },
  ]
  assert.deepEqual(sourcesFor(['trixie', 'trixie-security'], machine, 'trixie'), [
    source('http://a/debian', 'trixie'),
    source('http://a/security', 'trixie-security'),
  ])
  // An older lock on a newer machine.
  assert.deepEqual(
    sourcesFor(['bookworm', 'bookworm-updates', 'bookworm-security'], machine, 'trixie'),
    [
      source('http://a/debian', 'bookworm'),
      source('http://a/debian', 'bookworm-updates'),
      source('http://a/security', 'bookworm-security'),
    ],
  )
  assert.deepEqual(sourcesFor(['trixie'], [source('http://a/', 'stable')], 'trixie'), [
    source('http://a/', 'trixie'),
  ])
  assert.deepEqual(sourcesFor(['trixie'], [], 'trixie'), [])
})
