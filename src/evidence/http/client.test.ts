import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { SallyportError } from '#error'
import { reachOf } from './addresses.ts'
import { openHttp, type HttpClient, type HttpOptions, type HttpRequest } from './client.ts'

const quick = { connectMs: 1_000, idleMs: 150, totalMs: 400, redirects: 3 }
/** For what takes as long as this machine takes for it. */
const patient = { ...quick, idleMs: 60_000, totalMs: 60_000 }
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('an answer is its status, its headers and its body', async () => {
  const base = await serve((_request, response) => response.setHeader('x-a', 'b').end('body'))
  const answer = await client().send(new URL(base), request())
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-a'], 'b')
  assert.equal(Buffer.from(answer.body).toString(), 'body')
  assert.equal(answer.limit, 'loopback')
})

test('a body is bounded, whether its size is announced or not', async () => {
  const base = await serve(({ url }, response) => {
    if (url === '/announced') response.setHeader('content-length', 10_000_000_000)
    response.write('x'.repeat(url === '/announced' ? 10 : 2000))
    if (url === '/endless') setInterval(() => response.write('x'.repeat(2000)), 1).unref()
    response.on('error', () => undefined)
  })
  for (const path of ['/announced', '/endless']) {
    await fails(
      client().send(new URL(path, base), request({ maxBytes: 1500 })),
      /at most 1500 bytes/,
    )
  }
})

test('silence, dribbling and a server that never accepts end in time, and name the host', async () => {
  const base = await serve(({ url }, response) => {
    if (url === '/dribble') {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      closing.push(() => clearInterval(timer))
    }
  })
  await fails(client().send(new URL('/silent', base), request()), /silence for 150 ms/, base)
  await fails(client().send(new URL('/dribble', base), request()), /within the time given/, base)
  const aborted = AbortSignal.abort()
  await fails(client().send(new URL(base), request({ signal: aborted })), /within the time/)
})

test('a signal ends a request, and a body that is read later, and nothing is left on it', async () => {
  const base = await serve(({ url }, response) => {
    response.writeHead(200)
    if (url === '/whole') return void response.end('body')
    const timer = setInterval(() => response.write('x'), 20)
    closing.push(() => clearInterval(timer))
  })
  const controller = new AbortController()
  const { signal } = controller
  await client().send(new URL('/whole', base), request({ signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  const { content } = await client().stream(new URL('/endless', base), request({ signal }))
  assert.equal((await content?.next())?.value?.length, 1)
  const sent = client().send(new URL('/endless', base), request({ signal }))
  controller.abort()
  await fails(sent, /within the time given/)
  await assert.rejects(async () => {
    for await (const _ of content ?? []);
  }, /cut off/)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a body that nobody waits for any more is cut off, also when it has come whole', async () => {
  const base = await serve((_request, response) => response.end('body'))
  const controller = new AbortController()
  const { signal } = controller
  const { content } = await client().stream(new URL(base), request({ signal }))
  controller.abort()
  // Node lets go of it a moment later.
  await new Promise((resolve) => setImmediate(resolve))
  await fails(content?.next() ?? Promise.resolve(), /cut off/, base)
})

test('a body that is read later may take longer than the time for its head', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write('x'), 20)
    void setTimeout(600).then(() => response.end())
    closing.push(() => clearInterval(timer))
  })
  const { content } = await client().stream(new URL(base), request())
  let size = 0
  for await (const chunk of content ?? []) size += chunk.length
  assert.ok(size > 10)
})

test('whoever reads slowly is no silence of the server, whose own ends it', async () => {
  const base = await serve(({ url }, response) => {
    response.writeHead(200)
    if (url === '/large') response.end(Buffer.alloc(20_000_000))
    else response.write('x')
  })
  const large = request({ maxBytes: 20_000_000 })
  const { content } = await client().stream(new URL('/large', base), large)
  let size = 0
  for await (const chunk of content ?? []) {
    if (size === 0) await setTimeout(quick.idleMs * 2)
    size += chunk.length
  }
  assert.equal(size, 20_000_000)
  const silent = await client().stream(new URL('/silent', base), request())
  const rest = async (): Promise<void> => {
    for await (const _ of silent.content ?? []);
  }
  await fails(rest(), /silence for 150 ms/, base)
})

test('requests that wait for a connection of others leave nothing on it', async () => {
  const warnings: Error[] = []
  const listen = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', listen)
  closing.push(() => process.off('warning', listen))
  const base = await serve((_request, response) => response.end('body'))
  const one = client({ maxSockets: 1, limits: patient })
  await Promise.all(Array.from({ length: 30 }, () => one.send(new URL(base), request())))
  // Warnings come a moment later.
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warnings, [])
})

