import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { formatReference, parseReference } from './reference.ts'

const hex = 'ab'.repeat(32)

test('a reference is a registry, a repository, and a tag, a digest or both', () => {
  assert.deepEqual(parseReference('registry.example/acme/shop:1.0'), {
    registry: 'registry.example',
    repository: 'acme/shop',
    tag: '1.0',
  })
  assert.deepEqual(parseReference(`oci://Localhost:5000/shop:1@sha256:${hex}`), {
    registry: 'localhost:5000',
    repository: 'shop',
    tag: '1',
    digest: hex,
  })
  assert.deepEqual(parseReference(`[::1]:5000/a__b/c-d.e@sha256:${hex}`), {
    registry: '[::1]:5000',
    repository: 'a__b/c-d.e',
    digest: hex,
  })
})

test('the short names of the hub mean what they mean to Docker', () => {
  assert.equal(parseReference('docker.io/nginx:1').repository, 'library/nginx')
  assert.equal(parseReference('docker.io/acme/shop:1').repository, 'acme/shop')
})

for (const [says, text] of Object.entries({
  'no registry': 'nginx:1.29',
  'no registry but a folder': 'acme/shop:1.0',
  'neither tag nor digest': 'registry.example/shop',
  'a scheme': 'https://registry.example/shop:1',
  'a user': 'user@registry.example/shop:1',
  'a path upwards': 'registry.example/../shop:1',
  'an empty part': 'registry.example/acme//shop:1',
  'capital letters': 'registry.example/Shop:1',
  'a query': 'registry.example/shop:1?x',
  'an escape': 'registry.example/shop%2f:1',
  'two tags': 'registry.example/shop:1:2',
  'two digests': `registry.example/shop@sha256:${hex}@sha256:${hex}`,
  'a short digest': 'registry.example/shop@sha256:abcd',
  'a weak digest': `registry.example/shop@md5:${'a'.repeat(32)}`,
  'a line end': 'registry.example/shop:1\n',
  'a large port': 'registry.example:123456/shop:1',
  nothing: '',
  'too much': `registry.example/${'a'.repeat(2000)}:1`,
})) {
  test(`a reference with ${says} is refused`, () => {
    assert.throws(() => parseReference(text), { code: 'EVIDENCE_REFERENCE' })
  })
}

test('whatever is given, a reference is parsed to what can be written again, or refused', () => {
  const part = fc.stringMatching(/^[a-z0-9./:@_-]{0,30}$/)
  fc.assert(
    fc.property(fc.tuple(part, part, fc.string()), ([registry, path, rest]) => {
      try {
        const reference = parseReference(`${registry}/${path}${rest}`)
        assert.deepEqual(parseReference(formatReference(reference)), reference)
      } catch (error) {
        assert.ok(error instanceof SallyportError, String(error))
      }
    }),
  )
})
