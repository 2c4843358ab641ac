import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { builtRule, decideOn, provenance, signed } from '../../core/decision/testing/fixtures.ts'
import { answerProvider } from './external-data.ts'
import type { GateService } from './ports.ts'

const good = 'a'.repeat(64)
const bad = 'b'.repeat(64)
const means = 'c'.repeat(64)

/** Decides as the gate does, about evidence for `good`; records nothing. */
function serviceOf(fail?: SallyportError) {
  const asked: unknown[] = []
  const service = {
    admissionPorts: () => ({ resolve: () => Promise.resolve(means) }),
    decide: (ask: Parameters<GateService['decide']>[0], requester: string) => {
      asked.push({ ...ask.target, reference: ask.reference, requester })
      if (fail !== undefined) return Promise.reject(fail)
      const items = [signed(provenance({ sha256: good }))]
      const { artifact, target } = ask
      const request = { artifact, target, chokePoint: 'api', requester }
      const evidence = { items, sources: [{ name: 'test', outcome: 'found' as const }] }
      return Promise.resolve({
        decision: decideOn([builtRule], items, { request, evidence }),
        entry: 7,
      })
    },
  } as unknown as GateService
  return { service, asked }
}

function bodyOf(keys: readonly string[]): Uint8Array {
  const apiVersion = 'externaldata.gatekeeper.sh/v1beta1'
  return Buffer.from(JSON.stringify({ apiVersion, kind: 'ProviderRequest', request: { keys } }))
}

const keyOf = (image: string): string => `production|shop|${image}`

test('each key has a value when it may run, and an error with the fix when it may not', async () => {
  const keys = [good, bad].map((hex) => keyOf(`registry.example/shop@sha256:${hex}`))
  const { service, asked } = serviceOf()
  const { response } = await answerProvider(bodyOf(keys), 'token:gatekeeper', service)
  const [first, second] = response.items
  assert.deepEqual(first, {
    key: keys[0],
    value: { verdict: 'ALLOW', effect: 'admitted', entry: 7 },
  })
  assert.ok(second !== undefined && 'error' in second)
  assert.match(second.error, /denied: .* fix: .*\(decision 7\)$/)
  assert.equal(response.systemError, undefined)
  assert.deepEqual(asked[0], {
    environment: 'production',
    service: 'shop',
    reference: `registry.example/shop@sha256:${good}`,
    requester: 'token:gatekeeper',
  })
})

test('a tag is refused with the digest that it means now, and nothing is decided about it', async () => {
  const { service, asked } = serviceOf()
  const key = keyOf('registry.example/shop:1.0')
  const { response } = await answerProvider(bodyOf([key]), 'x', service)
  const [item] = response.items
  assert.ok(item !== undefined && 'error' in item)
  assert.match(item.error, new RegExp(`ADMISSION_UNPINNED .*shop:1.0@sha256:${means}`))
  assert.deepEqual(asked, [])
})

test('a key that is not environment, service and image never has a value', async () => {
  const { service, asked } = serviceOf()
  const image = `registry.example/shop@sha256:${good}`
  const wrong = [
    '',
    image,
    `production|${image}`,
    `production||${image}`,
    `|shop|${image}`,
    keyOf(''),
  ]
  const keys = [...wrong, `${keyOf(image)}|x`, `${'e'.repeat(201)}|shop|${image}`, keyOf('shop')]
  const { response } = await answerProvider(bodyOf(keys), 'x', service)
  assert.equal(response.items.length, keys.length)
  assert.ok(response.items.every((item) => 'error' in item))
  assert.deepEqual(asked, [])
})

test('what cannot be recorded is a system error without any item', async () => {
  const fail = new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: 'log',
    expected: 'a disk',
    found: 'none',
    fix: 'Mount it',
  })
  const keys = [good, bad].map((hex) => keyOf(`registry.example/shop@sha256:${hex}`))
  const { response } = await answerProvider(bodyOf(keys), 'x', serviceOf(fail).service)
  assert.deepEqual(response.items, [])
  assert.match(response.systemError ?? '', /^LOG_UNAVAILABLE log: .* fix: Mount it$/)
})

test('a key that comes twice is decided once', async () => {
  const { service, asked } = serviceOf()
  const key = keyOf(`registry.example/shop@sha256:${good}`)
  const { response } = await answerProvider(bodyOf([key, key]), 'x', service)
  assert.deepEqual([response.items.length, asked.length], [1, 1])
})

test('what is no ProviderRequest is refused', async () => {
  const { service } = serviceOf()
  const many = bodyOf(Array.from({ length: 65 }, (_, at) => `${at}`))
  for (const body of [Buffer.from('{'), Buffer.from('{}'), Buffer.from('[]'), many]) {
    await assert.rejects(answerProvider(body, 'x', service), SallyportError)
  }
})
