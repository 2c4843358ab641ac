import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttp, type IncomingHttpHeaders } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { encodeEvent, makeEvent, messageOf, parseEvent, type SecurityEvent } from '#breakglass'
import { selfSigned } from '../testing/certificate.ts'
import { mailServer } from '../testing/mail-server.ts'
import type { Sink } from '../sink.ts'
import { smtpSink } from './smtp.ts'
import { syslogSink } from './syslog.ts'
import { webhookSink } from './webhook.ts'

const event: SecurityEvent = makeEvent('entry 3', {
  time: '2026-06-01T12:00:00.000Z',
  type: 'breakglass-used',
  severity: 'critical',
  origin: 'log.example',
  summary: 'BREAKGLASS: shop\r\nBcc: everybody@example.com\r\n.\r\nübel\n<14>1 - - - - - -',
  entry: 3,
})
const message = messageOf(event)
const clock = (): Date => new Date('2026-06-01T12:00:01Z')
const timeoutMs = 5_000

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

interface Posted {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function listening(status: number, headers: Record<string, string> = {}) {
  const posted: Posted[] = []
  const server = createHttp((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      posted.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(status, headers).end('a body that nobody reads')
    })
  })
  const url = `http://127.0.0.1:${await portOf(server)}/hook`
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url, posted, [Symbol.dispose]: close }
}

test('a webhook gets the event as JSON, and a signature that a replay at another time does not have', async () => {
  using server = await listening(204)
  const secret = Buffer.from('a shared secret')
  const sink = webhookSink({
    url: server.url,
    format: 'json',
    clock,
    secret: () => Promise.resolve(secret),
  })
  await sink.send([message], { timeoutMs })
  const [{ headers, body }] = server.posted as [Posted]
  assert.deepEqual(parseEvent(Buffer.from(body)), event)
  const seconds = clock().getTime() / 1000
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  assert.equal(headers['sallyport-signature'], `t=${seconds},v1=${mac}`)
  assert.equal(headers['sallyport-delivery'], event.id)
  assert.ok(!sink.name.includes('secret'))
})

test('the name of a webhook tells it from others, and not the path that lets anybody in', () => {
  const nameOf = (url: string) => webhookSink({ url, format: 'json', clock }).name
  const name = nameOf('https://user:secret@hooks.example/services/T0/SECRET?key=SECRET')
  assert.match(name, /^webhook https:\/\/hooks\.example [0-9a-f]{8}$/)
  assert.notEqual(nameOf('https://hooks.example/a'), nameOf('https://hooks.example/b'))
})

test(
  'a webhook that does not say 2xx has not heard it; redirects lead nowhere',
  { timeout: 20_000 },
  async () => {
    using elsewhere = await listening(200)
    for (const [status, headers] of [
      [500, {}],
      [404, {}],
      [307, { location: elsewhere.url }],
    ] as const) {
      using server = await listening(status, headers)
      await assert.rejects(
        webhookSink({ url: server.url, format: 'json', clock }).send([message], { timeoutMs }),
      )
    }
    assert.equal(elsewhere.posted.length, 0)
    const head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    for (const says of [undefined, head]) {
      using silent = await silentServer(says)
      const url = `http://127.0.0.1:${silent.port}/`
      await assert.rejects(
        webhookSink({ url, format: 'json', clock }).send([message], { timeoutMs: 50 }),
      )
    }
  },
)

async function silentServer(says?: string) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    if (says !== undefined) socket.once('data', () => socket.write(says))
  })
  const port = await portOf(server)
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, [Symbol.dispose]: close }
}

const mail = {
  host: '127.0.0.1',
  from: 'gate@example.com',
  to: 'sre@example.com',
}

test('a mail has the event in it, and nobody writes headers or commands with a name that they chose', async () => {
  using server = await mailServer()
  await smtpSink({ ...mail, port: server.port, tls: 'off' }).send([message], { timeoutMs })
  const { said } = server
  assert.equal(said.filter((line) => line.startsWith('RCPT TO:')).length, 1)
  assert.equal(said.filter((line) => line === '.').length, 1)
  const from = said.indexOf('DATA') + 1
  const blank = said.indexOf('', from)
  assert.ok(!said.slice(from, blank).some((line) => /^Bcc/i.test(line)))
  const text = Buffer.from(said.slice(blank + 1, said.indexOf('.')).join(''), 'base64').toString()
  assert.deepEqual(
    JSON.parse(text.slice(text.lastIndexOf('\n{'))),
    JSON.parse(Buffer.from(encodeEvent(event)).toString()),
  )
  assert.ok(said.every((line) => line.length < 200))
})

