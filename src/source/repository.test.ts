import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { testFolder } from '../materials/testing/storage.ts'
import { canonicalUri, parseRepository } from './repository.ts'
import { testRepository } from './testing/repository.ts'

const canonical: readonly (readonly [string, string])[] = [
  ['https://git.example/acme/shop', 'git+https://git.example/acme/shop'],
  ['https://git.example/acme/shop.git', 'git+https://git.example/acme/shop'],
  ['https://git.example/acme/shop/', 'git+https://git.example/acme/shop'],
  ['https://git.example/acme/shop.git//', 'git+https://git.example/acme/shop'],
  ['HTTPS://Git.Example:443/acme/Shop', 'git+https://git.example/acme/Shop'],
  ['https://git.example:8443/acme/shop', 'git+https://git.example:8443/acme/shop'],
  ['https://user:token@git.example/acme/shop', 'git+https://git.example/acme/shop'],
  ['https://token@git.example/acme/shop', 'git+https://git.example/acme/shop'],
  ['git+https://git.example/acme/shop', 'git+https://git.example/acme/shop'],
  ['https://git.example/a/../b', 'git+https://git.example/b'],
  ['https://git.example/acme/shop/.git', 'git+https://git.example/acme/shop'],
  ['https://git.example/acme/...git', 'git+https://git.example/acme/...git'],
  ['https://git.example/acme/%2E%2e.git', 'git+https://git.example/acme/%2E%2e.git'],
  ['https://git.example/acme/..git', 'git+https://git.example/acme/..git'],
  ['https://git.example/.git', 'git+https://git.example/.git'],
  ['git.example:a/...git', 'git+ssh://git.example/a/...git'],
  ['git@git.example:acme/shop.git', 'git+ssh://git@git.example/acme/shop'],
  ['git.example:acme/shop', 'git+ssh://git.example/acme/shop'],
  ['ssh://git@git.example:22/acme/shop.git', 'git+ssh://git@git.example/acme/shop'],
  ['ssh://git:password@git.example:2222/acme/shop', 'git+ssh://git@git.example:2222/acme/shop'],
]
for (const [text, uri] of canonical) {
  test(`${text} is ${uri}`, () => assert.equal(canonicalUri(text), uri))
}

const refused: readonly string[] = [
  '',
  'http://git.example/acme/shop',
  'git://git.example/acme/shop',
  'ftp://git.example/x',
  'ext::sh -c touch% /tmp/x',
  'fd::17/foo',
  '--upload-pack=touch /tmp/x',
  '-oProxyCommand=touch /tmp/x',
  'ssh://-oProxyCommand=touch%20x/acme/shop',
  'ssh://-oProxyCommand=x@git.example/acme',
  'ssh://git.example',
  'https://',
  'https://git.example',
  'https://git.example/a?x=1',
  'https://git.example/a#main',
  'https://us%er:pw@git.example/a',
  'file://other.example/srv/repo',
  'https://git.example/a\nb',
  '/nonexistent/folder',
  'nonexistent-folder',
]
for (const text of refused) {
  test(`${JSON.stringify(text)} is no repository`, () => {
    assert.throws(() => parseRepository(text), { code: 'SOURCE_REPOSITORY' })
  })
}

test('a folder is named by its real path, wherever in it one stands', (t) => {
  const folder = testFolder(t)
  testRepository(join(folder, 'my repo'))
  mkdirSync(join(folder, 'my repo/deep/down'), { recursive: true })
  const uri = `git+file://${folder}/my%20repo`
  assert.equal(canonicalUri(join(folder, 'my repo')), uri)
  assert.equal(canonicalUri(`file://${folder}/my%20repo`), uri)
  assert.equal(canonicalUri(uri), uri)
  assert.equal(parseRepository('.', join(folder, 'my repo/deep/down')).uri, uri)
  assert.equal(
    parseRepository('down', join(folder, 'my repo/deep')).remote,
    join(folder, 'my repo'),
  )
})

test('a bare repository is one', (t) => {
  const folder = testFolder(t)
  testRepository(join(folder, 'shop.git'), { bare: true })
  assert.equal(canonicalUri(join(folder, 'shop.git')), `git+file://${folder}/shop.git`)
})

test('the canonical address of a canonical address is itself, and holds no secret', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/)
  const address = fc.record({
    scheme: fc.constantFrom('https', 'ssh'),
    user: word,
    secret: word.map((text) => `SECRET${text}`),
    host: word,
    path: fc.array(word, { minLength: 1, maxLength: 4 }),
  })
  fc.assert(
    fc.property(address, ({ scheme, user, secret, host, path }) => {
      const uri = canonicalUri(
        `${scheme}://${user}:${secret}@h${host}.example/${path.join('/')}.git`,
      )
      assert.equal(canonicalUri(uri), uri)
      assert.doesNotMatch(uri, /SECRET/)
    }),
  )
})

test('whatever the text, it is a repository or a Problem that does not repeat a password', () => {
  fc.assert(
    fc.property(fc.string(), fc.webUrl(), (noise, url) => {
      for (const text of [noise, `ftp://u:SECRET@${noise}`, url.replace('//', '//u:SECRET@')]) {
        try {
          assert.doesNotMatch(parseRepository(text).uri, /SECRET/)
        } catch (error) {
          assert.ok(error instanceof SallyportError, String(error))
          assert.doesNotMatch(JSON.stringify(error.problems), /SECRET/)
        }
      }
    }),
  )
})
