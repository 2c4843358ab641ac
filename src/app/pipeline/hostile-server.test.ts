import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sha256Hex } from '#document'
import { gatePipeline } from './gate.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-hostile-server-'))
const file = join(dir, 'app.sql')
writeFileSync(file, 'select 1')
after(() => rmSync(dir, { recursive: true, force: true }))
const sha256 = sha256Hex('select 1')
const ran = join(dir, 'ran')

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function asked(handler: Handler, more: { url?: string; token?: string } = {}) {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    return await gatePipeline({
      artifacts: [file],
      target: { environment: 'production', service: 'shop' },
      bundles: [],
      evidence: [],
      server: { url: more.url ?? `http://127.0.0.1:${port}`, token: { env: 'TOKEN' } },
      config: () => Promise.reject(new Error('a gate that is asked needs no home')),
      env: { PATH: process.env['PATH'], TOKEN: more.token ?? 'secret-token' },
      cwd: dir,
      now: () => new Date(),
      command: { words: ['touch', ran, '{}'], env: [], inEnvironment: false, quiet: true },
    })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const decision = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Decision',
  time: '2026-06-01T12:00:00.000Z',
  engine: { name: 'sallyport', version: '0.1.0' },
  request: {
    artifact: { name: 'app.sql', digest: { sha256 } },
    target: { environment: 'production', service: 'shop' },
    chokePoint: 'ci',
  },
  policy: null,
  inputs: {},
  evidence: [],
  rules: [],
  verdict: 'ALLOW',
  effect: 'admitted',
  reasons: [],
}
const good = { verdict: 'ALLOW', effect: 'admitted', entry: 7, decision }
const answering =
  (value: unknown, status = 200): Handler =>
  ({ url }, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(url === '/api/v1/deployments' ? { entry: 8 } : value))

test('a good answer is taken, and the command is run', async () => {
  const report = await asked(answering(good))
  assert.equal(report.exit, 0)
  assert.deepEqual(report.answers[0]?.record, { index: 7 })
  assert.deepEqual(report.deployed, { code: 0, index: 8 })
  rmSync(ran)
})

test('a result that the gate does not take is told, for it has been deployed', async () => {
  const taken = answering(good)
  for (const status of [200, 302, 500]) {
    const report = await asked((request, response) => {
      if (request.url === '/api/v1/decisions') taken(request, response)
      else response.writeHead(status, { location: 'http://127.0.0.1:1' }).end('{"entry": "x"}')
    })
    assert.equal(report.deployed?.code, 0)
    assert.deepEqual(
      report.deployed.problems?.map(({ code }) => code),
      ['GATE_UNANSWERED'],
    )
    rmSync(ran)
  }
})

test('an answer that is durable at the gate, and in the log later, is one', async () => {
  const spooled = { spool: 'gate-1', number: 3, sha256: 'a'.repeat(64) }
  const { entry: _, ...rest } = good
  const report = await asked(answering({ ...rest, receipt: 'spooled', spooled }))
  assert.deepEqual(report.answers[0]?.record, { spooled: 'gate-1 3' })
  assert.equal(report.deployed?.code, 0)
  rmSync(ran)
})

const { request } = decision
const changed = (more: object) => ({ ...good, decision: { ...decision, ...more } })
const lies: Record<string, unknown> = {
  nothing: {},
  'a list': [],
  'an answer without record': { ...good, entry: undefined },
  'another digest': changed({
    request: { ...request, artifact: { name: 'app.sql', digest: { sha256: 'a'.repeat(64) } } },
  }),
  'no digest': changed({ request: { ...request, artifact: { name: 'app.sql', digest: {} } } }),
  'another environment': changed({
    request: { ...request, target: { environment: 'staging', service: 'shop' } },
  }),
  'another service': changed({
    request: { ...request, target: { environment: 'production', service: 'x' } },
  }),
  'another choke point': changed({ request: { ...request, chokePoint: 'api' } }),
  'two verdicts': { ...good, verdict: 'DENY' },
  'a no that admits': { ...changed({ verdict: 'DENY' }), verdict: 'DENY' },
  'an effect that nobody knows': {
    ...changed({ effect: 'admitted-maybe' }),
    effect: 'admitted-maybe',
  },
  'a block with status 200': {
    ...changed({ verdict: 'DENY', effect: 'blocked' }),
    verdict: 'DENY',
    effect: 'blocked',
  },
  'rules that are none': changed({ rules: [null] }),
  'reasons that are none': changed({ reasons: [{ code: 'X' }] }),
  __proto__: JSON.parse('{"__proto__": {"verdict": "ALLOW"}}'),
}
for (const [name, lie] of Object.entries(lies)) {
  test(`an answer with ${name} is none, and nothing is deployed`, async () => {
    await assert.rejects(asked(answering(lie)), { code: 'GATE_ANSWER' })
  })
}

