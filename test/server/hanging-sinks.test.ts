// Who is to be told takes connections, and never answers.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { makeHome, startOutside, until } from './gate.ts'
import { admit, carrying, fresh, granted, offerBreakglass } from './glass.ts'

/** Listens; answers only when it is told to. */
async function startListener() {
  const heard: string[] = []
  const listener = { answers: false, asked: 0, heard }
  const server: Server = createServer((request, response) => {
    listener.asked += 1
    void text(request).then(
      (body) => {
        if (!listener.answers) return
        heard.push(body)
        response.writeHead(204).end()
      },
      () => undefined,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const close = (): void => server.close().closeAllConnections()
  return { listener, url, close }
}

test('a gate is stopped within seconds though no sink answers, and what they have not heard is told at the next start', async (t) => {
  const alarms = await startListener()
  const events = await startListener()
  t.after(() => [alarms, events].map(({ close }) => close()))
  const sink = `{name: siem, minimumSeverity: info, webhook: {url: '${events.url}'}}`
  const home = await makeHome(`alarms: {webhook: [{url: '${alarms.url}'}]}
events: {sinks: [${sink}]}
`)
  t.after(() => home.close())
  offerBreakglass(home)
  const gate = await startOutside(home)
  const digests = [fresh(), fresh()]
  const admitted = digests.map((one) => admit(gate, home.image(one), carrying(granted(one))))
  for (const { allowed } of await Promise.all(admitted)) assert.equal(allowed, true)
  const began = performance.now()
  gate.child.kill('SIGTERM')
  assert.equal(await gate.ended, 0)
  assert.ok(performance.now() - began < 8000, 'a gate waits for who does not answer')
  for (const { listener } of [alarms, events]) {
    assert.ok(listener.asked > 0)
    listener.answers = true
  }
  await startOutside(home)
  for (const { listener } of [alarms, events])
    for (const digest of digests)
      await until('heard', () => listener.heard.some((one) => one.includes(digest)))
})
