import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { startGateServer } from '../gate-server.ts'
import { openJournal } from '../journal.ts'
import { openMetrics } from '../metrics.ts'
import type { GateService } from '../routes/ports.ts'

const issuer = 'https://issuer.example'
const clock = () => new Date('2026-06-01T00:00:00Z')
const pair = await generateKeyPair('ES256')
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }] })

function tokenOf(kid: string): Promise<string> {
  return new SignJWT({ iss: issuer, aud: 'gate', sub: 'jo', exp: clock().getTime() / 1000 + 600 })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(pair.privateKey)
}

/** A gate that answers two at a time, and believes tokens by the keys that `answer` gives. */
async function start(t: TestContext, answer: RequestListener) {
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    answer(request, response)
  }).unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const grants = [{ claims: { sub: 'jo' }, roles: ['viewer'] as const }]
  const listener = await startGateServer({
    host: '127.0.0.1',
    port: 0,
    limits: { concurrent: 2, connections: 1000, requestSeconds: 5 },
    access: {
      tokens: [],
      certificates: [],
      oidc: [{ issuer, audience: 'gate', keys: { url }, grants }],
    },
    admissionClients: [],
    open: { log: false, metrics: false },
    service: { targets: () => ({ targets: [] }), health: () => [] } as unknown as GateService,
    metrics: openMetrics(),
    journal: openJournal({ write: () => true }, clock),
    clock,
  })
  t.after(() => listener.drain(0))
  return {
    asked: () => asked,
    ready: () => fetch(`${listener.address}/readyz`).then(({ status }) => status),
    async ask(kid: string): Promise<number> {
      const headers = { authorization: `Bearer ${await tokenOf(kid)}` }
      const response = await fetch(`${listener.address}/api/v1/targets`, { headers })
      await response.body?.cancel()
      return response.status
    },
  }
}

test('an issuer that fails is asked again after a second, and not with each token that somebody makes up', async (t) => {
  let isDown = true
  const gate = await start(t, (_, response) => {
    if (isDown) response.writeHead(500).end()
    else response.end(jwks)
  })
  let now = performance.now()
  t.mock.method(performance, 'now', () => now)
  for (let kid = 0; kid < 20; kid += 1) assert.equal(await gate.ask(`${kid}`), 503)
  assert.equal(gate.asked(), 1)
  isDown = false
  now += 1001
  assert.equal(await gate.ask('k'), 200)
})

test('who waits for the keys of an issuer takes no place of those who are answered', async (t) => {
  const gives = Promise.withResolvers<undefined>()
  const isAsked = Promise.withResolvers<undefined>()
  const gate = await start(t, (_, response) => {
    isAsked.resolve(undefined)
    void gives.promise.then(() => response.end(jwks))
  })
  const asked = [1, 2, 3, 4].map(() => gate.ask('k'))
  await isAsked.promise
  assert.deepEqual([await gate.ready(), await gate.ready()], [200, 200])
  gives.resolve(undefined)
  const statuses = await Promise.all(asked)
  // Those for whom there is no place at that moment are told to ask again.
  assert.ok(
    statuses.includes(200) && statuses.every((one) => one === 200 || one === 503),
    statuses.join(),
  )
})

test('a key that is known is believed without a look, also while the issuer fails for one that is not', async (t) => {
  let times = 0
  const gate = await start(t, (_, response) => {
    times += 1
    if (times === 1) response.end(jwks)
    else response.writeHead(500).end()
  })
  assert.equal(await gate.ask('k'), 200)
  const later = Date.now() + 60_000
  t.mock.method(Date, 'now', () => later)
  assert.equal(await gate.ask('unknown'), 503)
  assert.equal(await gate.ask('k'), 200)
  assert.equal(times, 2)
})
