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
import {
  fetchRequest,
  grantAtGate,
  requestAtGate,
  requestsAtGate,
  reviewAtGate,
} from './at-gate.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-at-gate-'))
const artifact = join(folder, 'fix.tgz')
let status = 200
let answer: unknown
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    if (status === 101) response.socket?.end(head)
    else response.writeHead(status).end(JSON.stringify(answer))
  })
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

const askFor = (rules?: readonly string[]) => () =>
  requestAtGate({
    ...(rules === undefined ? {} : { rules }),
    ...place(),
    artifact,
    target: { environment: 'prod', service: 'shop' },
    reason: 'down',
    incident: 'INC-1',
    forMilliseconds: 3_600_000,
    output: join(folder, 'request.json'),
    bundles: [],
  })
const ask = askFor()

test('what a gate answers is the request for what was asked, under its own name, or nothing is written', async () => {
  const offer = { approvers: ['sre'], count: 1 }
  const other = { ...good, artifact: { name: 'fix.tgz', sha256: 'a'.repeat(64) } }
  const elsewhere = { ...good, environment: 'staging' }
  const changes: readonly Partial<BreakglassRequest>[] = [
    { reason: 'it is fine' },
    { incident: 'INC-2' },
    { seconds: 604_800 },
    { rules: ['policy', 'exemptions'] },
  ]
  for (const change of changes) {
    const code = await codeOf({ ...named({ ...good, ...change }), ...offer }, askFor(['policy']))
    assert.equal(code, 'GATE_ANSWER: a request for something else', JSON.stringify(change))
  }
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
  // Nobody is asked for what could not be written down.
  assert.equal(await codeOf('never read', ask), 'FILE_UNWRITABLE: EEXIST')
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

test('a gate that keeps a grant for something else has not kept it, and one that talks otherwise has not answered', async () => {
  const grant = () => grantAtGate(place(), Buffer.from('{}'), 'a'.repeat(64))
  const kept = { digest: 'b'.repeat(64), signers: ['sre'], artifact: 'a'.repeat(64) }
  assert.equal(await codeOf(kept, grant), 'no error')
  const other = { ...kept, artifact: 'c'.repeat(64) }
  assert.equal(await codeOf(other, grant), 'GATE_ANSWER: a grant for something else')
  assert.match(await codeOf({ ...kept, digest: '\u001b[31m' }, grant), /^GATE_ANSWER: /)
  assert.match(
    await codeOf({ requests: Array(1001).fill(0) }, () => requestsAtGate(place())),
    /^GATE_ANSWER/,
  )
  assert.equal(await codeOf('', () => requestsAtGate(place()), 101), 'GATE_UNANSWERED: status 101')
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
