import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { breakglassStatement, predicateTypes, type Breakglass } from '#attestation'
import { parseEvent, type SecurityEvent } from '#breakglass'
import { keys, signed, trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import { keyEntry, makeKey, trustBytes } from '../../src/core/trust/testing/fixtures.ts'
import {
  call,
  makeHome,
  review,
  startInside,
  tokens,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'

const erin = makeKey()
const heard: SecurityEvent[] = []
let isDown = false
const pager = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (!isDown) heard.push(parseEvent(Buffer.concat(chunks)))
    response.writeHead(isDown ? 503 : 204).end()
  })
})
let home: GateHome
let gate: Inside

before(async () => {
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve))
  const { port } = pager.address() as AddressInfo
  home = await makeHome(`alarms: {webhook: [{url: 'http://127.0.0.1:${port}/'}]}\n`)
  const signers = {
    ...trustEntries,
    sre: { keys: [keyEntry(erin, { owner: 'erin' })], predicateTypes: [predicateTypes.breakglass] },
  }
  writeFileSync(join(home.folder, 'trust.yaml'), trustBytes(signers))
  const policy = join(home.folder, 'policies/production.yaml')
  writeFileSync(policy, `${readFileSync(policy, 'utf8')}breakglass: {approvers: [sre]}\n`)
  gate = await startInside(home)
})
after(async () => {
  await gate.stop()
  pager.closeAllConnections()
  pager.close()
  home.close()
})

const target = { environment: 'production', service: 'shop' }

function granted(digest: string, more: Partial<Breakglass> = {}, key = erin): string {
  const now = Date.now()
  const statement = breakglassStatement([{ name: 'shop', digest: { sha256: digest } }], {
    requester: 'dave',
    approver: 'erin',
    ...target,
    rules: ['require[0].allowed'],
    reason: 'checkout is down',
    incident: 'INC-17',
    notBefore: new Date(now - 60_000).toISOString(),
    expires: new Date(now + 3_600_000).toISOString(),
    ...more,
  })
  return Buffer.from(signed(statement, key).bytes).toString()
}

const fresh = (): string => randomBytes(32).toString('hex')

