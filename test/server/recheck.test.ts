import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { logReplay, logShow, logVerify } from '#app'
import { recheckListSchema, type RecheckList } from '#api'
import { loadConfig } from '#config'
import type { Decision } from '#decision'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import { pusherTo } from '../../src/evidence/testing/push.ts'
import { startTestRegistry } from '../../src/evidence/testing/registry.ts'
import { runMain } from '../scenarios/main.ts'
import { rung, startStore, useStores } from './evidence-store.ts'
import {
  admission,
  call,
  makeHome,
  review,
  startInside,
  startOutside,
  until,
  type GateHome,
} from './gate.ts'

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const fresh = (): string => randomBytes(32).toString('hex')

async function place(t: TestContext, more = '') {
  const home = await makeHome(more)
  t.after(() => home.close())
  const store = await startStore(t)
  useStores(home, [store])
  const start = (clock?: () => Date) => startInside(home, clock)
  return { home, store, start }
}

async function rechecks(address: string): Promise<RecheckList> {
  const response = await call(address, '/api/v1/rechecks', { as: 'auditor' })
  assert.equal(response.status, 200)
  return recheckListSchema.parse(await response.json())
}

async function settled(address: string, count: number): Promise<RecheckList> {
  await until(`${count} settled`, async () => (await rechecks(address)).settled.length === count)
  return rechecks(address)
}

/** The decisions of the published log, once there are so many: what is acknowledged is published a moment later. */
async function decisions({ dir }: GateHome, count: number): Promise<readonly Decision[]> {
  const config = loadConfig({ cwd: dir, env: {} })
  let found: readonly Decision[] = []
  await until(`${count} decisions published`, async () => {
    const { entries } = await logShow(config, { limit: 1000 })
    found = entries.flatMap((one) => ('decision' in one ? [one.decision] : []))
    return found.length >= count
  })
  return found
}

/** The alarms about refusals, once one has rung: it rings just after the refusal is recorded. */
async function refusalsRung(home: GateHome) {
  const refusals = () => rung(home).filter(({ type }) => type === 'recheck-refused')
  await until('rung', () => refusals().length > 0)
  return refusals()
}

/** Lets something in although the store is down. */
async function letIn(address: string, home: GateHome, digest = fresh()): Promise<string> {
  const { allowed, text } = await admission(address, review(home.image(digest)))
  assert.equal(allowed, true, text)
  return digest
}

test('a store is down: let in and marked; it comes back: what is good is cleared, what is bad is refused, recorded and rings', async (t) => {
  const { home, store, start } = await place(t)
  const gate = await start()
  const [good, bad] = [await letIn(gate.address, home), await letIn(gate.address, home)]
  await until('tried', async () => {
    const { open } = await rechecks(gate.address)
    return open.length === 2 && open.every(({ tries }) => tries > 0)
  })
  const { open, pending, refused } = await rechecks(gate.address)
  assert.deepEqual(
    [pending, refused, open.map(({ state }) => state)],
    [2, 0, ['pending', 'pending']],
  )
  assert.deepEqual(open[0]?.unavailable, [new URL(store.address).host])
  const metrics = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  assert.match(metrics, /^sallyport_recheck_pending 2$/m)
  assert.match(metrics, /^sallyport_recheck_oldest_seconds \d/m)
  // Nothing but the two admissions is in the log: what cannot be told is not recorded again and again.
  assert.equal((await decisions(home, 2)).length, 2)
  store.approve(good)
  store.approve(bad, 'staging')
  store.isDown = false
  const list = await settled(gate.address, 2)
  assert.deepEqual([list.pending, list.verified, list.refused], [0, 1, 1])
  const refusal = list.settled.find(({ state }) => state === 'refused')
  await checkRecord(home, { good, bad, entry: refusal?.entry ?? -1 })
  for (const how of ['verified', 'refused'])
    assert.match(gate.journal.join(''), new RegExp(`"event":"let in without evidence, now ${how}"`))
  const refusedMetric = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  assert.match(refusedMetric, /^sallyport_recheck_refused 1$/m)
  const config = loadConfig({ cwd: home.dir, env: {} })
  assert.deepEqual((await logVerify(config)).problems, [])
  assert.ok((await logReplay(config)).every(({ same }) => same))
})

/** Two admissions and the two answers that name them; the alarm names what was refused, when it was let in, and what to do. */
async function checkRecord(
  home: GateHome,
  { good, bad, entry }: { readonly good: string; readonly bad: string; readonly entry: number },
): Promise<void> {
  const [first, second, ...answers] = await decisions(home, 4)
  assert.deepEqual(
    [first?.effect, second?.effect, answers.length],
    ['admitted-unavailable', 'admitted-unavailable', 2],
  )
  for (const { request, verdict, effect } of answers) {
    const { rechecks: named, artifact, chokePoint } = request
    const isGood = artifact.digest['sha256'] === good
    const at = isGood ? 0 : 1
    assert.deepEqual([named?.first, named?.last, chokePoint], [at, at, 'recheck'])
    assert.deepEqual([verdict, effect], isGood ? ['ALLOW', 'admitted'] : ['DENY', 'blocked'])
  }
  const alarms = await refusalsRung(home)
  assert.equal(alarms.length, 1)
  for (const alarm of alarms) {
    assert.equal(alarm.artifact?.sha256, bad)
    assert.deepEqual(alarm.target, { environment: 'production', service: 'shop' })
    assert.deepEqual(alarm.admitted, { first: 1, last: 1, times: 1, since: second?.time })
    assert.ok(alarm.problems?.every(({ fix }) => fix !== ''))
    assert.equal(alarm.entry, entry)
  }
}

