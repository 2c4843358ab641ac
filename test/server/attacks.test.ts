import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { Decision } from '#decision'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import {
  admission,
  call,
  makeHome,
  review,
  startInside,
  tokens,
  type GateHome,
  type Inside,
} from './gate.ts'

const old = 'token-that-has-expired-0123456789'
const sha256 = (value: string): string => createHash('sha256').update(value).digest('hex')
const limits = 'serve: {port: 0, limits: {concurrent: 8, requestSeconds: 2}}\n'
let home: GateHome
let gate: Inside
before(async () => {
  // The list of tokens is the last thing of the configuration: one more is added to it.
  const expired = `    - {name: old, sha256: ${sha256(old)}, roles: [viewer], expires: 2026-01-01T00:00:00Z}\n`
  const kinds = 'kinds: {acme.example/Rollout: spec.template}'
  const admission = `admission: {others: {environment: production, service: shop}, ${kinds}}\n`
  home = await makeHome(expired + limits + admission)
  gate = await startInside(home)
})
after(() => home.close())

function open(): Socket {
  const { hostname, port } = new URL(gate.address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  return socket
}

async function raw(bytes: string): Promise<string> {
  const socket = open()
  // A connection that stays open has been answered as far as it ever will be.
  socket.setTimeout(3000, () => socket.end())
  socket.write(bytes)
  return await text(socket).catch(() => '')
}

const headers = 'Host: gate\r\nContent-Type: application/json\r\n'

test('whoever asks cannot make the gate connect anywhere: only registries of the configuration are asked', async () => {
  let asked = 0
  const inside = createServer((_, response) => {
    asked += 1
    response.end('secret')
  })
  inside.listen(0, '127.0.0.1')
  await once(inside, 'listening')
  const { port } = inside.address() as AddressInfo
  const digest = home.approve()
  const hosts = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `[::1]:${port}`,
    '169.254.169.254',
    'metadata.google.internal',
  ]
  for (const host of hosts) {
    for (const image of [`${host}/shop@sha256:${digest}`, `${host}/shop:latest`]) {
      const { status } = await admission(gate.address, review(image))
      assert.ok(status === 200 || status === 400)
    }
    const body = JSON.stringify({
      artifact: { name: 'shop', digest: { sha256: digest } },
      target: { environment: 'production', service: 'shop' },
      reference: `${host}/shop@sha256:${digest}`,
    })
    await call(gate.address, '/api/v1/decisions', { method: 'POST', as: 'deployer', body })
  }
  inside.close()
  assert.equal(asked, 0)
})

test('an annotation is evidence and nothing else: no address in it is fetched, no file is read', async () => {
  const values = [
    'http://169.254.169.254/',
    'file:///etc/passwd',
    '/etc/passwd',
    '{"uri":"http://x"}',
  ]
  for (const value of values) {
    const asked = JSON.parse(review(home.image('cd'.repeat(32)))) as {
      request: { object: { metadata: { annotations: Record<string, string> } } }
    }
    asked.request.object.metadata.annotations['sallyport.dev/evidence'] = value
    const { allowed, text: answer } = await admission(gate.address, JSON.stringify(asked))
    assert.equal(allowed, false)
    assert.doesNotMatch(answer, /root:/)
  }
})

test('no path leads out of the log', async () => {
  const paths = [
    '/log/../sallyport.yaml',
    '/log/..%2fsallyport.yaml',
    '/log/%2e%2e/keys/log.pem',
    '/log/.state/journal',
    '/log/tile/../../keys/log.pem',
    '/log/tile/0/..%2f..%2f..%2fsallyport.yaml',
    '/log//etc/passwd',
    '/log/tile/0/000%00.p/1',
    '/log/checkpoint/',
    '/log/tile/entries/x000/x000/x000/x000/x000/x000/x000/000',
  ]
  for (const path of paths) {
    const authorization = `Authorization: Bearer ${tokens.auditor}\r\n`
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\n${headers}${authorization}Connection: close\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 40[04] /, path)
    assert.doesNotMatch(answer, /PRIVATE KEY|apiVersion: sally/)
  }
})

