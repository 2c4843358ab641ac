import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readManifest } from './manifest.ts'

const read = (value: unknown) => readManifest(Buffer.from(JSON.stringify(value)))
const descriptor = { mediaType: 'a/b', digest: `sha256:${'ab'.repeat(32)}`, size: 3 }

test('a manifest is known by its shape, and one of two shapes is none (CVE-2021-41190)', () => {
  assert.equal(read({ layers: [descriptor] })?.kind, 'manifest')
  assert.equal(read({ manifests: [descriptor] })?.kind, 'index')
  assert.equal(read({ blobs: [descriptor] })?.kind, 'manifest')
  assert.equal(read({ layers: [], manifests: [] }), undefined)
  assert.equal(read({}), undefined)
})

test('a field that clients in Go would take for another makes it none', () => {
  const layers = [descriptor]
  for (const odd of [
    { layers, Manifests: [descriptor] },
    { layers, Layers: [] },
    { layers, mediatype: 'a/b' },
    { layers: [{ ...descriptor, Digest: descriptor.digest }] },
    { layers, config: { mediaType: 'a/b', ['\u017fize']: 3 } },
    { manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'a', OS: 'x' } }] },
  ]) {
    assert.equal(read(odd), undefined, JSON.stringify(odd))
  }
  const annotations = { Size: 'large', size: 'small' }
  const labelled = { layers: [{ ...descriptor, annotations }], annotations, Labels: {}, labels: {} }
  assert.equal(read(labelled)?.kind, 'manifest')
})

test('a manifest that would take far more to read than any list of images is none', () => {
  const full = { ...descriptor, annotations: { a: 'b', c: 'd', e: 'f' } }
  const large = read({ manifests: Array.from({ length: 20_000 }, () => full) })
  assert.equal(large?.kind === 'index' && large.manifests.length, 20_000)
  const annotations = Array.from({ length: 250_000 }, () => [])
  assert.equal(read({ layers: [], annotations }), undefined)
})

test('a digest that is no sha256 points to nothing', () => {
  const weak = { ...descriptor, digest: 'md5:ab' }
  const long = { ...descriptor, digest: `sha512:${'ab'.repeat(64)}` }
  const manifest = read({ layers: [weak, long, descriptor] })
  assert.ok(manifest?.kind === 'manifest')
  assert.deepEqual(
    manifest.layers.map(({ digest }) => digest),
    ['ab'.repeat(32)],
  )
})

test('the type of an artifact is what it says, else that of its configuration', () => {
  const config = { mediaType: 'c/d' }
  const typed = read({ layers: [], config, artifactType: 'a/b' })
  const untyped = read({ layers: [], config })
  assert.ok(typed?.kind === 'manifest' && untyped?.kind === 'manifest')
  assert.deepEqual([typed.artifactType, untyped.artifactType], ['a/b', 'c/d'])
})

test('whatever bytes there are, they are a manifest or none', () => {
  const part = fc.record(
    {
      mediaType: fc.anything(),
      digest: fc.oneof(fc.constant(descriptor.digest), fc.anything()),
      size: fc.oneof(fc.nat(), fc.anything()),
      annotations: fc.anything(),
      platform: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const shape = fc.record(
    {
      layers: fc.oneof(fc.array(part), fc.anything()),
      manifests: fc.oneof(fc.array(part), fc.anything()),
      subject: fc.oneof(part, fc.anything()),
      config: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(shape, fc.json(), fc.uint8Array()), (value) => {
      const bytes =
        value instanceof Uint8Array
          ? value
          : Buffer.from(typeof value === 'string' ? value : (safeJson(value) ?? ''))
      const manifest = readManifest(bytes)
      assert.ok(manifest === undefined || ['index', 'manifest'].includes(manifest.kind))
    }),
    { numRuns: 300 },
  )
})

function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