test('a gate that was killed finds its queue again in the log, and what was settled does not ring again', async (t) => {
  const { home, store } = await place(t)
  let gate = await startOutside(home)
  const [one, two] = [await letIn(gate.address, home), await letIn(gate.address, home)]
  gate.child.kill('SIGKILL')
  await gate.ended
  store.approve(one, 'staging')
  store.approve(two)
  store.isDown = false
  gate = await startOutside(home)
  assert.equal((await settled(gate.address, 2)).refused, 1)
  assert.equal((await refusalsRung(home)).length, 1)
  gate.child.kill('SIGKILL')
  await gate.ended
  gate = await startOutside(home)
  const again = await settled(gate.address, 2)
  assert.deepEqual([again.pending, again.verified, again.refused], [0, 1, 1])
  assert.equal(rung(home).filter(({ type }) => type === 'recheck-refused').length, 1)
  assert.equal((await decisions(home, 4)).length, 4)
})

test('what nobody could tell for too long rings, warns, and stays in the list until it can be told', async (t) => {
  const { home, store, start } = await place(t, 'alarms: {deadlineForRecheck: 1h}\n')
  let hours = 0
  const gate = await start(() => new Date(Date.now() + hours * 3_600_000))
  const digest = await letIn(gate.address, home)
  hours = 2
  await until('rung', () => rung(home).some(({ type }) => type === 'recheck-overdue'))
  const alarm = rung(home).find(({ type }) => type === 'recheck-overdue')
  assert.equal(alarm?.artifact?.sha256, digest)
  const ready = await (await fetch(new URL('/readyz', gate.address))).text()
  assert.match(ready, /^ready\n(?:.*\n)*RECHECK_OVERDUE\n/)
  assert.equal((await rechecks(gate.address)).open[0]?.state, 'overdue')
  store.approve(digest)
  store.isDown = false
  hours = 4
  await settled(gate.address, 1)
  assert.equal(rung(home).filter(({ type }) => type === 'recheck-overdue').length, 1)
  assert.doesNotMatch(await (await fetch(new URL('/readyz', gate.address))).text(), /RECHECK/)
})

test('a requester cannot get anything off the queue, nor see it', async (t) => {
  const { home, store, start } = await place(t)
  const gate = await start()
  const digest = await letIn(gate.address, home)
  const artifact = { name: home.image(digest), digest: { sha256: digest } }
  const target = { environment: 'production', service: 'shop' }
  const statement = signed(approval('production', { sha256: digest }), keys.alice).bytes
  const ask = (more: object) =>
    call(gate.address, '/api/v1/decisions', {
      as: 'deployer',
      method: 'POST',
      body: JSON.stringify({ artifact, target, ...more }),
    })
  // A real yes for the same bytes, at the same target, asked by somebody else, with evidence of their own.
  const yes = await ask({ evidence: [JSON.parse(Buffer.from(statement).toString())] })
  assert.equal(((await yes.json()) as { effect: string }).effect, 'admitted')
  const question = 'f'.repeat(64)
  for (const more of [
    { rechecks: { first: 0, last: 0, question } },
    { chokePoint: 'recheck' },
    { artifact: { ...artifact, rechecks: { first: 0, last: 0, question } } },
  ])
    assert.equal((await ask(more)).status, 400)
  for (const as of ['deployer', 'viewer', 'approver'] as const)
    assert.equal((await call(gate.address, '/api/v1/rechecks', { as })).status, 403)
  for (const method of ['POST', 'DELETE', 'PUT'])
    assert.notEqual(
      (await call(gate.address, '/api/v1/rechecks', { as: 'auditor', method })).status,
      200,
    )
  await until('read', async () => (await rechecks(gate.address)).size >= 2)
  const { pending, open, settled: none } = await rechecks(gate.address)
  assert.deepEqual([pending, open[0]?.first, none], [1, 0, []])
  // What is there is bad; a yes that somebody was given with other evidence does not help it.
  store.approve(digest, 'staging')
  store.isDown = false
  assert.equal((await settled(gate.address, 1)).refused, 1)
})

test('evidence that is bad now is a no, though another place is still away; what is only missing waits', async (t) => {
  const { home, store, start } = await place(t)
  const other = await startStore(t)
  useStores(home, [store, other])
  const gate = await start()
  const [bad, missing] = [await letIn(gate.address, home), await letIn(gate.address, home)]
  store.approve(bad, 'production', '2026-05-31T00:00:00Z')
  store.isDown = false
  const list = await settled(gate.address, 1)
  assert.deepEqual(
    list.settled.map(({ state, artifact }) => [state, artifact.sha256]),
    [['refused', bad]],
  )
  assert.deepEqual(
    list.open.map(({ artifact }) => artifact.sha256),
    [missing],
  )
  other.isDown = false
  assert.equal((await settled(gate.address, 2)).refused, 2)
})