test('STARTTLS is mandatory: nothing is told in the clear, to a stranger, or after words from before it', async () => {
  const own = selfSigned('127.0.0.1')
  const ca = (): Promise<string> => Promise.resolve(own.cert)
  const told = async (
    server: Awaited<ReturnType<typeof mailServer>>,
    more: { ca?: () => Promise<string> } = {},
  ): Promise<void> => {
    await smtpSink({ ...mail, port: server.port, tls: 'starttls', ...more }).send([message], {
      timeoutMs,
    })
  }
  {
    using server = await mailServer({}, own)
    await told(server, { ca })
    assert.ok(server.isSecure() && server.said.includes('DATA'))
  }
  for (const [replies, more] of [
    [{ STARTTLS: '454 not now' }, { ca }],
    [{}, {}],
    [{ STARTTLS: '220 go on\r\n250 injected' }, { ca }],
  ] as const) {
    using server = await mailServer(replies, own)
    await assert.rejects(told(server, more))
    assert.ok(!server.said.some((line) => line.startsWith('MAIL')))
  }
})

test('a mail that the server does not take is not told', async () => {
  for (const replies of [
    { greeting: '554 no' },
    { RCPT: '550 nobody here' },
    { DATA: '451 later' },
    { '.': '552 too much' },
  ]) {
    using server = await mailServer(replies)
    const sink = smtpSink({ ...mail, port: server.port, tls: 'off' })
    await assert.rejects(sink.send([message], { timeoutMs }), /the server said/)
  }
  using silent = await silentServer()
  const sink = smtpSink({ ...mail, port: silent.port, tls: 'off' })
  await assert.rejects(sink.send([message], { timeoutMs: 50 }), /no answer within/)
})

async function streamServer(path?: string) {
  let heard = ''
  let done: (text: string) => void = () => undefined
  const text = new Promise<string>((resolve) => (done = resolve))
  const server = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    socket.on('end', () => done(heard))
  })
  const port = path === undefined ? await portOf(server) : 0
  if (path !== undefined) await new Promise<void>((resolve) => server.listen(path, resolve))
  return { port, text, [Symbol.dispose]: () => void server.close() }
}

const form = /^<106>1 2026-06-01T12:00:00\.000Z \S+ sallyport \d+ breakglass-used - (\{.*\})$/

test('syslog messages are of RFC 5424, one for each event, whatever is in its texts', async () => {
  {
    using server = await streamServer()
    await syslogSink({ host: '127.0.0.1', port: server.port, protocol: 'tcp' }).send([message], {
      timeoutMs,
    })
    const [, length = '', said = ''] = /^(\d+) ([^]*)$/.exec(await server.text) ?? []
    assert.equal(Number(length), Buffer.byteLength(said))
    assert.deepEqual(JSON.parse(form.exec(said)?.[1] ?? ''), { ...event })
  }
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-syslog-'))
  {
    const path = join(folder, 'log')
    using server = await streamServer(path)
    await syslogSink({ socket: path }).send([message], { timeoutMs })
    const lines = (await server.text).split('\n')
    assert.equal(lines.length, 2)
    assert.match(lines[0] ?? '', form)
  }
  rmSync(folder, { recursive: true })
  const udp = createSocket('udp4')
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const heard = new Promise<Buffer>((resolve) => udp.once('message', resolve))
  const sink = syslogSink({ host: '127.0.0.1', port: udp.address().port, protocol: 'udp' })
  await sink.send([message], { timeoutMs })
  assert.match((await heard).toString(), form)
  udp.close()
})

test('over TLS nothing is told to a stranger, nor to one who breaks off before having read all', async () => {
  const own = selfSigned('127.0.0.1')
  const ca = (): Promise<string> => Promise.resolve(own.cert)
  let heard = ''
  let isRude = false
  const server = createTls(own, (socket) => {
    socket.on('error', () => undefined)
    if (isRude) socket.destroy()
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  })
  const options = { host: '127.0.0.1', port: await portOf(server), protocol: 'tls' } as const
  await assert.rejects(syslogSink(options).send([message], { timeoutMs }), /self-signed/)
  assert.equal(heard, '')
  await syslogSink({ ...options, ca }).send([message, message], { timeoutMs })
  assert.equal(heard.split('breakglass-used -').length, 3)
  isRude = true
  const many = Array.from({ length: 256 }, () => ({ ...message, body: Buffer.alloc(8000, '1') }))
  await assert.rejects(syslogSink({ ...options, ca }).send(many, { timeoutMs }))
  server.close()
})

