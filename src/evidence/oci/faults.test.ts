import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Decision, Evidence } from '#decision'
import {
  builtRule,
  decideOn,
  provenance,
  request,
  signed,
} from '../../core/decision/testing/fixtures.ts'
import { openHttp } from '../http/client.ts'
import { faults } from '../testing/faults.ts'
import { bundleType, pusherTo, type Pushed } from '../testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../testing/registry.ts'
import { findInRegistry, type RegistryEvidence } from './find.ts'

const limits = { connectMs: 1_000, idleMs: 250, totalMs: 700 }
let registry: TestRegistry
let image: Pushed

beforeEach(async () => {
  registry = await startTestRegistry()
  const push = pusherTo(registry.base, 'acme/shop')
  image = await push.image('shop')
  const item = signed(provenance({ sha256: image.digest }))
  await push.referrer(image, bundleType, [{ mediaType: bundleType, bytes: item.bytes }])
})

afterEach(() => registry.close())

const places: Readonly<Record<string, RegExp>> = {
  manifests: /\/manifests\//,
  referrers: /\/referrers\//,
  blobs: /\/blobs\//,
}

test('with everything well the artifact is admitted', async () => {
  const decision = decideAbout(await find())
  assert.equal(decision.verdict, 'ALLOW', JSON.stringify(decision.reasons))
})

for (const fault of faults) {
  for (const [place, pattern] of Object.entries(places)) {
    test(`${place} that go wrong (${fault}) are an outage with a name, and never a yes`, async () => {
      registry.fault(pattern, fault)
      const evidence = await find()
      assert.deepEqual(evidence.items, [])
      const row = evidence.sources.find(({ outcome }) => outcome === 'unavailable')
      const denied = decideAbout(evidence)
      assert.match(row?.detail ?? '', new RegExp(registry.host.replaceAll('.', '\\.')))
      assert.equal(denied.verdict, 'UNDETERMINED')
      assert.equal(denied.effect, 'blocked')
      const reason = denied.reasons.find(({ code }) => code === 'EVIDENCE_UNAVAILABLE')
      assert.match(`${reason?.where} ${reason?.found}`, new RegExp(registry.host))
      const chosen = decideAbout(evidence, 'whenUnavailable: allow')
      assert.deepEqual([chosen.verdict, chosen.effect], ['UNDETERMINED', 'admitted-unavailable'])
    })
  }
}

test('a registry that is gone is an outage in every place', async () => {
  await registry.close()
  const evidence = await find()
  assert.ok(evidence.sources.length >= 4)
  for (const { outcome, detail } of evidence.sources) {
    assert.equal(outcome, 'unavailable')
    assert.match(detail ?? '', /ECONNREFUSED/)
  }
  assert.equal(decideAbout(evidence).verdict, 'UNDETERMINED')
  registry = await startTestRegistry()
})

test('a registry that is well and has nothing is a no', async () => {
  const empty = await startTestRegistry()
  try {
    await pusherTo(empty.base, 'acme/shop').image('shop')
    const evidence = await find(empty.host)
    const decision = decideAbout(evidence)
    assert.equal(decision.verdict, 'DENY')
    assert.equal(decision.rules[0]?.verdict, 'MISSING')
  } finally {
    await empty.close()
  }
})

test('what is found stays found when another place is out', async () => {
  registry.fault(/\.att$/, 'error')
  const evidence = await find()
  assert.equal(evidence.items.length, 1)
  assert.equal(decideAbout(evidence).verdict, 'ALLOW')
})

test('everything together ends in time, however many places hang', async () => {
  registry.fault(/./, 'slow')
  const evidence = await find(registry.host, 200)
  assert.ok(evidence.sources.every(({ outcome }) => outcome === 'unavailable'))
})

async function find(host = registry.host, timeoutMs = 2_000): Promise<RegistryEvidence> {
  const http = openHttp({ limits })
  try {
    const reference = `${host}/acme/shop@sha256:${image.digest}`
    return await findInRegistry(reference, { registries: [host], http, timeoutMs })
  } finally {
    http.close()
  }
}

function decideAbout({ items, sources }: Evidence, policy = ''): Decision {
  return decideOn([builtRule], items, {
    request: { ...request, artifact: { name: 'shop', digest: { sha256: image.digest } } },
    evidence: { items, sources },
    policy,
  })
}
