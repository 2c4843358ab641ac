// Done-when 6 of the second issue, against a registry that others made: Debian's docker-registry, which has no referrers API.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Decision, Evidence } from '#decision'
import { findInRegistry, openHttp, resolveInRegistry, type RegistryEvidence } from '#evidence'
import {
  builtRule,
  decideOn,
  provenance,
  request,
  signed,
} from '../../src/core/decision/testing/fixtures.ts'
import { bundleType, dsseType, pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startRealRegistry, whyNoRegistry, type RealRegistry } from './real-registry.ts'

const why = whyNoRegistry()
const skip = why ?? false
const limits = { connectMs: 1_000, idleMs: 500, totalMs: 1_500 }
let registry: RealRegistry
let image: Pushed
let index: Pushed
let referrer: Pushed
let bundle: Uint8Array

before(async () => {
  if (why !== undefined) return
  registry = await startRealRegistry()
  const push = pusherTo(registry.base, 'acme/shop')
  image = await push.image('shop', '1.0')
  index = await push.index([image], '1.0-all')
  bundle = signed(provenance({ sha256: image.digest })).bytes
  referrer = await push.referrer(image, bundleType, [{ mediaType: bundleType, bytes: bundle }])
  await push.fallback(image, [referrer])
})

after(() => registry?.stop())

test('a tag means a digest', { skip }, async () => {
  const found = await resolveInRegistry(`${registry.host}/acme/shop:1.0`, options())
  assert.equal(found.digest, image.digest)
  await assert.rejects(resolveInRegistry(`${registry.host}/acme/shop:9`, options()), {
    code: 'EVIDENCE_ARTIFACT_MISSING',
  })
  await assert.rejects(resolveInRegistry(`${registry.host}/acme/none:1`, options()), {
    code: 'EVIDENCE_ARTIFACT_MISSING',
  })
})

test(
  'an attestation behind the tag that stands for the referrers API admits',
  { skip },
  async () => {
    const evidence = await find(`:1.0`)
    assert.deepEqual(
      evidence.items.map(({ source }) => source),
      [`${registry.host}/acme/shop@sha256:${referrer.digest}`],
    )
    const decision = decideAbout(evidence)
    assert.equal(decision.verdict, 'ALLOW', JSON.stringify(decision.reasons))
  },
)

test('an index leads to the evidence of its image', { skip }, async () => {
  const evidence = await find(`:1.0-all`)
  assert.equal(evidence.artifact.digest, index.digest)
  assert.deepEqual(
    evidence.related.map(({ digest, platform }) => [digest, platform]),
    [[image.digest, 'linux/amd64']],
  )
  assert.equal(evidence.items.length, 1)
})

test('an attestation under the tag of cosign admits', { skip }, async () => {
  const push = pusherTo(registry.base, 'acme/cosigned')
  const other = await push.image('cosigned')
  const { bytes } = signed(provenance({ sha256: other.digest }))
  const { dsseEnvelope } = JSON.parse(Buffer.from(bytes).toString()) as { dsseEnvelope: object }
  const layer = { mediaType: dsseType, bytes: Buffer.from(JSON.stringify(dsseEnvelope)) }
  await push.layers(`sha256-${other.digest}.att`, [layer])
  const evidence = await find(`@sha256:${other.digest}`, 'acme/cosigned')
  assert.equal(decideAbout(evidence, other.digest).verdict, 'ALLOW')
})

test('an artifact without evidence is a no', { skip }, async () => {
  const push = pusherTo(registry.base, 'acme/bare')
  const bare = await push.image('bare')
  const evidence = await find(`@sha256:${bare.digest}`, 'acme/bare')
  assert.ok(evidence.sources.every(({ outcome }) => outcome === 'absent'))
  const decision = decideAbout(evidence, bare.digest)
  assert.deepEqual([decision.verdict, decision.rules[0]?.verdict], ['DENY', 'MISSING'])
})

test('bytes that rotted in the registry are an outage with a name', { skip }, async () => {
  const file = registry.dataFile(referrer.digest)
  const sound = readFileSync(file)
  writeFileSync(file, Buffer.from(sound.toString().replace('bundle.v0.3', 'bundle.v9.9')))
  try {
    assertOutage(await find(`@sha256:${image.digest}`))
  } finally {
    writeFileSync(file, sound)
  }
})

test('a registry that does not answer is an outage with a name, in time', { skip }, async () => {
  registry.freeze()
  try {
    assertOutage(await find(`@sha256:${image.digest}`))
  } finally {
    registry.thaw()
  }
})

test('a registry that is gone is an outage with a name', { skip }, async () => {
  const { host } = registry
  await registry.stop()
  const evidence = await find(`@sha256:${image.digest}`)
  assert.ok(evidence.sources.every(({ outcome }) => outcome === 'unavailable'))
  assertOutage(evidence)
  await assert.rejects(resolveInRegistry(`${host}/acme/shop:1.0`, options()), {
    code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    where: host,
  })
})

function options() {
  return { registries: [registry.host], http: { limits }, timeoutMs: 4_000 }
}

async function find(suffix: string, repository = 'acme/shop'): Promise<RegistryEvidence> {
  const http = await openHttp({ limits })
  try {
    return await findInRegistry(`${registry.host}/${repository}${suffix}`, { ...options(), http })
  } finally {
    http.close()
  }
}

function decideAbout({ items, sources }: Evidence, sha256 = image.digest, policy = ''): Decision {
  return decideOn([builtRule], items, {
    request: { ...request, artifact: { name: 'shop', digest: { sha256 } } },
    evidence: { items, sources },
    policy,
  })
}

function assertOutage(evidence: Evidence): void {
  const { verdict, effect, reasons } = decideAbout(evidence)
  assert.deepEqual([verdict, effect], ['UNDETERMINED', 'blocked'])
  const reason = reasons.find(({ code }) => code === 'EVIDENCE_UNAVAILABLE')
  assert.match(`${reason?.where} ${reason?.found}`, new RegExp(registry.host))
  const chosen = decideAbout(evidence, image.digest, 'whenUnavailable: allow')
  assert.deepEqual([chosen.verdict, chosen.effect], ['UNDETERMINED', 'admitted-unavailable'])
}
