import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { errors, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { startGateServer } from '../gate-server.ts'
import { openJournal } from '../journal.ts'
import { openMetrics } from '../metrics.ts'
import type { GateService } from '../routes/ports.ts'
import { openIssuerKeys } from './issuer-keys.ts'

const issuer = 'https://issuer.example'
const clock = () => new Date('2026-06-01T00:00:00Z')
const pair = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k' }
const jwks = JSON.stringify({ keys: [jwk] })

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
  const time = { now: performance.now() }
  t.mock.method(performance, 'now', () => time.now)
  let isDown = true
  const gate = await start(t, (_, response) => {
    if (isDown) response.writeHead(500).end()
    else response.end(jwks)
  })
  for (let kid = 0; kid < 20; kid += 1) assert.equal(await gate.ask(`${kid}`), 503)
  assert.equal(gate.asked(), 1)
  isDown = false
  time.now += 1001
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

/** The keys of an issuer that answers so, at times that the test says; what a request does with its place is seen. */
function open(t: TestContext, answer: () => Response) {
  const time = { now: 0 }
  const seen: (string | number)[] = []
  t.mock.method(performance, 'now', () => time.now)
  t.mock.method(Date, 'now', () => time.now)
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    seen.push(ms)
    return new AbortController().signal
  })
  t.mock.method(globalThis, 'fetch', async () => Promise.resolve(answer()))
  const place = { yield: () => seen.push('yield'), take: () => seen.push('take') }
  const keys = openIssuerKeys({
    issuer,
    audience: 'gate',
    keys: { url: 'https://issuer.example/keys' },
    grants: [],
  })
  return {
    time,
    ask: async (kid: string) => keys(place)({ alg: 'ES256', kid }, { payload: '', signature: '' }),
    /** Since it was asked last. */
    seen: () => seen.splice(0),
  }
}

const fetched = ['yield', 3000, 'take']

test('a request gives its place to others only while keys are fetched, three seconds at most', async (t) => {
  let keys = [jwk]
  const { time, ask, seen } = open(t, () => Response.json({ keys }))
  const unknown = { code: 'ERR_JWKS_NO_MATCHING_KEY' }
  await ask('k')
  assert.deepEqual(seen(), fetched)
  await ask('k')
  await assert.rejects(ask('unknown'), unknown)
  assert.deepEqual(seen(), [])
  time.now = 30_000
  await assert.rejects(ask('unknown'), unknown)
  assert.deepEqual(seen(), fetched)
  // What an issuer does not list any more is not believed for longer than ten minutes.
  keys = [{ ...jwk, kid: 'new' }]
  time.now += 599_999
  await ask('k')
  assert.deepEqual(seen(), [])
  time.now += 1
  await assert.rejects(ask('k'), unknown)
  assert.deepEqual(seen(), fetched)
  await ask('new')
  assert.deepEqual(seen(), [])
})

test('two keys under one id are asked for no more', async (t) => {
  const { time, ask, seen } = open(t, () => Response.json({ keys: [jwk, jwk] }))
  await assert.rejects(ask('k'), errors.JWKSMultipleMatchingKeys)
  assert.deepEqual(seen(), fetched)
  time.now = 60_000
  await assert.rejects(ask('k'), errors.JWKSMultipleMatchingKeys)
  assert.deepEqual(seen(), [])
})

test('a request has its place again when the issuer fails, which is asked again after a second', async (t) => {
  let asked = 0
  let cancelled = 0
  const { time, ask, seen } = open(t, () => {
    asked += 1
    const body = new ReadableStream({ cancel: () => void (cancelled += 1) })
    return new Response(body, { status: 404 })
  })
  for (const [now, times] of [
    [0, 1],
    [999, 1],
    [1000, 2],
  ] as const) {
    time.now = now
    await assert.rejects(ask('k'), { message: 'status 404' })
    assert.deepEqual([seen(), asked, cancelled], [fetched, times, times])
  }
})

test('keys are JSON of at most half a megabyte, and what else is there is told to nobody', async (t) => {
  const answer = { text: jwks.padEnd(512 * 1024, ' ') }
  await open(t, () => new Response(answer.text)).ask('k')
  answer.text += ' '
  t.mock.restoreAll()
  await assert.rejects(open(t, () => new Response(answer.text)).ask('k'), /more than 524288 bytes/)
  answer.text = '[secret'
  t.mock.restoreAll()
  await assert.rejects(open(t, () => new Response(answer.text)).ask('k'), {
    message: 'an answer that is no JSON',
  })
})
