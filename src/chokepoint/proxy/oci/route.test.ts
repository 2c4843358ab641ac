import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { routeOf } from './route.ts'

const upstreams = new Set(['docker.io', 'registry.example', 'registry.example:5000'])
const hex = 'a'.repeat(64)
const told = (url: string): string => {
  const route = routeOf(url, upstreams)
  if (route.kind === 'base') return 'base'
  return route.kind === 'none' ? route.code : `${route.kind} ${route.place.name}`
}

const good: Readonly<Record<string, string>> = {
  '/v2/': 'base',
  '/v2/docker.io/library/nginx/manifests/1.29': 'manifest docker.io/library/nginx',
  '/v2/docker.io/nginx/manifests/1.29': 'manifest docker.io/library/nginx',
  '/v2/library/nginx/manifests/1.29?ns=docker.io': 'manifest docker.io/library/nginx',
  '/v2/a/b/blobs/sha256:HEX?ns=registry.example:5000': 'blob registry.example:5000/a/b',
  '/v2/registry.example/a/manifests/b/manifests/latest': 'manifest registry.example/a/manifests/b',
  '/v2/registry.example/a/tags/list?n=5': 'tags registry.example/a',
  '/v2/registry.example/a/referrers/sha256:HEX': 'referrers registry.example/a',
}
for (const [url, expected] of Object.entries(good)) {
  test(`${url} is ${expected}`, () => assert.equal(told(url.replace('HEX', hex)), expected))
}

const bad: Readonly<Record<string, string>> = {
  '/': 'UNSUPPORTED',
  '/v2/_catalog': 'UNSUPPORTED',
  '/v2/registry.example/a/blobs/uploads/': 'UNSUPPORTED',
  '/v2/evil.example/a/manifests/1': 'NAME_UNKNOWN',
  '/v2/a/manifests/1?ns=evil.example': 'NAME_UNKNOWN',
  '/v2/registry.example/manifests/1': 'NAME_UNKNOWN',
  '/v2/registry.example/../b/manifests/1': 'NAME_INVALID',
  '/v2/registry.example/%2e%2e/manifests/1': 'NAME_INVALID',
  '/v2/registry.example//manifests/1': 'NAME_INVALID',
  '/v2/registry.example/A/manifests/1': 'NAME_INVALID',
  '/v2/registry.example/a@evil/manifests/1': 'NAME_INVALID',
  '/v2/registry.example/a/manifests/..': 'TAG_INVALID',
  '/v2/registry.example/a/manifests/sha256:abc': 'DIGEST_INVALID',
  '/v2/registry.example/a/blobs/latest': 'DIGEST_INVALID',
  '/v2/registry.example/a/blobs/sha512:HEX': 'DIGEST_INVALID',
}
for (const [url, expected] of Object.entries(bad)) {
  test(`${url} is refused`, () => assert.equal(told(url.replace('HEX', hex)), expected))
}

test('whatever is asked for, what gets through has the form of the spec', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('..', '%2f', '?', '#', '@', ':', 'a'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const route = routeOf(`/v2/registry.example/${parts.join('/')}/manifests/x`, upstreams)
      if (route.kind !== 'manifest') return
      assert.match(route.place.repository, /^[a-z0-9._/-]+$/)
      assert.doesNotMatch(route.place.repository, /(^|\/)\.|\/\//)
      assert.match(route.reference, /^\w[\w.-]*$/)
    }),
    { numRuns: 2000 },
  )
})
