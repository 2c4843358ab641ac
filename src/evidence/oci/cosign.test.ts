import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cosignBundle } from '#attestation'
import { cosignAnnotations, cosignEnvelope } from '../../core/trust/sigstore/testing/cosign.ts'
import { certificateOf, createInstance } from '../../core/trust/sigstore/testing/instance.ts'
import { dsseType, pusherTo } from '../testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../testing/registry.ts'
import { findInRegistry, type RegistryEvidence } from './find.ts'

let registry: TestRegistry
before(async () => {
  registry = await startTestRegistry()
})
after(() => registry.close())

const instance = createInstance()
const { keys, der } = certificateOf(instance)
const envelope = cosignEnvelope(keys)
const annotations = cosignAnnotations(instance, envelope, der)

async function attested(more: Readonly<Record<string, string>>): Promise<RegistryEvidence> {
  const push = pusherTo(registry.base, 'acme/shop')
  const image = await push.image('shop')
  const layer = { mediaType: dsseType, bytes: envelope, annotations: more }
  await push.layers(`sha256-${image.digest}.att`, [layer])
  const reference = `${registry.host}/acme/shop@sha256:${image.digest}`
  return findInRegistry(reference, { registries: [registry.host] })
}

test('what cosign signs without key is found with its certificate and the promise of the log', async () => {
  const { items } = await attested(annotations)
  assert.deepEqual(
    items.map(({ bytes }) => Buffer.from(bytes).toString()),
    [Buffer.from(cosignBundle(envelope, annotations)).toString()],
  )
})

test('annotations that make no bundle leave the envelope as it is, and are told', async () => {
  const { items, sources } = await attested({ ...annotations, 'dev.sigstore.cosign/bundle': '{' })
  assert.deepEqual(
    items.map(({ bytes }) => Buffer.from(bytes).toString()),
    [envelope.toString()],
  )
  assert.ok(sources.some(({ detail = '' }) => detail.includes('dev.sigstore.cosign/bundle')))
})
