// What is let in while evidence cannot be had, or by a policy's own choice: recorded, and heard before the answer.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { logReplay } from '#app'
import { loadConfig } from '#config'
import type { Decision } from '#decision'
import { rung, startStore, useStores } from './evidence-store.ts'
import { call, makeHome, startInside, writePolicy, type GateHome } from './gate.ts'
import {
  admit,
  carrying,
  decisionsAbout,
  fresh,
  granted,
  offerBreakglass,
  startPager,
  target,
} from './glass.ts'

/** A gate whose store of evidence is down. `prepare` changes its home first, whose policy lets outages through. */
async function withoutEvidence(t: TestContext, prepare: (home: GateHome) => void) {
  const stack = new AsyncDisposableStack()
  t.after(() => stack.disposeAsync())
  const pager = stack.adopt(await startPager(), (one) => one.close())
  const home = stack.adopt(await makeHome(pager.settings), (one) => one.close())
  const store = await startStore(t)
  useStores(home, [store])
  prepare(home)
  const gate = await startInside(home)
  return { home, store, gate, pager }
}

test('a store of evidence is down: a grant lets in, recorded with what would have failed and heard before the answer', async (t) => {
  const { home, store, gate, pager } = await withoutEvidence(t, (place) => {
    writePolicy(place.folder)
    offerBreakglass(place)
  })
  const digest = fresh()
  const image = home.image(digest)
  const refused = await admit(gate, image, {})
  assert.equal(refused.allowed, false)
  assert.match(refused.message, /EVIDENCE_UNAVAILABLE/)
  assert.equal(pager.heard.length, 0)
  const admitted = await admit(gate, image, carrying(granted(digest)))
  const heard = [...pager.heard]
  assert.equal(admitted.allowed, true)
  assert.match(admitted.warnings.join(), /BREAKGLASS by erin until .*; review before /)
  const decisions = await decisionsAbout(home, digest, 2)
  assert.deepEqual(
    decisions.map(({ effect }) => effect),
    ['blocked', 'admitted-breakglass'],
  )
  for (const decision of decisions) checkOutage(decision, store.address)
  const used = decisions[1]?.breakglass
  assert.deepEqual(used?.wanted, ['require[0].allowed'])
  assert.deepEqual(
    heard.map(({ type, entry, verdict, artifact }) => [type, entry, verdict, artifact?.sha256]),
    [['breakglass-used', decisions[1]?.index, 'UNDETERMINED', digest]],
  )
  assert.ok(heard[0]?.reasons?.includes('EVIDENCE_UNAVAILABLE'))
  const config = loadConfig({ cwd: home.dir, env: {} })
  assert.ok((await logReplay(config)).every(({ same }) => same))
})

test('where evidence is slower than the gate may be, it can be asked for all the same', async (t) => {
  const { gate, store } = await withoutEvidence(t, (place) => {
    writePolicy(place.folder)
    offerBreakglass(place)
    const file = join(place.folder, 'sallyport.yaml')
    const limited = 'serve: {port: 0, limits: {decisionSeconds: 1}}'
    writeFileSync(file, readFileSync(file, 'utf8').replace('serve: {port: 0}', limited))
  })
  store.isSlow = true
  const asked = await call(gate.address, '/api/v1/breakglass/requests', {
    as: 'deployer',
    method: 'post',
    body: JSON.stringify({
      artifact: { name: 'shop', sha256: fresh() },
      ...target,
      reason: 'down',
      incident: 'INC-1',
    }),
  })
  const { request, approvers } = (await asked.json()) as {
    approvers: readonly string[]
    request: { rules: readonly string[]; otherwise: { verdict: string } }
  }
  assert.deepEqual([asked.status, approvers], [200, ['sre']])
  assert.deepEqual(request.rules, ['require[0].allowed'])
  assert.equal(request.otherwise.verdict, 'UNDETERMINED')
})

/** What the gate would have said, and why, stands in the decision. */
function checkOutage({ verdict, rules, reasons, inputs }: Decision, store: string): void {
  assert.equal(verdict, 'UNDETERMINED')
  assert.deepEqual(
    rules.map((rule) => [rule.id, rule.verdict]),
    [['require[0].allowed', 'UNVERIFIABLE']],
  )
  assert.ok(reasons.some(({ code }) => code === 'EVIDENCE_UNAVAILABLE'))
  const away = inputs.sources.filter(({ outcome }) => outcome === 'unavailable')
  assert.deepEqual(
    away.map(({ name }) => name),
    [store],
  )
}

test('what a policy lets in by its own choice has rung when it is answered; where it cannot ring, there is no yes', async (t) => {
  const { home, gate } = await withoutEvidence(t, ({ folder }) => {
    const audited = readFileSync(join(folder, 'policies/production.yaml'), 'utf8')
      .replace('shop-production', 'shop-audited')
      .replace('service: shop', 'service: audited')
      .replace('whenUnavailable: allow', 'mode: audit')
    writeFileSync(join(folder, 'policies/audited.yaml'), audited)
  })
  const ask = async (service: string, digest: string) => {
    const response = await call(gate.address, '/api/v1/decisions', {
      as: 'deployer',
      method: 'post',
      body: JSON.stringify({
        artifact: { name: 'shop', digest: { sha256: digest } },
        target: { ...target, service },
      }),
    })
    return (await response.json()) as { effect?: string; entry?: number }
  }
  for (const [service, effect] of [
    ['shop', 'admitted-unavailable'],
    ['audited', 'admitted-audit'],
  ] as const) {
    const digest = fresh()
    const answer = await ask(service, digest)
    const alarms = rung(home).filter(({ artifact }) => artifact?.sha256 === digest)
    assert.equal(answer.effect, effect)
    assert.deepEqual(
      alarms.map(({ type, entry, target: at }) => [type, entry, at?.service]),
      [[effect, answer.entry, service]],
    )
  }
  rmSync(join(home.folder, 'alarms'), { recursive: true })
  writeFileSync(join(home.folder, 'alarms'), '')
  for (const service of ['shop', 'audited'])
    assert.equal((await ask(service, fresh())).effect, undefined)
})
