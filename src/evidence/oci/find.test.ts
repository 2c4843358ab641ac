import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { EvidenceSource } from '#decision'
import { sha256Hex } from '#document'
import { openByteCache } from '../cache.ts'
import { bundleType, dsseType, imageType, pusherTo, type Pusher } from '../testing/push.ts'
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../testing/registry.ts'
import { findInRegistry, resolveInRegistry, type RegistryOptions } from './find.ts'

let registry: TestRegistry
let push: Pusher

beforeEach(() => open())
afterEach(() => registry.close())

async function open(options: TestRegistryOptions = {}): Promise<void> {
  await registry?.close()
  registry = await startTestRegistry(options)
  push = pusherTo(registry.base, 'acme/shop')
}

const layer = (text: string, mediaType = bundleType) => ({ mediaType, bytes: Buffer.from(text) })
const options = (more: Partial<RegistryOptions> = {}): RegistryOptions => ({
  registries: [registry.host],
  ...more,
})
const at = (suffix: string): string => `${registry.host}/acme/shop${suffix}`
const texts = (items: readonly { readonly bytes: Uint8Array }[]): readonly string[] =>
  items.map(({ bytes }) => Buffer.from(bytes).toString()).sort()
const outcomes = (sources: readonly EvidenceSource[]): readonly string[] =>
  sources.map(({ name, outcome }) => `${name.slice(at('').length + 1)}: ${outcome}`)

test('an artifact without evidence has none, in every place where it was looked for', async () => {
  const { digest } = await push.image('shop', '1.0')
  const found = await findInRegistry(at(':1.0'), options())
  assert.deepEqual(found.artifact, { name: at(`:1.0@sha256:${digest}`), digest })
  assert.deepEqual(found.items, [])
  assert.deepEqual(outcomes(found.sources), [
    `sha256:${digest} (referrers): absent`,
    `sha256-${digest}.att: absent`,
    `sha256-${digest}.sig: absent`,
    `sha256-${digest}.sbom: absent`,
  ])
})

for (const referrers of [true, false]) {
  test(`bundles that refer to the artifact are found ${referrers ? 'by the API' : 'by the tag that stands for it'}`, async () => {
    await open({ referrers })
    const image = await push.image('shop')
    const one = await push.referrer(image, bundleType, [layer('{"a":1}')])
    const two = await push.referrer(image, bundleType, [layer('{"a":2}')])
    if (!referrers) await push.fallback(image, [one, two])
    const found = await findInRegistry(at(`@sha256:${image.digest}`), options())
    assert.deepEqual(texts(found.items), ['{"a":1}', '{"a":2}'])
    assert.deepEqual(found.items[0]?.digest, sha256Hex(found.items[0]?.bytes ?? ''))
    assert.deepEqual(
      new Set(found.items.map(({ source }) => source)),
      new Set([at(`@sha256:${one.digest}`), at(`@sha256:${two.digest}`)]),
    )
    assert.equal(found.sources[0]?.outcome, 'found')
  })
}

test('attestations under the tags of cosign are found; a duplicate is taken once', async () => {
  const image = await push.image('shop')
  await push.layers(`sha256-${image.digest}.att`, [
    layer('{"payloadType":1}', dsseType),
    layer('{"payloadType":2}', dsseType),
  ])
  await push.referrer(image, 'application/vnd.dsse.envelope.v1+json', [
    layer('{"payloadType":1}\n', dsseType),
  ])
  const found = await findInRegistry(at(`@sha256:${image.digest}`), options())
  assert.deepEqual(texts(found.items), ['{"payloadType":1}', '{"payloadType":2}'])
})

test('Simple Signing signatures come whole, and unsigned documents stand apart', async () => {
  const image = await push.image('shop')
  const annotations = {
    'dev.cosignproject.cosign/signature': 'c2ln',
    'dev.sigstore.cosign/certificate': 'PEM',
    other: 'left out',
  }
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'
  await push.layers(`sha256-${image.digest}.sig`, [
    { mediaType, bytes: Buffer.from('payload'), annotations },
  ])
  await push.layers(`sha256-${image.digest}.sbom`, [layer('{}', 'application/spdx+json')])
  const found = await findInRegistry(at(`@sha256:${image.digest}`), options())
  assert.deepEqual(found.items, [])
  const [signature] = found.signatures
  assert.deepEqual(JSON.parse(Buffer.from(signature?.bytes ?? '').toString()), {
    mediaType,
    payload: Buffer.from('payload').toString('base64'),
    annotations: {
      'dev.cosignproject.cosign/signature': 'c2ln',
      'dev.sigstore.cosign/certificate': 'PEM',
    },
  })
  assert.deepEqual(
    found.documents.map(({ mediaType }) => mediaType),
    ['application/spdx+json'],
  )
  assert.match(found.sources[3]?.detail ?? '', /unsigned document/)
  assert.equal(found.sources[3]?.outcome, 'absent')
})