test('what two servers could read in two ways is refused, and the connection with it', async () => {
  const hidden = 'GET /metrics HTTP/1.1\r\nHost: gate\r\n\r\n'
  const start = `POST /admission/validate HTTP/1.1\r\n${headers}`
  const requests = [
    `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `${start}Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello${hidden}`,
    `${start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
    `${start}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `${start}Content-Length: +5\r\n\r\nhello${hidden}`,
    `${start}Transfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n${hidden}`,
    `GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${hidden}`,
    `GET /healthz HTTP/1.1\nHost: a\n\n${hidden}`,
  ]
  for (const request of requests) {
    const answers = (await raw(request)).match(/^HTTP\/1\.1 \d+/gm) ?? []
    assert.deepEqual(answers, ['HTTP/1.1 400'], JSON.stringify(request.slice(0, 150)))
  }
})

test('headers are bounded', async () => {
  const large = await raw(`GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)
  assert.match(large, /^HTTP\/1\.1 431 /)
})

test('a review of 50 MB, announced or not, is refused while little of it is read', async () => {
  const announced = await raw(
    `POST /admission/validate HTTP/1.1\r\n${headers}Content-Length: 50000000\r\n\r\n`,
  )
  assert.match(announced, /^HTTP\/1\.1 413 .*REQUEST_TOO_LARGE/s)
  const socket = open()
  const answered = text(socket).catch(() => '')
  socket.write(`POST /admission/validate HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`)
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  let sent = 0
  for (; sent < 50 && !socket.destroyed; sent += 1) {
    if (!socket.write(chunk)) await drained(socket)
  }
  socket.end()
  assert.match(`${await answered}HTTP/1.1 413 `, /^HTTP\/1\.1 413 /)
  assert.ok(sent < 40, `${sent} MB were taken`)
})

function drained(socket: Socket): Promise<void> {
  return new Promise((done) => {
    for (const event of ['drain', 'close', 'error']) socket.once(event, () => done())
  })
}

test('JSON that is deep, wide, ambiguous or no JSON is a problem with an answer, and the gate goes on', async () => {
  const good = review(home.image(home.approve()))
  const bodies: (string | Uint8Array)[] = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{}',
    '['.repeat(100_000),
    `{"apiVersion":${'['.repeat(60_000)}${']'.repeat(60_000)}}`,
    good.replace('"request":', '"request":{},"request":'),
    good.replace(
      '"kind":"AdmissionReview"',
      '"kind":"AdmissionReview","__proto__":{"a":1},"kind":"x"',
    ),
    good.replace('"uid":"', '"uid":"\\ud800'),
    Buffer.concat([Buffer.from(good.slice(0, 20)), Buffer.from([0xff, 0xfe]), Buffer.from(good)]),
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(good)]),
    `{"n":${'9'.repeat(1_000_000)}}`,
    good.replace('"name":"p"', '"name":1e999'),
  ]
  for (const body of bodies) {
    const { status, text: answer } = await admission(gate.address, body)
    assert.equal(status, 400, `${body.slice(0, 60).toString()}: ${answer.slice(0, 300)}`)
  }
  assert.equal((await admission(gate.address, good)).allowed, true)
})

test('what is no image is refused and recorded, however much there is of it, and what it is called is one short line', async () => {
  const zeroWidth = '\u200b'.repeat(300)
  const containers = Array.from({ length: 64 }, (_, at) => ({ image: `${at}${zeroWidth}` }))
  const kind = { group: 'acme.example', version: 'v1', kind: 'Rollout' }
  const name = `seccomp-profile.crio.io/\u202e\u009b31m\n${'y'.repeat(1_000_000)}`
  const rollout = (image: string) => ({
    kind,
    object: { spec: { template: { metadata: { annotations: { [name]: image } } } } },
  })
  const image = home.image('0'.repeat(64))
  for (const [more, code] of [
    [{ object: { spec: { containers } } }, 'ADMISSION_IMAGE'],
    [rollout('nginx'), 'ADMISSION_IMAGE'],
    [rollout(image), 'APPROVAL_MISSING'],
  ] as const) {
    const asked = JSON.parse(review(image)) as { request: object }
    const body = JSON.stringify({ ...asked, request: { ...asked.request, ...more } })
    const { status, text, message } = await admission(gate.address, body)
    assert.match(text, /"allowed":false.*"code":403/)
    assert.equal(status, 200)
    assert.match(message, new RegExp(code))
    assert.doesNotMatch(message, /[\u0080-\u009f\u200b\u202e]|y{300}/)
  }
  const listed = await call(gate.address, '/api/v1/decisions?limit=6', { as: 'auditor' })
  const { entries } = (await listed.json()) as {
    entries: { body: { reasons: readonly { found: string }[] } }[]
  }
  const recorded = JSON.stringify(entries.map(({ body }) => body))
  for (const at of containers.keys()) assert.ok(recorded.includes(`"\\"${at}\\\\u200b`), `${at}`)
  assert.doesNotMatch(recorded, /y{300}/)
})

