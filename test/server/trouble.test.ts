import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { admission, makeHome, review, startInside } from './gate.ts'

test('a registry that takes connections and never answers: every answer is in time, and none is yes', async (t) => {
  const hole = createServer((socket) => socket.unref().resume())
  hole.listen(0, '127.0.0.1')
  await once(hole, 'listening')
  hole.unref()
  const host = `127.0.0.1:${(hole.address() as AddressInfo).port}`
  const home = await makeHome()
  t.after(() => home.close())
  const gate = await startInside(home, undefined, (config) => ({
    ...config,
    evidence: {
      ...config.evidence,
      registries: { ...config.evidence.registries, allow: [host] },
    },
  }))
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
  const home = await makeHome('serve: {port: 0, limits: {concurrent: 16}}\n')
  t.after(() => home.close())
  const gate = await startInside(home)
  t.after(() => gate.stop())
  const body = review(home.image(home.approve()))
  await admission(gate.address, body)
  const asked = Array.from({ length: 160 }, async () => {
    const began = performance.now()
    const { status, allowed, text } = await admission(gate.address, body)
    return { status, allowed, text, ms: performance.now() - began }
  })
  const answers = await Promise.all(asked)
  const honest = answers.filter(({ status }) => status === 200)
  const shed = answers.filter(({ status }) => status === 503)
  assert.equal(honest.length + shed.length, 160)
  assert.ok(
    honest.length >= 16 && shed.length > 0,
    `${honest.length} answered, ${shed.length} shed`,
  )
  for (const { allowed, ms } of honest) assert.ok(allowed === true && ms < 9750)
  for (const { text } of shed) assert.match(text, /SERVER_BUSY/)
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
  const slow = createHttpServer((_, response) => {
    setTimeout(() => response.writeHead(404).end(), 700).unref()
  })
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  t.after(() => slow.close().closeAllConnections())
  const host = `127.0.0.1:${(slow.address() as AddressInfo).port}`
  const home = await makeHome()
  t.after(() => home.close())
  const gate = await startInside(home, undefined, (config) => ({
    ...config,
    evidence: {
      ...config.evidence,
      registries: { ...config.evidence.registries, allow: [host] },
    },
  }))
  t.after(() => gate.stop())
  const body = review(`${host}/shop@sha256:${home.approve()}`)
  const hurry = admission(gate.address, body, '/admission/validate?timeout=1s')
  const patient = admission(gate.address, body, '/admission/validate?timeout=10s')
  const [first, second] = await Promise.all([hurry, patient])
  assert.match(first.text, /"code":503/)
  assert.equal(second.allowed, true, second.text)
})