test('what came with the request still counts, for it is nowhere else', async (t) => {
  const { home, store, start } = await place(t)
  const rules = ['production', 'staging'].map(
    (environment) => `allowed: {by: [release-managers], environment: ${environment}}`,
  )
  useStores(home, [store], rules.join('\n  - '))
  const gate = await start()
  const digest = fresh()
  const statement = signed(approval('production', { sha256: digest }), keys.alice).bytes
  const answer = await call(gate.address, '/api/v1/decisions', {
    as: 'deployer',
    method: 'POST',
    body: JSON.stringify({
      artifact: { name: 'shop', digest: { sha256: digest } },
      target: { environment: 'production', service: 'shop' },
      evidence: [JSON.parse(Buffer.from(statement).toString())],
    }),
  })
  assert.equal(((await answer.json()) as { effect: string }).effect, 'admitted-unavailable')
  store.approve(digest, 'staging')
  store.isDown = false
  const {
    settled: [one],
  } = await settled(gate.address, 1)
  assert.equal(one?.state, 'verified')
})

test('a registry is down: evidence is looked for again where the image lies, by the place that is recorded', async (t) => {
  const { home, start } = await place(t)
  const registry = await startTestRegistry()
  t.after(() => registry.close())
  const push = pusherTo(registry.base, 'acme/shop')
  const [good, bad] = [await push.image('good', '1.0'), await push.image('bad', '2.0')]
  const bundle = signed(approval('production', { sha256: good.digest }), keys.alice).bytes
  await push.referrer(good, bundleType, [{ mediaType: bundleType, bytes: bundle }])
  useStores(home, [], undefined, [registry.host])
  const gate = await start()
  registry.fault(/^\/v2\//, 'error')
  const decide = await call(gate.address, '/api/v1/decisions', {
    as: 'deployer',
    method: 'POST',
    body: JSON.stringify({
      artifact: { name: 'the shop', digest: { sha256: good.digest } },
      target: { environment: 'production', service: 'shop' },
      reference: `${registry.host}/acme/shop:1.0`,
    }),
  })
  const { effect, decision } = (await decide.json()) as { effect: string; decision: Decision }
  assert.equal(effect, 'admitted-unavailable')
  const { downloadLocation } = decision.request.artifact
  assert.equal(downloadLocation, `oci://${registry.host}/acme/shop:1.0`)
  const pod = review(`${registry.host}/acme/shop@sha256:${bad.digest}`)
  assert.equal((await admission(gate.address, pod)).allowed, true)
  await until('tried', async () => {
    const { open } = await rechecks(gate.address)
    return open.length === 2 && open.every(({ tries }) => tries > 0)
  })
  registry.heal()
  const { settled: list } = await settled(gate.address, 2)
  const states = new Map(list.map(({ artifact, state }) => [artifact.sha256, state]))
  assert.deepEqual([states.get(good.digest), states.get(bad.digest)], ['verified', 'refused'])
})

test('a target that has lost its policy is no no: it waits until somebody says again what is right', async (t) => {
  const { home, store, start } = await place(t)
  const gate = await start()
  const digest = await letIn(gate.address, home)
  const policy = join(home.folder, 'policies/production.yaml')
  const text = readFileSync(policy, 'utf8')
  writeFileSync(policy, text.replace('service: shop', 'service: bank'))
  store.approve(digest)
  await until('not in use any more', async () => {
    return (await admission(gate.address, review(home.image(digest)))).allowed === false
  })
  store.isDown = false
  await until('asked', async () => {
    const [open] = (await rechecks(gate.address)).open
    return open?.problems[0]?.code === 'POLICY_MISSING'
  })
  writeFileSync(policy, text)
  const { refused, verified } = await settled(gate.address, 1)
  assert.deepEqual([refused, verified > 0], [0, true])
})

test('the command line leaves it to a gate that runs, and does it where none does', async (t) => {
  const { home, store } = await place(t)
  const gate = await startInside(home)
  const digest = await letIn(gate.address, home)
  await until('read', async () => (await rechecks(gate.address)).pending === 1)
  const run = async (...args: string[]) => await runMain(['recheck', ...args], home.dir, {})
  const busy = await run('--now')
  await gate.stop()
  assert.equal(busy.exit, 3)
  assert.match(busy.stderr.join('\n'), /RECHECK_TAKEN/)
  store.approve(digest, 'staging')
  store.isDown = false
  assert.equal((await run()).exit, 3)
  assert.equal((await run('--now')).exit, 1)
  assert.equal(rung(home).filter(({ type }) => type === 'recheck-refused').length, 1)
  assert.equal((await run('--now')).exit, 0)
  assert.equal((await run()).exit, 0)
})