test('hundreds of clients that send slowly keep nobody out', async () => {
  const image = home.image(home.approve())
  const start = `POST /admission/validate HTTP/1.1\r\n${headers}Content-Length: 100000\r\n\r\n{`
  const slow = Array.from({ length: 400 }, () => {
    const socket = open()
    socket.write(start)
    return socket.resume()
  })
  await Promise.all(slow.map((socket) => once(socket, 'connect')))
  const began = performance.now()
  for (let times = 0; times < 5; times += 1) {
    const { status, allowed } = await admission(gate.address, review(image))
    assert.deepEqual({ status, allowed }, { status: 200, allowed: true })
  }
  assert.ok(performance.now() - began < 10_000)
  const held = slow.filter(({ destroyed }) => !destroyed)
  await Promise.all(held.map((socket) => once(socket, 'close')))
})

test('tokens that are over, of nobody, in the address or in a cookie open nothing', async () => {
  const tries: RequestInit[] = [
    { headers: { authorization: `Bearer ${old}` } },
    { headers: { authorization: `Bearer ${sha256(tokens.viewer)}` } },
    { headers: { authorization: `Basic ${btoa(`viewer:${tokens.viewer}`)}` } },
    { headers: { cookie: `token=${tokens.viewer}` } },
    { headers: { 'x-forwarded-user': 'token:viewer', 'x-remote-user': 'viewer' } },
  ]
  for (const init of tries) {
    const response = await call(gate.address, `/api/v1/targets?access_token=${tokens.viewer}`, init)
    assert.equal(response.status, 401)
  }
})

test('who is not proven is recorded as such, whatever name the review has', async () => {
  const image = home.image(home.approve())
  for (const user of ['system:admin', 'jo', 'unauthenticated:jo', 'token:operator'])
    await admission(gate.address, review(image, { user }))
  const list = await call(gate.address, '/api/v1/decisions?limit=4', { as: 'auditor' })
  const { entries } = (await list.json()) as {
    entries: { body: { request: { requester: string } } }[]
  }
  assert.deepEqual(
    entries.map(({ body }) => body.request.requester),
    [
      'unauthenticated:token:operator',
      'unauthenticated:unauthenticated:jo',
      'unauthenticated:jo',
      'unauthenticated:system:admin',
    ],
  )
})

test('the journal has no body, no token and no line that somebody else wrote', async () => {
  const secret = 'hunter2-is-in-the-body'
  const forged = '\n{"level":"info","event":"forged"}\u001b[2J\u2028\u202e'
  await admission(gate.address, review(`${home.registry}/${forged}`, { user: secret + forged }))
  await admission(gate.address, `{"${secret}": ${forged}`)
  await call(gate.address, `/${encodeURIComponent(forged)}?${secret}`, { as: 'viewer' })
  await call(gate.address, '/api/v1/decisions', {
    method: 'POST',
    as: 'deployer',
    body: JSON.stringify({ secret }),
  })
  for (const line of gate.journal) {
    assert.doesNotMatch(line, /hunter2|token-of|[\u2028\u202e]/)
    assert.ok(!line.includes('\u001b'))
    assert.equal(line.indexOf('\n'), line.length - 1)
    assert.notEqual((JSON.parse(line) as { event: string }).event, 'forged')
  }
})

test('evidence that came with one request counts for that request, and is not remembered for the next', async () => {
  const digest = '12'.repeat(32)
  const { bytes } = signed(approval('production', { sha256: digest }), keys.alice)
  const reference = home.image(digest)
  const ask = async (evidence: readonly string[]): Promise<number> => {
    const body = JSON.stringify({
      artifact: { name: 'shop', digest: { sha256: digest } },
      target: { environment: 'production', service: 'shop' },
      reference,
      evidence,
    })
    const path = '/api/v1/decisions'
    return (await call(gate.address, path, { method: 'POST', as: 'deployer', body })).status
  }
  assert.equal(await ask([]), 403)
  assert.equal(await ask([Buffer.from(bytes).toString()]), 200)
  assert.equal(await ask([]), 403)
  assert.equal((await admission(gate.address, review(reference))).allowed, false)
})

test('evidence about one digest lets no other bytes in, whatever whoever asks says that they are', async () => {
  // As npm names its packages; whoever deploys adds the digest of something else.
  const sha512 = 'ab'.repeat(64)
  const approved = approval('production')
  const subject = [{ name: 'shop', digest: { sha512 } }]
  const { bytes } = signed({ ...approved, subject }, keys.alice)
  const body = JSON.stringify({
    artifact: { name: 'shop', digest: { sha256: '13'.repeat(32), sha512 } },
    target: { environment: 'production', service: 'shop' },
    evidence: [Buffer.from(bytes).toString()],
  })
  const path = '/api/v1/decisions'
  const answer = await call(gate.address, path, { method: 'POST', as: 'deployer', body })
  assert.equal(answer.status, 403)
  const { decision } = (await answer.json()) as { decision: Decision }
  assert.deepEqual(decision.request.artifact.digest, { sha256: '13'.repeat(32) })
})
