import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNamed, packageOf } from './artifact-name.ts'
import { describeLookAlike, isAt } from './location.ts'

const repository = 'git+https://git.example/acme/shop'

test('a repository is compared exactly: no look-alike is it (POL-06)', () => {
  assert.ok(isAt(repository, repository))
  for (const [found, words] of [
    [`${repository}.git`, /goes on with "\.git"/],
    [`${repository}/`, /goes on with "\/"/],
    [`${repository}/evil`, /goes on with "\/evil"/],
    [`${repository}-evil`, /goes on with/],
    [`${repository}?ref=x`, /goes on with/],
    [`${repository}%20`, /goes on with/],
    ['git+https://git.example/acme/sho', /lacks "p"/],
    ['git+https://git.example/Acme/shop', /case/],
    ['GIT+HTTPS://git.example/acme/shop', /case/],
    ['git+https://git.example.evil.example/acme/shop', /host is "git\.example\.evil\.example"/],
    ['git+https://git.example@evil.example/acme/shop', /host is "git\.example@evil\.example"/],
    ['git+https://evil.example/git.example/acme/shop', /host is "evil\.example"/],
    ['git+http://git.example/acme/shop', /^$/],
    ['https://git.example/acme/shop', /^$/],
    ['git+https://git.example/other/shop', /^$/],
    ['', /lacks/],
  ] as const) {
    assert.equal(isAt(found, repository), false, found)
    assert.match(describeLookAlike(found, repository), words, found)
  }
})

test('a prefix is a folder: what leaves it again is not below it', () => {
  const allowed = { prefix: 'git+https://git.example/acme/' }
  assert.ok(isAt('git+https://git.example/acme/shop', allowed))
  assert.ok(isAt('git+https://git.example/acme/team/shop.git', allowed))
  for (const found of [
    'git+https://git.example/acme/',
    'git+https://git.example/acme',
    'git+https://git.example/acme-evil/shop',
    'git+https://git.example/acme/../evil/shop',
    'git+https://git.example/acme/shop/..',
    'git+https://git.example/acme/./shop',
    'git+https://git.example/acme//shop',
    'git+https://git.example/acme/%2e%2e/evil',
    'git+https://git.example/acme/shop/',
    String.raw`git+https://git.example/acme/..\evil`,
    'git+https://git.example/acme/shop@refs/heads/x',
    'git+https://git.example/acme/shop#x',
    'git+https://git.example/acme/shop?x',
    'git+https://git.example/acme/sh op',
  ]) {
    assert.equal(isAt(found, allowed), false, found)
  }
})

test('a package URL without version means every version of that package and nothing else', () => {
  assert.ok(isNamed('pkg:npm/shop@1.2.3', 'pkg:npm/shop'))
  assert.ok(isNamed('pkg:npm/shop', 'pkg:npm/shop'))
  assert.ok(isNamed('pkg:npm/%40acme/shop@1.2.3?arch=x#sub', 'pkg:npm/%40acme/shop'))
  assert.ok(isNamed('pkg:npm/shop@1.2.3', 'pkg:npm/shop@1.2.3'))
  for (const found of [
    'pkg:npm/shop-evil@1.2.3',
    'pkg:npm/Shop@1.2.3',
    'pkg:npm/acme/shop@1.2.3',
    'pkg:oci/shop@1.2.3',
    'pkg:npm/shop/x@1',
    'shop',
  ]) {
    assert.equal(isNamed(found, 'pkg:npm/shop'), false, found)
  }
  assert.equal(isNamed('pkg:npm/shop@1.2.4', 'pkg:npm/shop@1.2.3'), false)
  assert.equal(packageOf('shop@1'), 'shop@1')
})

test('a name prefix is a folder of names', () => {
  const pattern = { prefix: 'registry.example/shop/' }
  assert.ok(isNamed('registry.example/shop/web:1.2', pattern))
  for (const found of [
    'registry.example/shop/',
    'registry.example/shop-evil/web',
    'registry.example/shop/../evil/web',
    'x/registry.example/shop/web',
  ]) {
    assert.equal(isNamed(found, pattern), false, found)
  }
})