test('a denial is a denial, whatever code it has', async () => {
  const newer = {
    code: 'ORBIT_TOO_LOW',
    where: 'policies/production.yaml:8:5 require[0].orbit',
    expected: 'an orbit of 400 km',
    found: '300 km',
    fix: 'Raise the orbit',
  }
  const reasons = [newer, { ...newer, code: '__proto__' }]
  const said = { verdict: 'DENY', effect: 'blocked' }
  const report = await asked(answering({ ...changed({ ...said, reasons }), ...said }, 403))
  assert.equal(report.exit, 1)
  assert.equal(report.deployed, undefined)
  assert.equal(report.answers[0]?.decision.reasons[0]?.code, 'GATE_REASON')
})

test('what could not be told is exit 3, and nothing is deployed', async () => {
  const said = { verdict: 'UNDETERMINED', effect: 'blocked' }
  const report = await asked(answering({ ...changed(said), ...said }, 503))
  assert.equal(report.exit, 3)
  assert.equal(report.deployed, undefined)
})

test('a redirect is not followed, and nobody else sees the token', async () => {
  const seen: unknown[] = []
  const other = createServer(({ headers }, response) => {
    seen.push(headers)
    response.end()
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `http://127.0.0.1:${port}/api/v1/decisions`
    const handler: Handler = (_, response) => response.writeHead(status, { location }).end()
    await assert.rejects(asked(handler), { code: 'GATE_UNANSWERED', message: /not followed/ })
  }
  other.close()
  assert.deepEqual(seen, [])
})

const silent: Record<string, Handler> = {
  'what is no JSON': (_, response) => response.end('<html>'),
  'nothing at all': (_, response) => response.end(),
  'half an answer': (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{')
    setImmediate(() => response.socket?.destroy())
  },
  'an end of the connection': (_, response) => response.socket?.destroy(),
  'nine megabytes': (_, response) => response.end('x'.repeat(9 * 1024 * 1024)),
  'a failure': answering(
    { problems: [{ code: 'X', where: 'w', expected: 'e', found: 'f', fix: 'g' }] },
    500,
  ),
  'an expired token': answering(
    {
      problems: [
        { code: 'ACCESS_UNAUTHENTICATED', where: 'r', expected: 'e', found: 'f', fix: 'Send' },
      ],
    },
    401,
  ),
  'a forbidden role': answering(
    { problems: [{ code: 'ACCESS_FORBIDDEN', where: 'r', expected: 'e', found: 'f', fix: 'Ask' }] },
    403,
  ),
  'another address': answering({}, 404),
}
for (const [name, handler] of Object.entries(silent)) {
  test(`a server that answers with ${name} has not decided, and nothing is deployed`, async () => {
    await assert.rejects(asked(handler), { code: /GATE_UNANSWERED|GATE_ANSWER/ })
  })
}

test('a server that is not there has not decided', async () => {
  await assert.rejects(asked(answering(good), { url: 'http://127.0.0.1:1' }), {
    code: 'GATE_UNANSWERED',
  })
})

test('the token goes over TLS or stays on this machine, and cannot end the header', async () => {
  for (const url of [
    'http://gate.example',
    'ftp://localhost',
    'x',
    'https://u:p@gate.example',
    'https://gate.example/?a',
    'http://127.0.0.1.evil.example',
  ])
    await assert.rejects(asked(answering(good), { url }), { code: 'USAGE_VALUE' }, url)
  for (const token of ['', 'a\r\nx: y', 'a b', 'ü'])
    await assert.rejects(asked(answering(good), { token }), { code: 'GATE_TOKEN' })
})

test('none of these answers has run the command', () => {
  assert.equal(existsSync(ran), false)
})
