import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Config } from '#config'
import { admission, makeHome, review, startInside } from './gate.ts'

test('a registry that takes connections and never answers: every answer is in time, and none is yes', async (t) => {
  const hole = createServer((socket) => socket.unref().resume())
  hole.listen(0, '127.0.0.1')
  await once(hole, 'listening')
  hole.unref()
  const host = `127.0.0.1:${(hole.address() as AddressInfo).port}`
  const home = await makeHome()
  t.after(() => home.close())
  const gate = await startInside(home, undefined, allowing(host))
  t.after(() => gate.stop())
  const began = performance.now()
  const asked = Array.from({ length: 20 }, (_, at) => {
    const digest = at.toString(16).padStart(64, '0')
    const body = review(`${host}/shop@sha256:${digest}`)
    return admission(gate.address, body, '/admission/validate?timeout=2s')
  })
  for (const { status, allowed, text } of await Promise.all(asked)) {
    assert.equal(status, 200, text)
    assert.equal(allowed, false)
    assert.match(text, /"code":503/)
  }
  assert.ok(performance.now() - began < 4000, 'later than the API server waits')
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
  t.after(() => home.close())
  const gate = await startInside(home, undefined, allowing(host))
  t.after(() => gate.stop())
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
  t.after(() => home.close())
  let clock = new Date()
  const gate = await startInside(home, () => clock)
  t.after(() => gate.stop())
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

test('who is in a hurry does not end the looking that others wait for', async (t) => {
  const { host, close } = await startRegistry((answer) => setTimeout(answer, 700).unref())
  t.after(close)
  const home = await makeHome()
  t.after(() => home.close())
  const gate = await startInside(home, undefined, allowing(host))
  t.after(() => gate.stop())
  const body = review(`${host}/shop@sha256:${home.approve()}`)
  const hurry = admission(gate.address, body, '/admission/validate?timeout=1s')
  const patient = admission(gate.address, body, '/admission/validate?timeout=10s')
  const [first, second] = await Promise.all([hurry, patient])
  assert.match(first.text, /"code":503/)
  assert.equal(second.allowed, true, second.text)
})

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

function allowing(host: string): (config: Config) => Config {
  return (config) => {
    const registries = { ...config.evidence.registries, allow: [host] }
    return { ...config, evidence: { ...config.evidence, registries } }
  }
}