test('to wait for a connection of others is not to wait for one', async () => {
  const base = await serve(
    (_request, response) => void setTimeout(100).then(() => response.end('')),
  )
  const one = client({ maxSockets: 1, limits: { ...patient, connectMs: 50 } })
  const asked = Array.from({ length: 3 }, () => one.send(new URL(base), request()))
  assert.deepEqual(
    (await Promise.all(asked)).map(({ status }) => status),
    [200, 200, 200],
  )
})

const soon = { timeout: 10_000 }

test(
  'a connection that nobody uses is not kept for long, however many hosts a server leads to',
  soon,
  async () => {
    const closed: Promise<unknown>[] = []
    const targets = await Promise.all(
      Array.from({ length: 3 }, () =>
        serve(({ socket }, response) => {
          closed.push(once(socket, 'close'))
          response.end('body')
        }),
      ),
    )
    const base = await serve(({ url = '' }, response) =>
      response.writeHead(307, { location: targets[Number(url.slice(1))] }).end(),
    )
    const http = client({ limits: { ...quick, keptMs: 100 } })
    for (const at of targets.keys()) await http.send(new URL(`/${at}`, base), request())
    await Promise.all(closed)
    assert.equal(closed.length, 3)
  },
)

test('a server that is not there is named', async () => {
  const base = await serve(() => undefined)
  for (const close of closing.splice(0)) close()
  await fails(client().send(new URL(base), request()), /ECONNREFUSED/, base)
})

test('an answer that is cut off is no answer', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('half')
    setImmediate(() => response.socket?.destroy())
  })
  await fails(client().send(new URL(base), request()), /ECONNRESET|cut off/)
})

test('an answer without a length is not whole when its connection is reset', async () => {
  const url = await serveSockets((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () =>
        setImmediate(() => socket.resetAndDestroy()),
      ),
    )
  })
  await fails(client().send(new URL(url), request()), /ECONNRESET|cut off/, url)
  const { content } = await client().stream(new URL(url), request())
  const rest = async (): Promise<void> => {
    for await (const _ of content ?? []);
  }
  await fails(rest(), /cut off/, url)
})

test('an answer on a kept connection that is cut off is not asked for again behind its back', async () => {
  let connections = 0
  let asked = 0
  const url = await serveSockets((socket) => {
    connections += 1
    socket.on('data', () => {
      asked += 1
      if (asked !== 2) return void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () =>
        setImmediate(() => socket.resetAndDestroy()),
      )
    })
  })
  const http = client()
  await http.send(new URL(url), request())
  await fails(http.send(new URL(url), request()), /ECONNRESET|cut off/, url)
  await http.send(new URL(url), request())
  assert.deepEqual({ connections, asked }, { connections: 2, asked: 3 })
})

test('an answer in pieces of one byte takes no more memory than its bytes', async () => {
  const size = 600_000
  const url = await serveSockets((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      socket.end(`${'1\r\na\r\n'.repeat(size)}0\r\n\r\n`)
    })
  })
  const before = process.memoryUsage.rss()
  const { body } = await client({ limits: patient }).send(new URL(url), request())
  assert.equal(Buffer.from(body).toString(), 'a'.repeat(size))
  // Kept as they came they were 450 bytes each.
  assert.ok(process.memoryUsage.rss() - before < 130_000_000)
})

for (const [says, text] of Object.entries({
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'another protocol from now on':
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  'headers without end': `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`,
  'two lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  'a chunk that is none': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  'hints for ever': 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'.repeat(1000),
})) {
  test(`a server that answers with ${says} is an outage`, async () => {
    const url = await serveSockets((socket) => void socket.write(text))
    await fails(client().send(new URL(url), request()), /expected the answer/, url)
  })
}

test('a compressed answer is refused, because it was not asked for', async () => {
  const base = await serve((_request, response) =>
    response.setHeader('content-encoding', 'gzip').end('x'),
  )
  await fails(client().send(new URL(base), request()), /content-encoding/)
})

test('redirects are followed, but neither in a circle nor for ever', async () => {
  const base = await serve(({ url = '' }, response) => {
    if (url === '/end') return response.end('end')
    if (url === '/once') return response.writeHead(307, { location: '/end' }).end()
    if (url === '/circle') return response.writeHead(302, { location: '/circle#again' }).end()
    return response.writeHead(302, { location: `${url}x` }).end()
  })
  const answer = await client().send(new URL('/once', base), request())
  assert.equal(Buffer.from(answer.body).toString(), 'end')
  await fails(client().send(new URL('/circle', base), request()), /in a circle/)
  await fails(client().send(new URL('/long', base), request()), /at most 3 redirects/)
})

