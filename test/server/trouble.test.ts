import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Config } from '#config'
import { approval, keys, signed, trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import { trustBytes } from '../../src/core/trust/testing/fixtures.ts'
import { admission, call, makeHome, review, startInside, until } from './gate.ts'

test('a registry that takes connections and never answers: every answer is in time, and none is yes', async (t) => {
  const hole = createServer((socket) => socket.unref().resume())
  hole.listen(0, '127.0.0.1')
  await once(hole, 'listening')
  hole.unref()
  const host = `127.0.0.1:${(hole.address() as AddressInfo).port}`
  const home = await makeHome()
  const folder = join(home.dir, 'attestations')
  const gate = await startInside(home, undefined, (config) => {
    const allowed = allowing(host)(config)
    return { ...allowed, evidence: { ...allowed.evidence, directories: [folder] } }
  })
  t.after(() => home.close())
  const began = performance.now()
  const asked = Array.from({ length: 20 }, (_, at) => {
    const digest = at.toString(16).padStart(64, '0')
    const body = review(`${host}/shop@sha256:${digest}`)
    return admission(gate.address, body, '/admission/validate?timeout=2s')
  })
  const answers = await Promise.all(asked)
  for (const { status, allowed, text } of answers) {
    assert.equal(status, 200, text)
    assert.equal(allowed, false)
    assert.match(text, /"code":503/)
  }
  const named = new RegExp(`fix: +Make ..${host}/shop@.* reachable again`)
  assert.ok(
    answers.some(({ text }) => named.test(text)),
    answers[0]?.text,
  )
  assert.ok(performance.now() - began < 4000, 'later than the API server waits')
  const vouched = await admission(gate.address, carrying(host), '/admission/validate?timeout=2s')
  assert.equal(vouched.allowed, true, 'what comes with the pod needs no registry')
  const { sha256, bytes } = approved()
  mkdirSync(folder)
  writeFileSync(join(folder, `${sha256}.json`), bytes)
  const body = review(`${host}/shop@sha256:${sha256}`)
  const here = await admission(gate.address, body, '/admission/validate?timeout=2s')
  assert.equal(here.allowed, true, 'neither does what lies here')
})

test('a tag that cannot be resolved: a registry that is not allowed, one without the tag, and one that is down are told apart', async (t) => {
  const down = createHttpServer((_, response) => response.writeHead(503).end())
  down.listen(0, '127.0.0.1')
  await once(down, 'listening')
  t.after(() => down.close())
  const broken = `127.0.0.1:${(down.address() as AddressInfo).port}`
  const home = await makeHome()
  t.after(() => home.close())
  appendFileSync(join(home.folder, 'policies/production.yaml'), 'mode: audit\n')
  const gate = await startInside(home, undefined, allowing(home.registry, broken))
  const refused = async (image: string): Promise<string> => {
    const { allowed, text } = await admission(gate.address, review(image))
    assert.equal(allowed, false)
    return text
  }
  const other = await refused('other.example/shop:1')
  assert.match(other, /"code":403.*"other\.example\\" to evidence\.registries\.allow/)
  assert.match(await refused(`${home.registry}/shop:1`), /"code":403.*has no such tag/)
  assert.match(await refused(`${broken}/shop:1`), /"code":503.*EVIDENCE_SOURCE_UNAVAILABLE.*503/)
})

test('ten times more than it takes: the rest is told at once to come back, and who is taken in is answered in time', async (t) => {
  const [takes, asks] = [16, 160]
  let shed = 0
  // Its answer is what those who are taken in wait for, until all others have theirs.
  const { host, close } = await startRegistry((answer) => {
    const rest = setInterval(() => {
      if (shed < asks - takes) return
      clearInterval(rest)
      answer()
    }, 5).unref()
  })
  t.after(close)
  const home = await makeHome(`serve: {port: 0, limits: {concurrent: ${takes}}}\n`)
  const gate = await startInside(home, undefined, allowing(host))
  t.after(() => home.close())
  const body = review(`${host}/shop@sha256:${home.approve()}`)
  const asked = Array.from({ length: asks }, async () => {
    const began = performance.now()
    const { status, allowed, text } = await admission(gate.address, body)
    const ms = performance.now() - began
    if (status === 200) return assert.ok(allowed === true && ms < 9750, `${ms} ms: ${text}`)
    assert.equal(status, 503, text)
    assert.match(text, /SERVER_BUSY/)
    shed += 1
  })
  await Promise.all(asked)
  assert.equal(shed, asks - takes)
  assert.equal((await admission(gate.address, body)).allowed, true)
})

test('a clock that jumps forth and back lets nothing in that was not allowed, and loses nothing', async (t) => {
  const home = await makeHome()
  let clock = new Date()
  const gate = await startInside(home, () => clock)
  t.after(() => home.close())
  const good = review(home.image(home.approve()))
  const bad = review(home.image('ef'.repeat(32)))
  const entries: (number | undefined)[] = []
  for (const days of [0, 400, -400, 0, 3, -3]) {
    clock = new Date(Date.now() + days * 86_400_000)
    const yes = await admission(gate.address, good)
    const no = await admission(gate.address, bad)
    assert.equal(no.allowed, false)
    entries.push(yes.entry, no.entry)
  }
  assert.deepEqual(
    entries,
    Array.from({ length: 12 }, (_, at) => at),
  )
})

const day = 86_400_000

/** A gate whose trust file expires a day from now, with a clock that the test turns. */
async function expiring(t: TestContext) {
  const home = await makeHome()
  const now = { at: new Date() }
  const renew = (days: number): void => {
    const file = JSON.parse(Buffer.from(trustBytes(trustEntries)).toString()) as {
      readonly metadata: object
    }
    const expires = new Date(now.at.getTime() + days * day).toISOString()
    const metadata = { ...file.metadata, expires }
    writeFileSync(join(home.folder, 'trust.yaml'), JSON.stringify({ ...file, metadata }))
  }
  renew(1)
  const body = review(home.image(home.approve()))
  t.after(() => home.close())
  const start = async () => {
    const gate = await startInside(home, () => now.at)
    const ask = () => admission(gate.address, body)
    return { gate, ask }
  }
  return { now, renew, start }
}

async function assertExpired({
  gate,
  ask,
}: Awaited<ReturnType<Awaited<ReturnType<typeof expiring>>['start']>>) {
  const { status, allowed, message, text, entry } = await ask()
  assert.deepEqual([status, allowed], [200, false], text)
  assert.match(message, /TRUST_EXPIRED: .*expired at .*fix: +Have "platform-security" check who/s)
  assert.ok(entry !== undefined, 'that it could not tell is recorded')
  assert.equal((await call(gate.address, '/healthz')).status, 200)
  const question = {
    artifact: { name: 'shop', digest: { sha256: 'ab'.repeat(32) } },
    target: { environment: 'production', service: 'shop' },
  }
  const decided = await call(gate.address, '/api/v1/decisions', {
    as: 'deployer',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question),
  })
  assert.equal(decided.status, 503)
  assert.match(await decided.text(), /"UNDETERMINED".*TRUST_EXPIRED/s)
}

