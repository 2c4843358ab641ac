import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { predicateTypes } from '#attestation'
import { gatherEvidence } from '#evidence'
import { bundleType, pusherTo, type Pushed, type Pusher } from '../../../evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../../evidence/testing/registry.ts'
import { keyEntry, makeKey, signBytes } from '../../trust/testing/fixtures.ts'
import {
  builtRule,
  decideOn,
  provenance,
  request,
  signed,
  trustEntries,
  trustOf,
} from '../testing/fixtures.ts'
import { simpleSigning } from '../testing/image-signature.ts'

/** From a registry to a decision: what is found there is what is decided by, without anything in between. */
let registry: TestRegistry
let push: Pusher
before(async () => {
  registry = await startTestRegistry()
  push = pusherTo(registry.base, 'acme/shop')
})
after(() => registry.close())

const key = makeKey()
const trust = trustOf({
  ...trustEntries,
  release: { keys: [keyEntry(key)], predicateTypes: [predicateTypes.simpleSigning] },
})
const signatures = `signed: {by: [release], types: ['${predicateTypes.simpleSigning}']}`

async function attest(subject: Pushed): Promise<void> {
  const { bytes } = signed(provenance({ sha256: subject.digest }))
  await push.referrer(subject, bundleType, [{ mediaType: bundleType, bytes }])
}

/** As `cosign sign --key` does. */
async function sign({ digest }: Pushed): Promise<void> {
  const payload = Buffer.from(JSON.stringify(simpleSigning(digest)))
  const signature = Buffer.from(signBytes(key, payload, 'dsse')).toString('base64')
  await push.layers(`sha256-${digest}.sig`, [
    {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      bytes: payload,
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    },
  ])
}

async function ask({ digest }: Pushed, tag: string, rules: readonly string[], policy = '') {
  const artifact = { digest: { sha256: digest } }
  const reference = `oci://${registry.host}/acme/shop:${tag}@sha256:${digest}`
  const evidence = await gatherEvidence({
    artifact,
    sources: [{ kind: 'registry', reference }],
    registries: [registry.host],
    http: { plainHttp: [registry.host] },
  })
  const asked = { ...request, artifact: { name: 'shop', ...artifact } }
  return decideOn(rules, [], { evidence, trust, request: asked, policy })
}

test('an image whose index is attested is found to be, by the tag that leads to the index', async () => {
  const images = [await push.image('amd64 a'), await push.image('arm64 a')] as const
  const index = await push.index(images, 'a')
  await attest(index)
  assert.equal((await ask(images[1], 'a', [builtRule])).verdict, 'ALLOW')
  await push.index([await push.image('something else')], 'b')
  assert.equal((await ask(images[1], 'b', [builtRule])).verdict, 'DENY')
})

test('an index whose images are attested and signed is covered where the policy says so', async () => {
  const images = [await push.image('amd64 c'), await push.image('arm64 c')] as const
  const index = await push.index(images, 'c')
  for (const image of images) {
    await attest(image)
    await sign(image)
  }
  const rules = [builtRule, signatures]
  assert.equal((await ask(index, 'c', rules)).verdict, 'DENY')
  const decision = await ask(index, 'c', rules, 'multiPlatform: images')
  assert.equal(decision.verdict, 'ALLOW')
  assert.equal(decision.inputs.indexes?.[0], index.digest)
  const more = await push.index([...images, await push.image('riscv64 c')], 'd')
  const refused = await ask(more, 'd', rules, 'multiPlatform: images')
  assert.equal(refused.verdict, 'DENY')
})

test('a signature that cosign left beside an image is found, and counts for that image alone', async () => {
  const image = await push.image('signed e', 'e')
  await sign(image)
  assert.equal((await ask(image, 'e', [signatures])).verdict, 'ALLOW')
  assert.equal((await ask(await push.image('unsigned f', 'f'), 'f', [signatures])).verdict, 'DENY')
})