test('an index leads to its images, and their evidence', async () => {
  const images = [await push.image('amd64'), await push.image('arm64')]
  const index = await push.index(images, '1.0')
  await push.referrer(index, bundleType, [layer('{"of":"index"}')])
  for (const [number, image] of images.entries()) {
    await push.layers(`sha256-${image.digest}.att`, [layer(`{"of":${number}}`, dsseType)])
  }
  const found = await findInRegistry(at(':1.0'), options())
  assert.equal(found.artifact.digest, index.digest)
  assert.deepEqual(
    found.related.map(({ relation, digest, platform }) => ({ relation, digest, platform })),
    images.map(({ digest }, number) => ({
      relation: 'image',
      digest,
      platform: number === 0 ? 'linux/amd64' : 'linux/arm64',
    })),
  )
  assert.equal(sha256Hex(found.related[0]?.index ?? ''), index.digest)
  assert.deepEqual(texts(found.items), ['{"of":"index"}', '{"of":0}', '{"of":1}'])
})

test('what BuildKit lists beside the images, unsigned, is no image', async () => {
  const image = await push.image('amd64')
  const listed = (digest: string, more: object) => ({
    mediaType: imageType,
    digest: `sha256:${digest}`,
    size: 1,
    ...more,
  })
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
  const manifests = [listed(image.digest, {}), listed('ab'.repeat(32), { annotations })]
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))
  await push.manifest('1.0', bytes, 'application/vnd.oci.image.index.v1+json')
  const found = await findInRegistry(at(':1.0'), options())
  assert.deepEqual(
    found.related.map(({ digest }) => digest),
    [image.digest],
  )
})

test('an image leads to the index of its tag, when that lists it, and to no other', async () => {
  const image = await push.image('amd64')
  const index = await push.index([image], '1.0')
  await push.index([await push.image('other')], '2.0')
  await push.referrer(index, bundleType, [layer('{"of":"index"}')])
  const found = await findInRegistry(at(`:1.0@sha256:${image.digest}`), options())
  assert.equal(found.artifact.digest, image.digest)
  assert.deepEqual(
    found.related.map(({ relation, digest }) => [relation, digest]),
    [['index', index.digest]],
  )
  assert.deepEqual(texts(found.items), ['{"of":"index"}'])
  const other = await findInRegistry(at(`:2.0@sha256:${image.digest}`), options())
  assert.deepEqual([other.related, other.items], [[], []])
})

test('a tag is asked for once, and what it means does not change meanwhile', async () => {
  await push.image('shop', '1.0')
  await findInRegistry(at(':1.0'), options())
  const asked = registry.requests.filter((line) =>
    line.startsWith('GET /v2/acme/shop/manifests/1.0'),
  )
  assert.equal(asked.length, 1)
})

test('pages of referrers are followed, a bounded number of them, and filters help against too many', async () => {
  await open({ pageSize: 2 })
  const image = await push.image('shop')
  for (let count = 0; count < 5; count += 1) {
    await push.referrer(image, bundleType, [layer(`{"a":${count}}`)])
  }
  const few = await findInRegistry(at(`@sha256:${image.digest}`), options())
  assert.equal(few.items.length, 5)
  for (const filters of [false, true]) {
    await open({ pageSize: 2, filters })
    const flooded = await push.image('shop')
    await push.referrer(flooded, bundleType, [layer('{"a":1}')])
    for (let count = 0; count < 33; count += 1) {
      await push.referrer(flooded, 'application/x-noise', [layer(`${count}`, 'text/plain')])
    }
    const found = await findInRegistry(at(`@sha256:${flooded.digest}`), options())
    assert.deepEqual(texts(found.items), ['{"a":1}'])
    assert.equal(found.sources[0]?.outcome, filters ? 'found' : 'unavailable')
  }
})

