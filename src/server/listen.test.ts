import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, test } from 'node:test'
import { readBody } from './body.ts'
import { listen, type Handler, type Listener, type ListenLimits } from './listen.ts'

const limits: ListenLimits = { concurrent: 2, connections: 8, requestSeconds: 1 }
let listener: Listener | undefined
afterEach(async () => {
  await listener?.drain(0)
  listener = undefined
})

async function serve(handler: Handler, more: Partial<ListenLimits> = {}): Promise<URL> {
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    limits: { ...limits, ...more },
    handler,
  })
  return new URL(listener.address)
}

const echo: Handler = async (request, response) => {
  const body = await readBody(request, 1000)
  response.end(body)
}

async function send(url: URL, raw: string): Promise<string> {
  const socket: Socket = connect(Number(url.port), url.hostname)
  socket.write(raw)
  return text(socket).catch(() => '')
}

async function untilInFlight(count: number): Promise<void> {
  const here = listener
  if (here === undefined) throw new Error('nothing listens')
  for (;;) {
    if (here.inFlight >= count) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a request is answered', async () => {
  const url = await serve(echo)
  const response = await fetch(url, { method: 'POST', body: 'hello' })
  assert.equal(await response.text(), 'hello')
})

test('a body that is too large is refused, announced or not', async () => {
  const url = await serve(echo)
  const announced = await fetch(url, { method: 'POST', body: 'x'.repeat(2000) })
  assert.equal(announced.status, 413)
  const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  assert.match(
    await send(url, `${head}${chunk}${chunk}0\r\n\r\n`),
    /^HTTP\/1\.1 413 .*REQUEST_TOO_LARGE/s,
  )
})

test('who is refused for the size of a body, and breaks off, ends nothing', async () => {
  const url = await serve(echo)
  for (let round = 0; round < 20; round += 1) {
    const socket = connect(Number(url.port), url.hostname)
    socket.on('error', () => undefined)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    socket.write(`7d0\r\n${'x'.repeat(2000)}\r\n`, () => socket.resetAndDestroy())
    await once(socket, 'close')
  }
  const response = await fetch(url, { method: 'POST', body: 'hello' })
  assert.equal(await response.text(), 'hello')
})

test('who is slow with headers or body is cut off', async () => {
  const url = await serve(echo)
  const slow = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'
  assert.match(await send(url, slow), /^(?:HTTP\/1\.1 408 .*)?$/s)
})

test('requests that could be read in two ways are refused', async () => {
  const url = await serve(echo)
  const both =
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  const twice = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'
  const noHost = 'GET / HTTP/1.1\r\n\r\n'
  for (const raw of [both, twice, noHost]) assert.match(await send(url, raw), /^HTTP\/1\.1 400 /)
})

test('more requests than can be answered at once are told to come back, and the others are answered', async () => {
  const gate = Promise.withResolvers<void>()
  const url = await serve(async (_, response) => {
    await gate.promise
    response.end('done')
  })
  const running = [fetch(url), fetch(url)]
  await untilInFlight(2)
  const third = await fetch(url)
  assert.equal(third.status, 503)
  assert.equal(third.headers.get('retry-after'), '1')
  assert.match(await third.text(), /SERVER_BUSY/)
  gate.resolve()
  for (const response of await Promise.all(running)) assert.equal(await response.text(), 'done')
})

test('draining answers what is there, and takes nothing new', async () => {
  const gate = Promise.withResolvers<void>()
  const url = await serve(async (_, response) => {
    await gate.promise
    response.end('done')
  })
  const running = fetch(url)
  await untilInFlight(1)
  const drained = listener?.drain(5)
  await assert.rejects(fetch(url))
  gate.resolve()
  assert.equal(await (await running).text(), 'done')
  await drained
})

test('an error that was not foreseen tells nothing of itself', async () => {
  const url = await serve(() => Promise.reject(new Error('password=hunter2')))
  const response = await fetch(url)
  const body = await response.text()
  assert.equal(response.status, 500)
  assert.match(body, /SERVER_INTERNAL/)
  assert.doesNotMatch(body, /hunter2/)
})

test('an address that is taken is a problem, not a crash', async () => {
  const url = await serve(echo)
  const again = listen({ host: '127.0.0.1', port: Number(url.port), limits, handler: echo })
  await assert.rejects(again, { code: 'SERVER_LISTEN', found: /^another program/ })
})

const largeBytes = 64 * 1024 * 1024

/** Answers with more than the buffers of a connection hold; tells how many answers were cut off. */
function openLarge(): { readonly handler: Handler; readonly cut: () => Promise<void> } {
  const first = Promise.withResolvers<void>()
  const handler: Handler = (_, response) => {
    response.once('close', () => {
      if (!response.writableFinished) first.resolve()
    })
    response.end(Buffer.alloc(largeBytes))
    return Promise.resolve()
  }
  return { handler, cut: () => first.promise }
}

function askAndTakeNothing(url: URL): void {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.unref()
}

test('who does not take its answer is cut off after a while', async () => {
  const { handler, cut } = openLarge()
  askAndTakeNothing(await serve(handler, { takeSeconds: 0.2 }))
  await cut()
})

test('answers that nobody takes fill no memory: beyond a bound they are cut off, and others are answered', async () => {
  const { handler, cut } = openLarge()
  const url = await serve(handler, { takeSeconds: 600, untakenBytes: largeBytes * 1.5 })
  askAndTakeNothing(url)
  await untilInFlight(0)
  const response = await fetch(new URL(url))
  assert.equal((await response.arrayBuffer()).byteLength, largeBytes)
  for (let count = 0; count < 3; count += 1) askAndTakeNothing(url)
  await cut()
})

test('of one address so many connections are held and no more, and those of others beside them', async () => {
  const url = await serve(echo, { perAddress: 2 })
  const from = (localAddress: string): Socket =>
    connect({ port: Number(url.port), host: url.hostname, localAddress }).on('error', () => {})
  const isAnswered = async (socket: Socket): Promise<boolean> => {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    return await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ])
  }
  const [first, second] = [from('127.0.0.1'), from('127.0.0.1')]
  assert.deepEqual([await isAnswered(first), await isAnswered(second)], [true, true])
  assert.equal(await isAnswered(from('127.0.0.1')), false)
  assert.equal(await isAnswered(from('127.0.0.2')), true)
  first.end()
  await once(first, 'close')
  for (;;) if (await isAnswered(from('127.0.0.1'))) break
  second.destroy()
})
