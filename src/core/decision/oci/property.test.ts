import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { readIndex } from './read-index.ts'
import { imagesOf, relationsOf } from './relations.ts'

const image = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const artifact = sha256Hex('the artifact')

const digest = fc.constantFrom(
  `sha256:${artifact}`,
  `sha256:${sha256Hex('another')}`,
  `sha256:${artifact.toUpperCase()}`,
  `sha512:${'ab'.repeat(64)}`,
  artifact,
)
const descriptor = fc.record(
  {
    mediaType: fc.constantFrom(image, indexType, 'text/plain'),
    digest,
    size: fc.constantFrom(1, 2, -1, 1.5, '1'),
    platform: fc.record(
      {
        os: fc.constantFrom('linux', 'unknown'),
        architecture: fc.constantFrom('amd64', 'unknown'),
      },
      { requiredKeys: [] },
    ),
    annotations: fc.constantFrom({}, { 'vnd.docker.reference.type': 'attestation-manifest' }),
  },
  { requiredKeys: ['digest'] },
)
const index = fc
  .record(
    {
      schemaVersion: fc.constantFrom(2, 1, '2'),
      mediaType: fc.constantFrom(indexType, image),
      manifests: fc.array(descriptor, { maxLength: 4 }),
      layers: fc.constant([]),
    },
    { requiredKeys: ['schemaVersion', 'manifests'] },
  )
  .map((value) => Buffer.from(JSON.stringify(value)))
const bytes = fc.oneof(
  index,
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((text) => Buffer.from(text)),
)

test('whatever the bytes are, an index is read or refused with a problem', () => {
  fc.assert(
    fc.property(bytes, (one) => {
      try {
        const { listed, digest: own } = readIndex(one)
        assert.equal(own, sha256Hex(one))
        assert.equal(new Set(listed.map((entry) => entry.digest)).size, listed.length)
      } catch (error) {
        assert.ok(error instanceof SallyportError)
        assert.match(error.code, /^INDEX_/)
      }
    }),
    { numRuns: 2000 },
  )
})

test('only an index whose own bytes list the artifact as an image is tied to it', () => {
  fc.assert(
    fc.property(fc.array(index, { maxLength: 3 }), (all) => {
      const relations = relationsOf(
        artifact,
        all.map((one) => ({ index: one })),
      )
      for (const { digest: tied } of relations.listedBy) {
        const own = all.find((one) => sha256Hex(one) === tied)
        const { manifests } = JSON.parse(String(own)) as {
          manifests: readonly { digest: string; mediaType: string; size: number }[]
        }
        const entries = manifests.filter((one) => one.digest === `sha256:${artifact}`)
        assert.ok(entries.length > 0)
        assert.ok(entries.every(({ mediaType }) => mediaType === image))
        assert.equal(new Set(entries.map(({ size }) => size)).size, 1)
      }
    }),
    { numRuns: 2000 },
  )
})

test('what a runtime may choose is left out only when all of it says that nothing may', () => {
  fc.assert(
    fc.property(index, (one) => {
      const { own } = relationsOf(sha256Hex(one), [{ index: one }])
      if (own === undefined) return
      const left = own.listed.filter((entry) => !imagesOf(own).includes(entry))
      for (const { platforms } of left) {
        assert.ok(platforms.length > 0 && platforms.every((name) => name === 'unknown/unknown'))
      }
    }),
    { numRuns: 2000 },
  )
})
