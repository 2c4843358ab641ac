// What was allowed when it was promoted is decided anew when it is deployed (DEP-16).
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { logReplay, logShow } from '#app'
import { loadConfig } from '#config'
import { DecisionMemory, type Decision } from '#decision'
import type { JsonObject } from '#document'
import { keys, trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import { keyEntry, trustBytes } from '../../src/core/trust/testing/fixtures.ts'
import { startStore, useStores } from './evidence-store.ts'
import {
  admission,
  call,
  makeHome,
  review,
  startInside,
  until,
  writePolicy,
  type GateHome,
  type Inside,
} from './gate.ts'

const hour = 3_600_000
const digest = '5e'.repeat(32)

interface World {
  readonly home: GateHome
  readonly gate: Inside
  /** How far the clock of the gate is ahead, in milliseconds. */
  readonly clock: { ahead: number }
}

/** A gate, and an artifact that is approved until an hour from now. */
async function start(t: TestContext): Promise<World> {
  const home = await makeHome()
  const store = await startStore(t)
  store.isDown = false
  store.approve(digest, 'production', new Date(Date.now() + hour).toISOString())
  useStores(home, [store])
  const clock = { ahead: 0 }
  const gate = await startInside(home, () => new Date(Date.now() + clock.ahead))
  t.after(() => home.close())
  return { home, gate, clock }
}

async function promote({ gate }: World): Promise<number> {
  const artifact = { name: 'shop', digest: { sha256: digest } }
  const target = { environment: 'production', service: 'shop' }
  const body = JSON.stringify({ artifact, target, chokePoint: 'ci' })
  return (await call(gate.address, '/api/v1/decisions', { method: 'POST', as: 'deployer', body }))
    .status
}

const inUse = ({ gate }: World): number =>
  gate.journal.filter((line) => line.includes('policies and trust in use')).length

/** Does it, and waits until the gate has heard of it. */
async function push(world: World, change: () => void): Promise<void> {
  const before = inUse(world)
  change()
  await until('policies and trust are taken into use', () => inUse(world) > before)
}

const changes: Readonly<
  Record<string, { readonly code: RegExp; readonly change: (world: World) => Promise<void> | void }>
> = {
  'the policy asks for more': {
    code: /PROVENANCE_MISSING/,
    change: (world) =>
      push(world, () => writePolicy(world.home.folder, 'signed: {by: [hosted-builder]}')),
  },
  'the key of who approved is declared stolen': {
    code: /KEY_COMPROMISED/,
    change: (world) =>
      push(world, () => writeFileSync(join(world.home.folder, 'trust.yaml'), stolen())),
  },
  'the approval has ended': {
    code: /APPROVAL_EXPIRED/,
    change: ({ clock }) => {
      clock.ahead = 2 * hour
    },
  },
}

function stolen(): Uint8Array {
  const managers = trustEntries['release-managers'] as JsonObject
  const compromisedSince = '2026-05-01T00:00:00Z'
  const alice = keyEntry(keys.alice, { owner: 'alice', compromisedSince })
  return trustBytes({ ...trustEntries, 'release-managers': { ...managers, keys: [alice] } })
}

/** The decisions in the log of a gate that has ended; each is made again and is the same. */
async function recordedBy({ dir }: GateHome): Promise<readonly Decision[]> {
  const config = loadConfig({ cwd: dir, env: {} })
  assert.ok((await logReplay(config)).every(({ same }) => same))
  const { entries } = await logShow(config, { limit: 10 })
  return entries.flatMap((entry) => ('decision' in entry ? [entry.decision] : []))
}

for (const [what, { code, change }] of Object.entries(changes)) {
  test(`what was promoted is refused where it is deployed, when ${what}`, async (t) => {
    const world = await start(t)
    const { home, gate } = world
    assert.equal(await promote(world), 200)
    await change(world)
    const refused = await admission(gate.address, review(home.image(digest)))
    assert.equal(refused.allowed, false)
    assert.match(refused.message, code)
    // Who asks for the promotion again is told the same: the first answer is no ticket.
    assert.equal(await promote(world), 403)
    await gate.stop()
    const decisions = await recordedBy(home)
    assert.deepEqual(
      decisions.map(({ request, verdict }) => [
        request.chokePoint,
        verdict,
        request.artifact.digest['sha256'],
      ]),
      [
        ['ci', 'ALLOW', digest],
        ['admission', 'DENY', digest],
        ['ci', 'DENY', digest],
      ],
    )
  })
}

test('what was promoted and has not changed is deployed, by a record of its own', async (t) => {
  const world = await start(t)
  const { home, gate } = world
  assert.equal(await promote(world), 200)
  const { allowed, entry } = await admission(gate.address, review(home.image(digest)))
  assert.deepEqual([allowed, entry], [true, 1])
})

test('what is asked again and again is decided once, recorded each time in its own words, and ends when it has to', async (t) => {
  const { mock } = t.mock.method(DecisionMemory.prototype, 'recall')
  const recalled = (): number => mock.calls.filter(({ result }) => result !== undefined).length
  const world = await start(t)
  const { home, gate, clock } = world
  const ask = async (name: string): Promise<boolean | undefined> =>
    (
      await admission(
        gate.address,
        review(home.image(digest)).replace(
          '"name":"p","namespace"',
          `"name":"${name}","namespace"`,
        ),
      )
    ).allowed
  for (const name of ['first', 'second', 'third']) assert.equal(await ask(name), true)
  assert.equal(recalled(), 2)
  assert.equal(await promote(world), 200)
  assert.equal(recalled(), 2)
  clock.ahead = hour - 60_000
  assert.equal(await ask('fourth'), true)
  clock.ahead = hour
  assert.equal(await ask('fifth'), false)
  await gate.stop()
  const decisions = await recordedBy(home)
  assert.deepEqual(
    decisions.map(({ request, verdict }) => [request.asked?.['name'], verdict]),
    [
      ['first', 'ALLOW'],
      ['second', 'ALLOW'],
      ['third', 'ALLOW'],
      [undefined, 'ALLOW'],
      ['fourth', 'ALLOW'],
      ['fifth', 'DENY'],
    ],
  )
  const times = decisions.map(({ time }) => Date.parse(time))
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
})
