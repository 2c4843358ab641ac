import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { meantReference, parseArtifactName } from './name.ts'

const hex = 'a'.repeat(64)

test('an artifact is named by a path, a digest, a place in a registry or a package', () => {
  const names = [
    ['shop.tgz', { kind: 'file', path: 'shop.tgz' }],
    ['./sha256:x', { kind: 'file', path: './sha256:x' }],
    ['dir/oci:x', { kind: 'file', path: 'dir/oci:x' }],
    [`sha256:${hex}`, { kind: 'digest', sha256: hex }],
    [
      `oci://registry.example:5000/acme/shop:1.0@sha256:${hex}`,
      {
        kind: 'oci',
        reference: {
          registry: 'registry.example:5000',
          repository: 'acme/shop',
          tag: '1.0',
          digest: hex,
        },
      },
    ],
    [
      'pkg:npm/%40acme/shop@1.0.0',
      { kind: 'npm', purl: 'pkg:npm/%40acme/shop@1.0.0', name: '@acme/shop', version: '1.0.0' },
    ],
  ] as const
  for (const [text, expected] of names) assert.deepEqual(parseArtifactName(text), expected)
})

test('what looks like another kind of name is refused with what to write in its place', () => {
  const refused = [
    ['docker://nginx', '"oci://docker.io/library/nginx:latest"'],
    ['docker://acme/shop:1', '"oci://docker.io/acme/shop:1"'],
    ['docker://registry.example/shop@sha256:12', '"oci://registry.example/shop@sha256:12"'],
    ['docker:nginx:1', '"oci://docker.io/library/nginx:1"'],
    ['DOCKER://nginx', '"oci://docker.io/library/nginx:latest"'],
    ['docker-daemon:nginx:1', 'Push the image to a registry'],
    ['containers-storage:localhost/x', 'Push the image to a registry'],
    ['file:///tmp/shop.tgz', '"/tmp/shop.tgz"'],
    ['https://registry.example/shop', 'write oci:// before its name'],
    ['sha256:12', 'Copy the whole digest'],
    [`sha256:${hex.toUpperCase()}`, 'Copy the whole digest'],
    ['oci://registry.example/shop', 'Add @sha256:'],
    ['pkg:npm/shop', 'Add the version'],
    ['pkg:npm/shop@1?repository_url=https://evil.example', 'Leave out everything after'],
    ['pkg:pypi/shop@1', 'Download the package'],
    [
      `pkg:oci/shop@sha256:${hex}?repository_url=registry.example/shop`,
      `"oci://registry.example/shop@sha256:${hex}"`,
    ],
    ['pkg:oci/shop?repository_url=registry.example/shop&tag=1', '"oci://registry.example/shop:1"'],
  ] as const
  for (const [text, fix] of refused) {
    assert.throws(
      () => parseArtifactName(text),
      (error) => {
        assert.ok(error instanceof SallyportError, text)
        assert.equal(error.code, 'EVIDENCE_REFERENCE')
        assert.ok(error.problems[0]?.fix.includes(fix), `${text}: ${error.problems[0]?.fix}`)
        return true
      },
    )
  }
})

test('a path that could be the name of an image is recognised as one', () => {
  assert.equal(meantReference('registry.example/shop:1.0'), 'oci://registry.example/shop:1.0')
  assert.equal(meantReference('build/shop.tgz'), undefined)
})

test('whatever is typed is a name or a Problem', () => {
  const part = fc.constantFrom(
    'oci',
    'docker',
    'pkg',
    'npm',
    'sha256',
    ':',
    '//',
    '@',
    '/',
    '%',
    hex,
  )
  const typed = fc.array(fc.oneof(part, fc.string({ maxLength: 4 })), { maxLength: 8 })
  fc.assert(
    fc.property(typed, (parts) => {
      try {
        parseArtifactName(parts.join(''))
      } catch (error) {
        assert.ok(error instanceof SallyportError)
      }
    }),
    { numRuns: 2000 },
  )
})