test('a redirect to a file, to nothing, or to a forbidden address is not followed', async () => {
  const base = await serve(({ url = '' }, response) =>
    response.writeHead(302, { location: decodeURIComponent(url.slice(1)) }).end(),
  )
  const to = (location: string) =>
    client({ plainHttp: ['169.254.169.254', '2852039166', new URL(base).host] }).send(
      new URL(`/${encodeURIComponent(location)}`, base),
      request(),
    )
  await fails(to('file:///etc/passwd'), /no http or https/)
  await fails(to('http://'), /no http or https/)
  await fails(to('http://169.254.169.254/latest/meta-data/'), /not allowed there/)
  await fails(to('http://2852039166/latest/meta-data/'), /not allowed there/)
  await fails(to('http://other.example/'), /TLS, or a host that may be spoken to without it/)
})

test('a metadata address is refused unless it is configured, even when the caller names it', async () => {
  const url = new URL('https://169.254.169.254/v2/')
  await fails(client().send(url, request()), /not allowed there/)
})

test('a public server may not lead to this machine', async () => {
  const base = await serve((_request, response) => response.end('secret'))
  await fails(client().send(new URL(base), request({ limit: 'public' })), /not allowed there/)
  const named = base.replace('127.0.0.1', 'localhost')
  await fails(client().send(new URL(named), request({ limit: 'private' })), /ADDRESS_NOT_ALLOWED/)
})

const inside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal && reachOf(one.address) !== 'forbidden')

test(
  'a server in the network may not lead to this machine, even when the caller named it',
  { skip: inside === undefined && 'this machine has no address but its own' },
  async () => {
    const target = await serve((_request, response) => response.end('secret'))
    const server = createServer((_request, response) =>
      response.writeHead(302, { location: target }).end(),
    )
    await new Promise<void>((resolve) => server.listen(0, inside?.address, resolve))
    closing.push(() => server.close())
    const host = `${inside?.address}:${(server.address() as AddressInfo).port}`
    const http = client({ plainHttp: [host, new URL(target).host] })
    await fails(
      http.send(new URL(`http://${host}`), request()),
      /not allowed there/,
      `http://${host}`,
    )
  },
)

test('credentials go to the host and port they were given for, and to no other', async () => {
  const seen: (string | undefined)[] = []
  const other = await serve(({ headers }, response) => {
    seen.push(headers.authorization)
    response.end()
  })
  const base = await serve(({ url, headers }, response) => {
    seen.push(headers.authorization)
    response.writeHead(302, { location: url === '/away' ? `${other}/x` : '/away' }).end()
  })
  await client().send(new URL(base), request({ authorization: 'Bearer secret' }))
  assert.deepEqual(seen, ['Bearer secret', 'Bearer secret', undefined])
})

test('without TLS nobody is spoken to but this machine and the hosts named', async () => {
  await fails(
    client().send(new URL('http://registry.example/v2/'), request()),
    /expected TLS/,
    'http://registry.example',
  )
  assert.equal(client().schemeOf('registry.example'), 'https:')
  assert.equal(client().schemeOf('localhost.example'), 'https:')
  assert.equal(client().schemeOf('localhost:5000'), 'http:')
  assert.equal(client({ plainHttp: [] }).schemeOf('localhost:5000'), 'https:')
  assert.equal(
    client({ plainHttp: ['registry.example:80'] }).schemeOf('registry.example:80'),
    'http:',
  )
})

function client(options: HttpOptions = {}): HttpClient {
  const http = openHttp({ limits: quick, ...options })
  closing.push(() => http.close())
  return http
}

function request(more: Partial<HttpRequest> = {}): HttpRequest {
  return { what: 'the answer', accept: '*/*', maxBytes: 1 << 20, ...more }
}

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response))
  // It closes no connection itself.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function serveSockets(handle: (socket: Socket) => void): Promise<string> {
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined)
    handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function fails(promise: Promise<unknown>, found: RegExp, base?: string): Promise<void> {
  await assert.rejects(promise, (error: SallyportError) => {
    assert.equal(error.code, 'EVIDENCE_SOURCE_UNAVAILABLE', String(error))
    assert.match(error.message, found)
    if (base !== undefined) assert.equal(error.where, new URL(base).host)
    return true
  })
}