async function post(path: string, role: keyof typeof tokens, body: unknown) {
  const response = await call(gate.address, path, {
    method: 'post',
    headers: { authorization: `Bearer ${tokens[role]}` },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, json: JSON.parse(text) as Record<string, unknown> }
}

const ask = (digest: string) =>
  post('/api/v1/decisions', 'deployer', {
    artifact: { name: 'shop', digest: { sha256: digest } },
    target,
  })

async function admit(image: string, annotations: Record<string, string>) {
  const body = JSON.parse(review(image)) as {
    request: { object: { metadata: { annotations: Record<string, string> } } }
  }
  body.request.object.metadata.annotations = annotations
  const response = await call(gate.address, '/admission/validate?timeout=10s', {
    method: 'post',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = JSON.parse(await response.text()) as {
    response: { allowed: boolean; warnings?: string[]; status?: { message: string } }
  }
  return answer.response
}

test('a deployer asks, an approver hands in a grant, the gate lets in and rings, an auditor reviews', async () => {
  const digest = fresh()
  const asked = await post('/api/v1/breakglass/requests', 'deployer', {
    artifact: { name: 'shop', sha256: digest },
    ...target,
    rules: ['require[0].allowed'],
    reason: 'down',
    incident: 'INC-1',
  })
  const { request } = asked.json as { request: { requester: string } }
  assert.deepEqual([asked.status, request.requester], [200, 'token:deployer'])
  assert.equal((await ask(digest)).status, 403)
  const grant = granted(digest)
  const kept = await post('/api/v1/breakglass/grants', 'approver', {
    grant: JSON.parse(grant) as object,
  })
  assert.deepEqual([kept.status, kept.json['signers']], [200, ['sre']])
  // What was found a moment ago is not looked for again at once.
  await until('it is let in', async () => (await ask(digest)).status === 200)
  await until('it is heard', () => heard.some(({ artifact }) => artifact?.sha256 === digest))
  const uses = await call(gate.address, '/api/v1/breakglass/uses', {
    headers: { authorization: `Bearer ${tokens.auditor}` },
  })
  const listed = JSON.parse(await uses.text()) as {
    uses: { entry: number; requesters: string[] }[]
  }
  const entry = listed.uses[0]?.entry ?? -1
  assert.deepEqual(listed.uses[0]?.requesters, ['dave', 'token:deployer'])
  const closing = { entry, finding: 'justified' }
  assert.equal((await post('/api/v1/breakglass/reviews', 'auditor', closing)).status, 200)
  const again = await post('/api/v1/breakglass/reviews', 'auditor', closing)
  assert.match(JSON.stringify(again.json), /BREAKGLASS_REVIEW/)
})

test('the annotation alone lets a pod in, with a warning that names grant and deadline', async () => {
  const digest = fresh()
  const image = home.image(digest)
  assert.equal((await admit(image, {})).allowed, false)
  const value = Buffer.from(granted(digest)).toString('base64')
  const { allowed, warnings = [] } = await admit(image, { 'sallyport.dev/breakglass': value })
  assert.equal(allowed, true)
  assert.match(warnings.join(), /BREAKGLASS by erin until .*; review before .*; grant [0-9a-f]{12}/)
  await until('it is heard', () => heard.some(({ artifact }) => artifact?.sha256 === digest))
})

test('an annotation for other bytes, of a stranger, or of anything at all opens nothing', async () => {
  const digest = fresh()
  const image = home.image(digest)
  for (const [value, code] of [
    [granted(fresh()), /BREAKGLASS_OTHER_ARTIFACT|APPROVAL_MISSING/],
    [granted(digest, {}, keys.stranger), /SIGNATURE_UNKNOWN_KEY|APPROVAL_MISSING/],
    ['true', /./],
    ['{"breakglass": true}', /./],
    ['x'.repeat(200_000), /./],
  ] as const) {
    const { allowed, status } = await admit(image, { 'sallyport.dev/breakglass': value })
    assert.equal(allowed, false)
    assert.match(status?.message ?? '', code)
  }
})

test('grants of nobody, and what is no grant, are not kept', async () => {
  for (const grant of [
    granted(fresh(), {}, keys.stranger),
    '{}',
    Buffer.from(home.approve()).toString(),
    granted(fresh()).slice(0, 50),
  ]) {
    const { status } = await post('/api/v1/breakglass/grants', 'approver', { grant })
    assert.ok(status >= 400 && status < 500, String(status))
  }
})

test('with the pager down the gate still answers, says so in its metrics, and rings when it is back', async () => {
  isDown = true
  const digest = fresh()
  const value = granted(digest)
  const { allowed } = await admit(home.image(digest), { 'sallyport.dev/breakglass': value })
  assert.equal(allowed, true)
  const pending = async (): Promise<number> => {
    const response = await call(gate.address, '/metrics', {
      headers: { authorization: `Bearer ${tokens.viewer}` },
    })
    return Number(/^sallyport_alarms_pending (\d+)$/m.exec(await response.text())?.[1])
  }
  await until('it waits', async () => (await pending()) > 0)
  isDown = false
  await until('nothing waits', async () => (await pending()) === 0)
  assert.ok(heard.some(({ artifact }) => artifact?.sha256 === digest))
})

test('nobody alone takes the place of all who may ask in an emergency', async () => {
  const asking = (sha256: string) =>
    post('/api/v1/breakglass/requests', 'deployer', {
      artifact: { name: 'shop', sha256 },
      ...target,
      rules: ['require[0].allowed'],
      reason: 'again and again',
      incident: 'INC-2',
    })
  let answer = await asking(fresh())
  for (let count = 1; answer.status === 200; count += 1) {
    assert.ok(count < 110, 'there is a bound')
    answer = await asking(fresh())
  }
  const told = JSON.stringify(answer.json)
  assert.match(told, /BREAKGLASS_REQUEST/)
  assert.match(told, /fewer than 100 of .*token:deployer/)
  assert.match(told, /send the file of `sallyport breakglass request` to an approver yourself/)
})
