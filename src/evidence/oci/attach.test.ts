import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { bundleType, indexType, pusherTo, type Pushed } from '../testing/push.ts'
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../testing/registry.ts'
import { attachToRegistry, type AttachedEvidence } from './attach.ts'
import type { Credentials } from './credentials.ts'
import { findInRegistry, type RegistryOptions } from './find.ts'

let registry: TestRegistry
let image: Pushed

beforeEach(() => open())
afterEach(() => registry.close())

async function open(options: TestRegistryOptions = {}): Promise<void> {
  await registry?.close()
  registry = await startTestRegistry(options)
  image = await pusherTo(registry.base, 'acme/shop').image('shop')
}

const one = (text: string): AttachedEvidence => ({
  bytes: Buffer.from(text),
  mediaType: bundleType,
  annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope' },
})
const options = (more: Partial<RegistryOptions> = {}): RegistryOptions => ({
  registries: [registry.host],
  timeoutMs: 2_000,
  ...more,
})
const reference = (): string => `${registry.host}/acme/shop@sha256:${image.digest}`

async function texts(more: Partial<RegistryOptions> = {}): Promise<readonly string[]> {
  const { items } = await findInRegistry(reference(), options(more))
  return items.map(({ bytes }) => Buffer.from(bytes).toString()).sort()
}

for (const referrers of [true, false]) {
  test(`what is attached is found ${referrers ? 'by the referrers API' : 'by the tag that stands for it'}`, async () => {
    await open({ referrers })
    const evidence = [one('{"a":1}'), one('{"a":2}')]
    const attached = await attachToRegistry(reference(), evidence, options())
    const by = referrers ? 'referrers' : 'tag'
    assert.deepEqual(
      attached.map((each) => each.by),
      [by, by],
    )
    assert.deepEqual(await texts(), ['{"a":1}', '{"a":2}'])
    // Doing it again changes nothing.
    assert.deepEqual(await attachToRegistry(reference(), evidence, options()), attached)
    assert.deepEqual(await texts(), ['{"a":1}', '{"a":2}'])
  })
}

test('what others attached by the tag stays, with what is not known here', async () => {
  await open({ referrers: false })
  const push = pusherTo(registry.base, 'acme/shop')
  const other = await push.referrer(image, bundleType, [
    { mediaType: bundleType, bytes: Buffer.from('{"b":1}') },
  ])
  const manifests = [
    {
      mediaType: other.mediaType,
      digest: `sha256:${other.digest}`,
      size: other.bytes.length,
      'x-unknown': 'kept',
    },
  ]
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }))
  await push.manifest(`sha256-${image.digest}`, index, indexType)
  await attachToRegistry(reference(), [one('{"a":1}')], options())
  assert.deepEqual(await texts(), ['{"a":1}', '{"b":1}'])
  const url = `${registry.base}/v2/acme/shop/manifests/sha256-${image.digest}`
  assert.match(await (await fetch(url)).text(), /"x-unknown":"kept"/)
})

test('a tag that holds something else is left as it is', async () => {
  await open({ referrers: false })
  await pusherTo(registry.base, 'acme/shop').image('other', `sha256-${image.digest}`)
  await assert.rejects(attachToRegistry(reference(), [one('{}')], options()), {
    code: 'EVIDENCE_NOT_ATTACHED',
  })
})

test('writing asks for leave to push, with the credentials of that registry', async () => {
  for (const kind of ['basic', 'token'] as const) {
    const auth = { kind, username: 'me', password: 'secret', writes: false }
    await open({ auth })
    auth.writes = true
    const credentials: Credentials = {
      find: () => Promise.resolve({ kind: 'basic', username: 'me', password: 'secret' }),
    }
    await assert.rejects(attachToRegistry(reference(), [one('{"a":1}')], options()), {
      code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    })
    await attachToRegistry(reference(), [one('{"a":1}')], options({ credentials }))
    assert.deepEqual(await texts({ credentials }), ['{"a":1}'])
  }
})

test('what is written goes to the registry and nowhere else, wherever it points', async () => {
  let asked = 0
  const other = createServer((_, response) => {
    asked += 1
    response.writeHead(201).end()
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/upload`
  const answers: readonly (readonly [number, string])[] = [
    [202, elsewhere],
    [307, elsewhere],
    [308, '/v2/acme/shop/blobs/uploads/again'],
  ]
  try {
    for (const [status, location] of answers) {
      const odd = createServer((request, response) => {
        if (request.method === 'GET') response.end(image.bytes)
        else response.writeHead(status, { location }).end()
      })
      await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
      const host = `127.0.0.1:${(odd.address() as AddressInfo).port}`
      const artifact = `${host}/acme/shop@sha256:${image.digest}`
      const registries = [host]
      await assert.rejects(attachToRegistry(artifact, [one('{}')], options({ registries })), {
        code: 'EVIDENCE_SOURCE_UNAVAILABLE',
        where: host,
      })
      odd.closeAllConnections()
      odd.close()
    }
    assert.equal(asked, 0)
  } finally {
    other.close()
  }
})

test('a registry that refuses, or is not well, is said to be by name', async () => {
  await assert.rejects(
    attachToRegistry(reference(), [one('{}')], options({ registries: ['other.example'] })),
    { code: 'EVIDENCE_REGISTRY_NOT_ALLOWED' },
  )
  const absent = `${registry.host}/acme/shop@sha256:${'0'.repeat(64)}`
  await assert.rejects(attachToRegistry(absent, [one('{}')], options()), {
    code: 'EVIDENCE_ARTIFACT_MISSING',
  })
  registry.fault(/manifests/, 'error')
  await assert.rejects(attachToRegistry(reference(), [one('{}')], options()), {
    code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    where: registry.host,
  })
})
