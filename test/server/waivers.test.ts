// What a policy lets in although it does not meet it, over the real gate: listed, reviewed, in the log, heard of once, and told.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventTypePrefix, type ExportedEvent } from '#api'
import { call, makeHome, startInside, until, type GateHome, type Inside } from './gate.ts'
import { readEvent } from './receivers.ts'

const sinks = 'events: {sinks: [{name: all, minimumSeverity: info, file: {path: out.jsonl}}]}\n'
const rule = 'require[1].allowed'

/** What is approved for production need not be for staging, for a while. */
function writeExemption({ folder }: GateHome, expires: string): void {
  const text = `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-production, owner: team-shop}
targets: [{environment: production, service: shop}]
require:
  - allowed: {by: [release-managers], environment: production}
  - allowed: {by: [release-managers], environment: staging}
exemptions: [{rule: '${rule}', reason: staging moves, owner: erin, expires: '${expires}'}]
`
  writeFileSync(join(folder, 'policies/production.yaml'), text)
}

async function scene(t: TestContext) {
  const home = await makeHome(sinks)
  t.after(() => home.close())
  writeExemption(home, '2098-01-01T00:00:00Z')
  const start = () => startInside(home)
  return { home, start }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

const told = ({ folder }: GateHome): readonly ExportedEvent[] =>
  linesOf(join(folder, 'out.jsonl')).map(readEvent)
const named = (home: GateHome, name: string): readonly ExportedEvent[] =>
  told(home).filter(({ type }) => type === `${eventTypePrefix}${name}`)
const rung = ({ folder }: GateHome): readonly { type: string; exemption?: { expires: string } }[] =>
  linesOf(join(folder, 'alarms/events.jsonl')).map((line) => JSON.parse(line) as { type: string })

async function admit(home: GateHome, { address }: Inside, count: number): Promise<void> {
  const target = { environment: 'production', service: 'shop' }
  for (let at = 0; at < count; at += 1) {
    const artifact = { name: 'shop', digest: { sha256: home.approve() } }
    const body = JSON.stringify({ artifact, target })
    const options = { method: 'post', as: 'deployer', body } as const
    const answer = await (await call(address, '/api/v1/decisions', options)).json()
    assert.equal((answer as { decision: { effect: string } }).decision.effect, 'admitted')
  }
}

test('an exemption rings when it lets something in for the first time, and after that is counted and told', async (t) => {
  const { home, start } = await scene(t)
  const gate = await start()
  await admit(home, gate, 3)
  assert.deepEqual(
    rung(home).map(({ type, exemption }) => [type, exemption?.expires]),
    [['exemption-used', '2098-01-01T00:00:00.000Z']],
  )
  const metrics = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  const labels = `policy="shop-production",rule="allowed",environment="production",service="shop"`
  assert.ok(metrics.split('\n').includes(`sallyport_exempted_total{${labels}} 3`), metrics)
  await until('all are told', () => named(home, 'decision.admitted').length === 3)
  const exemption = { rule, instead: 'MISSING', owner: 'erin', expires: '2098-01-01T00:00:00.000Z' }
  for (const { data } of named(home, 'decision.admitted'))
    assert.deepEqual(data.exemptions, [exemption])
  await until('the alarm is told', () => named(home, 'alarm.exemption-used').length > 0)
  const [alarm, ...others] = named(home, 'alarm.exemption-used')
  assert.deepEqual([alarm?.severity, alarm?.data.exemptions, others], ['notice', [exemption], []])
  await gate.stop()
  // Another process, and the same exemption; then one that somebody has written anew.
  const again = await start()
  await admit(home, again, 2)
  assert.equal(rung(home).length, 1)
  await again.stop()
  writeExemption(home, '2099-01-01T00:00:00Z')
  await admit(home, await start(), 2)
  assert.deepEqual(
    rung(home).map(({ exemption: one }) => one?.expires),
    ['2098-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'],
  )
})

test('an exemption waits for a review as any other grant: found, told, reviewed by somebody else, and told again', async (t) => {
  const { home, start } = await scene(t)
  const { address } = await start()
  const id = 'waiver:shop-production exemption allowed'
  const grantIn = async () => {
    const response = await call(address, '/api/v1/access/grants', { as: 'auditor' })
    const { grants } = (await response.json()) as {
      grants: readonly { id: string; sha256: string; state: string; until?: string }[]
    }
    const found = grants.find((one) => one.id === id)
    assert.ok(found)
    return found
  }
  const { state, until: end, sha256 } = await grantIn()
  assert.deepEqual([state, end], ['never', '2098-01-01T00:00:00.000Z'])
  const about = ({ data }: ExportedEvent): boolean => data.grant?.id === id
  await until('the finding', () => named(home, 'access.finding').some(about))
  const found = named(home, 'access.finding').find(about)
  assert.equal(found?.data.problem?.code, 'GRANT_NOT_REVIEWED')
  assert.equal(found.data.grant?.sha256, sha256)
  const body = JSON.stringify({ grants: [sha256], finding: 'until the move is over' })
  const options = { method: 'post', as: 'auditor', body } as const
  assert.equal((await call(address, '/api/v1/access/reviews', options)).status, 200)
  assert.equal((await grantIn()).state, 'reviewed')
  await until('the review', () => named(home, 'access.reviewed').length > 0)
  const [review] = named(home, 'access.reviewed')
  assert.equal(review?.data.principal, 'token:auditor')
  assert.deepEqual(review.data.accessReview, {
    by: 'token:auditor',
    finding: 'until the move is over',
    grants: [{ id, sha256 }],
  })
})
