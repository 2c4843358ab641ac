import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BreakglassAsk } from '#api'
import {
  decideOn,
  policiesOf,
  policyText,
  request,
  trust,
} from '../../core/decision/testing/fixtures.ts'
import { openDesk } from './breakglass-desk.ts'
import type { ServiceParts } from './service.ts'

const rules = ['allowed: {by: [release-managers]}']
const policy = 'breakglass: {approvers: [sre], maxDuration: 2h}'

function deskOf() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-desk-'))
  const policies = policiesOf(policyText(rules, policy))
  const parts = {
    config: { breakglass: { folder } },
    clock: () => new Date('2026-06-01T12:00:00Z'),
    rulebook: { current: () => ({ policies, trust }) },
    shared: { look: () => Promise.resolve() },
  } as unknown as ServiceParts
  const desk = openDesk(parts, ({ artifact }) =>
    Promise.resolve({
      decision: decideOn(rules, [], { policy, request: { ...request, artifact } }),
    }),
  )
  const requests = join(folder, 'requests')
  return { desk, requests, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

const ask = (name = 'shop') =>
  ({
    artifact: { name, sha256: 'ab'.repeat(32) },
    environment: 'production',
    service: 'shop',
    rules: ['require[0].allowed'],
    reason: 'down',
    incident: 'INC-1',
    seconds: 3600,
  }) as BreakglassAsk

test('whoever has a long name can ask, and one that is too long is refused and keeps nobody else from asking', async () => {
  using place = deskOf()
  const { desk } = place
  const long = `oidc:https://issuer.example#repo:acme/${'x'.repeat(300)}`
  await desk.request(ask(), long)
  await assert.rejects(desk.request(ask(), 'y'.repeat(2001)), { code: 'BREAKGLASS_REQUEST' })
  await desk.request(ask(), 'token:deployer')
  const told = JSON.stringify(await desk.requests())
  for (const who of [long, 'token:deployer'])
    assert.ok(told.includes(`"requester":${JSON.stringify(who)}`))
})

test('what cannot be read among the requests keeps nobody from the others', async () => {
  using place = deskOf()
  const { id } = await place.desk.request(ask(), 'token:deployer')
  writeFileSync(join(place.requests, `${'0'.repeat(32)}.json`), '{"kind":')
  assert.deepEqual(
    (await place.desk.requests()).map((one) => one.id),
    [id],
  )
  await place.desk.request(ask('warehouse'), 'token:deployer')
})

test('the same request, sent several times at once, is kept once', async () => {
  using place = deskOf()
  const all = await Promise.all(
    Array.from({ length: 8 }, () => place.desk.request(ask(), 'token:deployer')),
  )
  assert.equal(new Set(all.map(({ id }) => id)).size, 1)
  assert.equal(readdirSync(place.requests).length, 1)
})