test('a trust file that expires while the gate runs ends every yes, and nothing else; a renewed one is enough', async (t) => {
  const { now, renew, start } = await expiring(t)
  const running = await start()
  assert.equal((await running.ask()).allowed, true)
  now.at = new Date(now.at.getTime() + 2 * day)
  await assertExpired(running)
  renew(30)
  await until('the renewed file', async () => (await running.ask()).allowed === true)
})

test('a gate starts with a trust file that has expired, and answers as soon as it is renewed', async (t) => {
  const { now, renew, start } = await expiring(t)
  now.at = new Date(now.at.getTime() + 2 * day)
  const running = await start()
  await assertExpired(running)
  renew(30)
  await until('the renewed file', async () => (await running.ask()).allowed === true)
})

test('evidence that is nonsense lets nobody in, and ends nothing', async (t) => {
  const good = (digest: string): Uint8Array =>
    signed(approval('production', { sha256: digest }), keys.alice).bytes
  const text = (digest: string): string => Buffer.from(good(digest)).toString()
  type Bytes = (digest: string) => string | Uint8Array
  const nonsense: Readonly<Record<string, readonly [bytes: Bytes, code: RegExp]>> = {
    nothing: [() => '', /APPROVAL_MISSING/],
    'half a bundle': [(digest) => text(digest).slice(0, -40), /DOCUMENT_SYNTAX/],
    'a list': [(digest) => `[${text(digest)}]`, /ATTESTATION_UNRECOGNISED/],
    null: [() => 'null', /ATTESTATION_UNRECOGNISED/],
    'a page': [() => '<html><title>200 OK</title></html>', /EVIDENCE_UNAVAILABLE/],
    // One line, and nothing that could begin a document.
    'random bytes': [
      () => Buffer.from([0xff, ...randomBytes(4096).filter((byte) => byte !== 0x0a)]),
      /ATTESTATION_UNRECOGNISED/,
    ],
    'a deep one': [() => '['.repeat(100_000), /ATTESTATION_UNRECOGNISED/],
    'a member twice': [
      (digest) => text(digest).replace('{', '{"mediaType":"x",'),
      /DOCUMENT_DUPLICATE_KEY/,
    ],
    'another payload': [
      (digest) => text(digest).replace('"payload":"eyJ', '"payload":"eyK'),
      /SIGNATURE_INVALID/,
    ],
    'no signature': [
      (digest) => text(digest).replace(/"signatures":\[[^\]]*\]/, '"signatures":[]'),
      /ATTESTATION_FIELD/,
    ],
  }
  const stored = new Map<string, string | Uint8Array>()
  const store = createHttpServer(({ url = '' }, response) => {
    const bytes = stored.get(url.replace(/^\/sha256\//, ''))
    if (bytes === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(bytes)
  })
  store.listen(0, '127.0.0.1')
  await once(store, 'listening')
  t.after(() => store.close().closeAllConnections())
  const home = await makeHome()
  const stores = [`http://127.0.0.1:${(store.address() as AddressInfo).port}`]
  const gate = await startInside(home, undefined, (config) => ({
    ...config,
    evidence: { ...config.evidence, stores },
  }))
  t.after(() => home.close())
  const ask = (bytesOf: Bytes) => {
    const digest = randomBytes(32).toString('hex')
    stored.set(digest, bytesOf(digest))
    return admission(gate.address, review(home.image(digest)))
  }
  for (const [name, [bytesOf, code]] of Object.entries(nonsense)) {
    const { status, allowed, message, entry } = await ask(bytesOf)
    assert.deepEqual([status, allowed], [200, false], name)
    assert.match(message, code, name)
    assert.match(message, /fix: /, name)
    assert.ok(entry !== undefined, name)
  }
  assert.equal((await ask(good)).allowed, true)
})

test('who is in a hurry does not end the looking that others wait for', async (t) => {
  const { host, close } = await startRegistry((answer) => setTimeout(answer, 700).unref())
  t.after(close)
  const home = await makeHome()
  const gate = await startInside(home, undefined, allowing(host))
  t.after(() => home.close())
  const body = review(`${host}/shop@sha256:${home.approve()}`)
  const hurry = admission(gate.address, body, '/admission/validate?timeout=1s')
  const patient = admission(gate.address, body, '/admission/validate?timeout=10s')
  const [first, second] = await Promise.all([hurry, patient])
  assert.match(first.text, /"code":503/)
  assert.equal(second.allowed, true, second.text)
})

test('a deadline of whoever asks is no outage: it lets nothing in where outages do, and what needs no registry all the same', async (t) => {
  const { host, close } = await startRegistry((answer) => setTimeout(answer, 700).unref())
  t.after(close)
  const home = await makeHome()
  t.after(() => home.close())
  appendFileSync(join(home.folder, 'policies/production.yaml'), 'whenUnavailable: allow\n')
  const gate = await startInside(home, undefined, allowing(host))
  const hurry = (body: string) => admission(gate.address, body, '/admission/validate?timeout=1s')
  const bad = review(`${host}/shop@sha256:${'0'.repeat(64)}`)
  for (const body of [bad, bad.replace('"uid"', '"dryRun":true,"uid"')]) {
    const { allowed, text } = await hurry(body)
    assert.equal(allowed, false, text)
    assert.match(
      text,
      /"code":503.*denied: spec\.containers\[0\]\.image.*ADMISSION_TIMEOUT.*fix: .*with more time/,
    )
  }
  const vouched = await hurry(carrying(host))
  assert.equal(vouched.allowed, true, vouched.text)
  const listed = await call(gate.address, '/api/v1/decisions', { as: 'auditor' })
  assert.doesNotMatch(await listed.text(), /admitted-unavailable/)
})

test('a registry that is silent for as long as Gatekeeper waits is no outage, and is told', async (t) => {
  const hole = createServer((socket) => socket.unref().resume())
  hole.listen(0, '127.0.0.1')
  await once(hole, 'listening')
  t.after(() => hole.close())
  const host = `127.0.0.1:${(hole.address() as AddressInfo).port}`
  const home = await makeHome()
  t.after(() => home.close())
  const policy = join(home.folder, 'policies/production.yaml')
  const gate = await startInside(home, undefined, allowing(host))
  const ask = async () => {
    const request = {
      keys: [`production|shop|${host}/shop@sha256:${randomBytes(32).toString('hex')}`],
    }
    const kind = { apiVersion: 'externaldata.gatekeeper.sh/v1beta1', kind: 'ProviderRequest' }
    const body = JSON.stringify({ ...kind, request })
    const options = { method: 'POST', as: 'deployer', body } as const
    const answer = await call(gate.address, '/gatekeeper/v1/validate', options)
    return JSON.stringify(await answer.json())
  }
  assert.match(await ask(), new RegExp(`"items":\\[{"key".*"error":.*${host}.* reachable again`))
  appendFileSync(policy, 'whenUnavailable: allow\n')
  await until('it is told', async () =>
    /"items":\[\],"systemError":"ADMISSION_TIMEOUT .*found 1\.3 s.*fix: Ask again: /.test(
      await ask(),
    ),
  )
})

function approved() {
  const sha256 = randomBytes(32).toString('hex')
  return { sha256, bytes: signed(approval('production', { sha256 }), keys.alice).bytes }
}

/** A pod with an image of this registry, and in an annotation the approval of it. */
function carrying(host: string): string {
  const { sha256, bytes } = approved()
  const asked = JSON.parse(review(`${host}/shop@sha256:${sha256}`)) as {
    request: { object: { metadata: { annotations: Record<string, string> } } }
  }
  asked.request.object.metadata.annotations['sallyport.dev/evidence'] =
    Buffer.from(bytes).toString()
  return JSON.stringify(asked)
}

/** A registry without images, which answers when `answer` is called. */
async function startRegistry(
  asked: (answer: () => void) => void,
): Promise<{ host: string; close: () => void }> {
  const server = createHttpServer((_, response) => asked(() => response.writeHead(404).end()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close().closeAllConnections(),
  }
}

function allowing(...allow: string[]): (config: Config) => Config {
  return (config) => {
    const registries = { ...config.evidence.registries, allow }
    return { ...config, evidence: { ...config.evidence, registries } }
  }
}