test('a receiver of syslog that closes first, as one with too many connections does, has not heard it', async () => {
  for (const rude of [
    (socket: Socket) => void socket.destroy(),
    (socket: Socket) => void socket.end(),
    (socket: Socket) => void socket.once('data', () => socket.end('too many connections')),
  ]) {
    const server = createServer((socket) => rude(socket.on('error', () => undefined)))
    const sink = syslogSink({ host: '127.0.0.1', port: await portOf(server), protocol: 'tcp' })
    await assert.rejects(sink.send([message], { timeoutMs }))
    server.close()
  }
})

test('a batch of CloudEvents is one array, one alone is no array, and both are signed with who asks', async () => {
  using server = await listening(200)
  const { url } = server
  const secret = (): Promise<Uint8Array> => Promise.resolve(Buffer.from('a shared secret'))
  const authorization = (): Promise<string> => Promise.resolve('Splunk 4711')
  const parts = { url, clock, secret, authorization }
  const batch = webhookSink({ ...parts, format: 'cloudevents-batch', most: 7 })
  await batch.send([message, message], { timeoutMs })
  await webhookSink({ ...parts, format: 'cloudevents' }).send([message], { timeoutMs })
  const [many, one] = server.posted as [Posted, Posted]
  assert.deepEqual(JSON.parse(many.body), [event, event])
  assert.deepEqual(JSON.parse(one.body), event)
  assert.deepEqual(
    [many.headers['content-type'], one.headers['content-type'], one.headers.authorization],
    [
      'application/cloudevents-batch+json; charset=utf-8',
      'application/cloudevents+json; charset=utf-8',
      'Splunk 4711',
    ],
  )
  const mac = createHmac('sha256', 'a shared secret').update(
    `${clock().getTime() / 1000}.${many.body}`,
  )
  assert.match(String(many.headers['sallyport-signature']), new RegExp(`v1=${mac.digest('hex')}$`))
  assert.deepEqual([batch.most, webhookSink({ ...parts, format: 'cloudevents' }).most], [7, 1])
})

test('a webhook of a private authority is told, and a stranger in its place is not, nor does one hear a secret', async () => {
  const [own, other] = [selfSigned('127.0.0.1'), selfSigned('127.0.0.1')]
  const posted: string[] = []
  const server = createHttps(own, (request, response) => {
    posted.push(String(request.headers.authorization))
    request.resume().on('end', () => response.writeHead(204).end())
  })
  const url = `https://127.0.0.1:${await portOf(server)}/`
  const authorization = (): Promise<string> => Promise.resolve('Bearer 4711')
  const sink = (cert?: string): Sink =>
    webhookSink({
      url,
      format: 'json',
      clock,
      authorization,
      ...(cert === undefined ? {} : { ca: () => Promise.resolve(cert) }),
    })
  for (const cert of [undefined, other.cert])
    await assert.rejects(sink(cert).send([message], { timeoutMs }))
  assert.deepEqual(posted, [])
  await sink(own.cert).send([message], { timeoutMs })
  assert.deepEqual(posted, ['Bearer 4711'])
  server.close()
})

test('nobody writes a header of syslog with a time or a name', async () => {
  using server = await streamServer()
  const forged = { ...message, time: '- - - - - - forged\n', name: 'a b\n<14>1'.repeat(20) }
  const sink = syslogSink({ host: '127.0.0.1', port: server.port, protocol: 'tcp' })
  await sink.send([forged], { timeoutMs })
  assert.match(await server.text, /^\d+ <106>1 - \S+ sallyport \d+ [!-~]{1,32} - \{[^\n]*\}$/)
})

test('a syslog that nobody listens at is told nothing', async () => {
  const sinks: readonly Sink[] = [
    syslogSink({ host: '127.0.0.1', port: 1, protocol: 'tcp' }),
    syslogSink({ socket: '/nowhere/log' }),
  ]
  for (const sink of sinks) await assert.rejects(sink.send([message], { timeoutMs }))
})

test('what hangs is broken off by whoever wants no more', async (t) => {
  const sockets = new Set<Socket>()
  const hole = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
  const port = await portOf(hole)
  const [host, url] = ['127.0.0.1', `http://127.0.0.1:${port}/`]
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    hole.close()
  })
  const mail = { host, port, from: 'gate@example.com', to: 'ops@example.com' }
  const sinks: readonly Sink[] = [
    webhookSink({ url, format: 'json', clock }),
    smtpSink({ ...mail, tls: 'off' }),
    smtpSink({ ...mail, tls: 'implicit' }),
    syslogSink({ host, port, protocol: 'tcp' }),
    syslogSink({ host, port, protocol: 'tls' }),
  ]
  for (const sink of sinks) {
    const stopping = new AbortController()
    const connected = once(hole, 'connection')
    const sending = sink.send([message], { timeoutMs: 60_000, signal: stopping.signal })
    const refused = assert.rejects(sending, /broken off/, sink.name)
    await connected
    stopping.abort()
    await refused
  }
})
