import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
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

const waysToSend: Readonly<Record<string, Answer>> = {
  'at its end': (response) => response.end(large),
  // As an answer of the API comes.
  'before its end': (response) => {
    response.write(large)
    response.end()
  },
}

for (const [when, send] of Object.entries(waysToSend)) {
  test(`of an answer that is being taken it is known how much is left: given ${when}`, async (t) => {
    const answered = Promise.withResolvers<PiecewiseResponse>()
    const url = await serve(t, (response) => {
      send(response)
      answered.resolve(response)
    })
    const socket = ask(t, url)
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
}

test('what is written comes in its order, and each writer is told when its part is out', async (t) => {
  const told: string[] = []
  const url = await serve(t, (response) => {
    response.write('first ')
    assert.equal(
      response.write(large, () => told.push('large')),
      false,
    )
    response.write('ä', 'latin1', () => told.push('letter'))
    response.write('')
    response.end('last', () => told.push('end'))
  })
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  assert.equal(bytes.length, large.length + 11)
  assert.equal(bytes.subarray(0, 12).toString(), 'first what i')
  assert.ok(bytes.subarray(6, -5).equals(large))
  assert.equal(bytes.subarray(-5).toString('latin1'), 'älast')
  assert.deepEqual(told, ['large', 'letter', 'end'])
})

test('there is room for more when all that was written before is out', async (t) => {
  const left = Promise.withResolvers<number>()
  const url = await serve(t, (response) => {
    response.write(large)
    response.once('drain', () => {
      left.resolve(response.left)
      response.end()
    })
  })
  assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, large.length)
  assert.ok((await left.promise) < 64 * 1024)
})

test('who writes exactly some pieces is told when the last is out', async (t) => {
  const pieces = large.subarray(0, 2 * 64 * 1024)
  const url = await serve(t, (response) => {
    response.write(pieces, () => response.end('out'))
  })
  const body = Buffer.from(await (await fetch(url)).arrayBuffer())
  assert.equal(body.subarray(pieces.length).toString(), 'out')
})

test('an answer ends once, and nothing is written after its end', async (t) => {
  const url = await serve(t, (response) => {
    response.end(large)
    const { left } = response
    response.end('more')
    assert.equal(response.left, left)
    assert.throws(() => response.write('more'), TypeError)
  })
  assert.ok(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(large))
})

test('of an answer that is cut off nothing is kept', async (t) => {
  const answered = Promise.withResolvers<PiecewiseResponse>()
  const url = await serve(t, (response) => {
    response.end(large)
    answered.resolve(response)
  })
  ask(t, url)
  const response = await answered.promise
  assert.ok(response.left > 1_000_000)
  response.destroy()
  assert.ok(response.left < 1_000_000)
})

function ask(t: TestContext, url: URL): Socket {
  const socket = connect(Number(url.port), url.hostname)
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  return socket
}
