import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { PiecewiseResponse } from './piecewise-response.ts'
import { SlottedRequest } from './slots.ts'

type Answer = (response: PiecewiseResponse) => void

async function serve(t: TestContext, answer: Answer): Promise<URL> {
  const classes = { IncomingMessage: SlottedRequest, ServerResponse: PiecewiseResponse }
  const server = createServer(classes, (_, response) => answer(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const large = Buffer.alloc(40_000_000, 'what is told ')

test('a large answer comes whole, and says how long it is', async (t) => {
  const url = await serve(t, (response) => response.end(large))
  for (let again = 0; again < 2; again += 1) {
    const { headers, ...response } = await fetch(url).then(async (found) => ({
      headers: found.headers,
      bytes: Buffer.from(await found.arrayBuffer()),
    }))
    assert.equal(headers.get('content-length'), String(large.length))
    assert.ok(response.bytes.equals(large))
  }
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), String(large.length))
})

test('a large text is sent like bytes', async (t) => {
  const url = await serve(t, (response) => response.end('ä'.repeat(100_000)))
  const response = await fetch(url)
  assert.equal(response.headers.get('content-length'), '200000')
  assert.equal(await response.text(), 'ä'.repeat(100_000))
})

test('of an answer that is being taken it is known how much is left', async (t) => {
  const answered = Promise.withResolvers<PiecewiseResponse>()
  const url = await serve(t, (response) => {
    response.end(large)
    answered.resolve(response)
  })
  const socket = connect(Number(url.port), url.hostname)
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const response = await answered.promise
  const { takenAt } = response
  let taken = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    taken += chunk.length
    if (taken > large.length / 2) break
  }
  assert.ok(response.left < large.length / 2 + 100_000, String(response.left))
  assert.ok(response.takenAt > takenAt)
})
