import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '#decision'
import { parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { keyEntry, trustBytes } from '../core/trust/testing/fixtures.ts'
import {
  builtRule,
  evidenceOf,
  keys,
  now,
  policyText,
  provenance,
  request,
  signed,
  trustEntries,
} from '../core/decision/testing/fixtures.ts'
import { createReplayMemory, recordDecision, replay } from './index.ts'
import { MemoryBodies } from './testing/memory-bodies.ts'
import { Machine } from './testing/simulation.ts'

const policyFile = { file: 'policies/production.yaml', bytes: Buffer.from(policyText([builtRule])) }
const trustFile = trustWith({})

/** The same signers, with something more about the builder's key. */
function trustWith(more: Record<string, string>) {
  const { 'release-builder': builder } = trustEntries as Record<string, object>
  const entries = {
    ...trustEntries,
    'release-builder': { ...builder, keys: [keyEntry(keys.builder, more)] },
  }
  return { file: 'trust.yaml', bytes: trustBytes(entries) }
}

async function recorded() {
  const evidence = evidenceOf(signed(provenance()))
  const bodies = new MemoryBodies()
  const log = await new Machine().start()
  const decision = decide({
    request,
    evidence,
    policies: parsePolicies([policyFile]),
    trust: parseTrust(trustFile.bytes, { file: trustFile.file }),
    now,
  })
  const inputs = [trustFile, policyFile, ...evidence.items].map(({ bytes }) => bytes)
  const { index } = await recordDecision(log, bodies, { decision, inputs })
  return { bodies, entry: await log.entry(index) }
}

test('what is remembered from one replay to the next changes nothing', async () => {
  const { bodies, entry } = await recorded()
  const memory = createReplayMemory()
  const alone = await replay(entry, bodies)
  for (let times = 0; times < 3; times += 1) {
    assert.deepEqual(await replay(entry, bodies, { memory }), alone)
  }
  assert.ok(alone.same)
})

test('a key that was revoked is refused, although its signature is remembered', async () => {
  const { bodies, entry } = await recorded()
  const memory = createReplayMemory()
  const codes = async (more: Record<string, string>, at = now) => {
    const { decision } = await replay(entry, bodies, { memory, trust: trustWith(more), now: at })
    return [decision.verdict, ...decision.reasons.map(({ code }) => code)]
  }
  assert.deepEqual(await codes({}), ['ALLOW'])
  const stolen = { compromisedSince: '2026-05-01T00:00:00Z' }
  assert.equal((await codes(stolen))[0], 'DENY')
  assert.deepEqual(await codes({}), ['ALLOW'])
  // Under the very same trust file, later.
  const ending = { validUntil: '2026-07-01T00:00:00Z' }
  assert.deepEqual(await codes(ending), ['ALLOW'])
  const later = new Date('2026-08-01T00:00:00Z')
  assert.equal((await codes(ending, later))[0], 'DENY')
  assert.deepEqual(await codes(ending), ['ALLOW'])
})

test('only so many rulebooks are remembered', async () => {
  const { bodies, entry } = await recorded()
  const memory = createReplayMemory()
  const first = memory.trust(trustFile, [])
  assert.equal(memory.trust(trustFile, []), first)
  for (let day = 1; day <= 4; day += 1) {
    const trust = trustWith({ validUntil: `2027-01-0${day}T00:00:00Z` })
    await replay(entry, bodies, { memory, trust })
  }
  assert.notEqual(memory.trust(trustFile, []), first)
})
