import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { requestId, type BreakglassRequest } from '#breakglass'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { fetchRequest, requestAtGate, requestsAtGate, reviewAtGate } from './at-gate.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-at-gate-'))
const artifact = join(folder, 'fix.tgz')
let status = 200
let answer: unknown
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(status).end(JSON.stringify(answer)))
})

before(async () => {
  writeFileSync(artifact, 'bytes')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const good: BreakglassRequest = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BreakglassRequest',
  artifact: { name: 'fix.tgz', sha256: sha256Hex('bytes') },
  environment: 'prod',
  service: 'shop',
  requester: 'token:dave',
  requestedOn: '2026-06-01T00:00:00Z',
  seconds: 3600,
  rules: ['policy'],
  reason: 'down',
  incident: 'INC-1',
  otherwise: { verdict: 'DENY', reasons: [] },
}
const named = (request: BreakglassRequest) => ({ id: requestId(request), request })

function place() {
  const { port } = server.address() as AddressInfo
  const gate = { url: `http://127.0.0.1:${port}`, token: { env: 'TOKEN' } } as const
  return { gate, env: { TOKEN: 'a-token' } }
}

async function codeOf(said: unknown, run: () => Promise<unknown>, code = 200): Promise<string> {
  status = code
  answer = said
  const error = await run().catch((caught: unknown) => caught)
  return error instanceof SallyportError ? `${error.code}: ${error.found}` : 'no error'
}

const ask = () =>
  requestAtGate({
    ...place(),
    artifact,
    target: { environment: 'prod', service: 'shop' },
    reason: 'down',
    incident: 'INC-1',
    forMilliseconds: 3_600_000,
    output: join(folder, 'request.json'),
    bundles: [],
  })

test('what a gate answers is the request for what was asked, under its own name, or nothing is written', async () => {
  const offer = { approvers: ['sre'], count: 1 }
  const other = { ...good, artifact: { name: 'fix.tgz', sha256: 'a'.repeat(64) } }
  const elsewhere = { ...good, environment: 'staging' }
  for (const [said, found] of [
    [{ ...named(other), ...offer }, 'a request for something else'],
    [{ ...named(elsewhere), ...offer }, 'a request for something else'],
    [{ id: 'f'.repeat(32), request: good, ...offer }, 'a request under the name of another'],
    [{ id: '../../x', request: {}, ...offer }, 'no request (the answer of the gate: '],
    [{ ...named(good), ...offer, more: 1 }, 'the answer of the gate: more: '],
    [named(good), 'the answer of the gate: approvers: '],
    ['yes', 'the answer of the gate: '],
  ] as const) {
    const code = await codeOf(said, ask)
    assert.ok(code.startsWith(`GATE_ANSWER: ${found}`), code)
  }
  assert.deepEqual(readdirSync(folder), ['fix.tgz'])
  assert.equal(await codeOf({ ...named(good), ...offer }, ask), 'no error')
  assert.deepEqual(readdirSync(folder), ['fix.tgz', 'request.json'])
})

test('a gate that does not answer as one is told so, with its status', async () => {
  const problem = { code: 'ROLE_MISSING', where: 'x', expected: 'a', found: 'b', fix: 'c' }
  const list = () => requestsAtGate(place())
  assert.equal(await codeOf({}, list, 502), 'GATE_UNANSWERED: status 502')
  assert.match(await codeOf({}, list, 302), /^GATE_UNANSWERED: status 302, a redirect/)
  assert.match(await codeOf({ problems: [problem] }, list, 403), /^GATE_REASON: b/)
  const review = () => reviewAtGate(place(), { entry: 1, finding: 'x' })
  assert.match(await codeOf({ entry: -1 }, review), /^GATE_ANSWER: /)
})

test('one request is fetched by the beginning of its name, when that is of one', async () => {
  const second = { ...good, reason: 'still down' }
  const both = { requests: [named(good), named(second)] }
  const output = join(folder, 'fetched.json')
  const fetch = (id: string) => () => fetchRequest({ ...place(), id, output })
  assert.equal(await codeOf(both, fetch('')), 'BREAKGLASS_REQUEST: 2')
  assert.equal(await codeOf(both, fetch('zz')), 'BREAKGLASS_REQUEST: none')
  assert.equal(await codeOf(both, fetch(named(second).id.slice(0, 8))), 'no error')
  assert.ok(readdirSync(folder).includes('fetched.json'))
})