test('what a pusher made wrong is no outage: it is left aside, and said', async () => {
  const image = await push.image('shop')
  const broken = `sha256-${image.digest}`
  const both = Buffer.from('{"schemaVersion":2,"layers":[],"manifests":[]}')
  await push.manifest(`${broken}.att`, both, imageType)
  await push.manifest(`${broken}.sig`, Buffer.from('no json'), imageType)
  const large = { mediaType: bundleType, digest: `sha256:${'a'.repeat(64)}`, size: 1 << 30 }
  const sbom = Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [large] }))
  await push.manifest(`${broken}.sbom`, sbom, imageType)
  const found = await findInRegistry(at(`@sha256:${image.digest}`), options())
  assert.deepEqual(
    found.sources.map(({ outcome }) => outcome),
    ['absent', 'absent', 'absent', 'absent'],
  )
  assert.match(found.sources[1]?.detail ?? '', /is no image manifest/)
  assert.match(found.sources[2]?.detail ?? '', /is no image manifest/)
  assert.match(found.sources[3]?.detail ?? '', /1073741824 bytes, more than/)
})

test('a referrer that names another subject is left aside', async () => {
  await open({ referrers: false })
  const image = await push.image('shop')
  const other = await push.referrer(await push.image('other'), bundleType, [layer('{"a":1}')])
  await push.fallback(image, [other])
  const found = await findInRegistry(at(`@sha256:${image.digest}`), options())
  assert.deepEqual(found.items, [])
  assert.match(found.sources[0]?.detail ?? '', /refers to something else/)
})

test('what the cache holds is not fetched again, and is believed only by its digest', async () => {
  const image = await push.image('shop')
  await push.referrer(image, bundleType, [layer('{"a":1}')])
  const reference = at(`@sha256:${image.digest}`)
  const cache = openByteCache()
  await findInRegistry(reference, options({ cache }))
  const before = registry.requests.filter((line) => line.includes('/blobs/')).length
  await findInRegistry(reference, options({ cache }))
  assert.equal(registry.requests.filter((line) => line.includes('/blobs/')).length, before)
  const lying = { get: () => Buffer.from('{"a":"lie"}'), put: () => undefined }
  const found = await findInRegistry(reference, options({ cache: lying }))
  assert.deepEqual(texts(found.items), ['{"a":1}'])
})

test('a reference chooses only among the registries that are allowed', async () => {
  const elsewhere = 'registry.example/shop:1.0'
  await assert.rejects(findInRegistry(elsewhere, options()), {
    code: 'EVIDENCE_REGISTRY_NOT_ALLOWED',
  })
  await assert.rejects(resolveInRegistry(at(':1.0'), options({ registries: [] })), {
    code: 'EVIDENCE_REGISTRY_NOT_ALLOWED',
  })
  assert.deepEqual(registry.requests, [])
})

test('a tag that is not there is a mistake; one that cannot be asked for is an outage', async () => {
  await assert.rejects(resolveInRegistry(at(':1.0'), options()), {
    code: 'EVIDENCE_ARTIFACT_MISSING',
  })
  registry.fault(/manifests/, 'error')
  await assert.rejects(findInRegistry(at(':1.0'), options()), {
    code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    where: registry.host,
  })
})

test('names and passwords, and tokens, come from where the caller says', async () => {
  const auth = { username: 'robot', password: 'secret' }
  for (const kind of ['basic', 'token'] as const) {
    await open({ auth: { kind, ...auth } })
    const image = await push.image('shop')
    await push.referrer(image, bundleType, [layer('{"a":1}')])
    const reference = at(`@sha256:${image.digest}`)
    const credentials = { find: () => Promise.resolve({ kind: 'basic', ...auth } as const) }
    const found = await findInRegistry(reference, options({ credentials }))
    assert.deepEqual(texts(found.items), ['{"a":1}'])
    const asAnybody = await findInRegistry(reference, options())
    assert.ok(asAnybody.sources.every(({ outcome }) => outcome === 'unavailable'))
    const wrong = {
      find: () =>
        Promise.resolve({ kind: 'basic', username: 'robot', password: 'wr0ng-one' } as const),
    }
    const refused = await findInRegistry(reference, options({ credentials: wrong }))
    assert.ok(refused.sources.every(({ outcome }) => outcome === 'unavailable'))
    assert.doesNotMatch(JSON.stringify(refused), /wr0ng-one|test-token/)
  }
})
