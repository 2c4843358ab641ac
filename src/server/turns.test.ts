import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { listen, type Handler } from './listen.ts'

async function open(t: TestContext, handler: Handler): Promise<Socket> {
  const limits = { concurrent: 100, connections: 8, requestSeconds: 10 }
  const listener = await listen({ host: '127.0.0.1', port: 0, limits, handler })
  const { hostname, port } = new URL(listener.address)
  const client = connect(Number(port), hostname)
  t.after(async () => {
    client.destroy()
    await listener.drain(0)
  })
  return client
}

const ask = (...urls: readonly (string | number)[]): string =>
  urls.map((url) => `GET /${url} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')

test('who asks many things at once gets two answers, one after the other, and is told to ask again', async (t) => {
  const asked: (string | undefined)[] = []
  let now = 0
  const client = await open(t, async ({ url }, response) => {
    asked.push(url)
    assert.equal((now += 1), 1)
    await turn()
    now -= 1
    response.end(url)
  })
  client.write(ask(0, 1, 2, 3, 4, 5))
  const [, first, second, ...more] = (await text(client)).split('HTTP/1.1 ')
  assert.match(first ?? '', /^200 .*Connection: keep-alive\r\n.*\/0$/s)
  assert.match(second ?? '', /^200 .*connection: close\r\n.*\/1$/s)
  assert.deepEqual([more, asked], [[], ['/0', '/1']])
})

test('who asks hundreds of things at once is cut off', { timeout: 30_000 }, async (t) => {
  const asked: (string | undefined)[] = []
  const client = await open(t, ({ url }) => {
    asked.push(url)
    return Promise.resolve()
  })
  client.on('error', () => undefined)
  client.write(ask(...Array.from({ length: 200 }).keys()))
  await once(client, 'close')
  assert.deepEqual(asked, ['/0'])
})

test('who has an answer whole may ask again before it has ended here', async (t) => {
  const first = ask('first')
  const client = await open(t, async ({ url, socket }, response) => {
    response.writeHead(200, { 'content-length': 6 })
    response.write('answer')
    if (url === '/first') {
      while (socket.bytesRead === first.length) await turn()
    }
    response.end()
  })
  client.write(first)
  await once(client, 'data')
  client.write(ask('second'))
  assert.match(String((await once(client, 'data'))[0]), /Connection: keep-alive\r\n.*answer$/s)
})

test('others come between two answers of a connection', async (t) => {
  const order: (string | undefined)[] = []
  const client = await open(t, ({ url }, response) => {
    setImmediate(() => order.push(`others after ${url}`))
    order.push(url)
    response.end(url)
    return Promise.resolve()
  })
  client.write(ask(0, 1, 2))
  await text(client)
  assert.deepEqual(order, ['/0', 'others after /0', '/1', 'others after /1'])
})

test('of who asks for more than is answered nothing more is read, however its answer moves on', async (t) => {
  const bytes = 64 * 1024 * 1024
  const asked = Promise.withResolvers<Socket>()
  const client = await open(t, ({ socket }, response) => {
    asked.resolve(socket)
    response.end(Buffer.alloc(bytes))
    return Promise.resolve()
  })
  const many = ask(0, 1, 2)
  client.write(many)
  const socket = await asked.promise
  client.write(ask(3))
  let taken = 0
  for await (const chunk of client as AsyncIterable<Buffer>) {
    taken += chunk.length
    if (taken > bytes / 2) break
  }
  assert.equal(socket.bytesRead, many.length)
})

test('nor while its first answer is awaited', async (t) => {
  const asked = Promise.withResolvers<Socket>()
  const client = await open(t, async ({ socket }) => {
    asked.resolve(socket)
    await once(socket, 'close')
  })
  const many = ask(0, 1, 2)
  client.write(many)
  const socket = await asked.promise
  await new Promise((resolve) => client.write(ask(3, 4, 5), resolve))
  for (let turns = 0; turns < 50; turns += 1) await turn()
  assert.equal(socket.bytesRead, many.length)
})
