import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import type { Config } from '#config'
import { makeAuthority, type Authority, type Pair } from './certificates.ts'
import {
  makeHome,
  readReviewed,
  review,
  startInside,
  tokens,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'

const more = `
serve:
  port: 0
  tls: {certificate: tls/tls.crt, key: tls/tls.key, clientAuthorities: tls/ca.crt}
admission: {others: {environment: production, service: shop}, clients: [kube-apiserver]}
`
let home: GateHome
let gate: Inside
let authority: Authority
let folder = ''
let clock = new Date()
before(async () => {
  home = await makeHome(more)
  folder = join(home.folder, 'tls')
  mkdirSync(folder)
  authority = makeAuthority(folder)
  install(authority.issue('first', 'gate-1'))
  gate = await startInside(home, () => clock)
})
after(() => home.close())

function install({ certificate, key }: Pair): void {
  copyFileSync(key, join(folder, 'tls.key'))
  copyFileSync(certificate, join(folder, 'tls.crt'))
}

interface Answer {
  readonly status: number
  readonly text: string
  /** The common name of the gate's certificate. */
  readonly server: string
}

function ask(path: string, options: RequestOptions & { body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options
  const { certificate } = authority
  const all = { ca: readFileSync(certificate), agent: false as const, ...rest }
  return new Promise((done, fail) => {
    const request = httpsRequest(new URL(path, gate.address), all, (response) => {
      const { socket } = response as unknown as { socket: import('node:tls').TLSSocket }
      const server = socket.getPeerX509Certificate()?.subject ?? ''
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), server })
      })
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The gate may close an idle connection just when something is asked on it: then it has not been asked.
      const isUnasked = request.reusedSocket && error.code === 'ECONNRESET'
      if (isUnasked) done(ask(path, options))
      else fail(error)
    })
    request.end(body)
  })
}

function post(body: string, by?: Pair, more: RequestOptions = {}): Promise<Answer> {
  const who =
    by === undefined ? {} : { cert: readFileSync(by.certificate), key: readFileSync(by.key) }
  const headers = { 'content-type': 'application/json' }
  return ask('/admission/validate?timeout=10s', { method: 'POST', headers, body, ...who, ...more })
}

test('admission over TLS: the API server that is named by its certificate is answered, and its user is recorded', async () => {
  const digest = home.approve()
  const by = authority.issue('apiserver', 'kube-apiserver')
  const { status, text } = await post(review(home.image(digest), { user: 'jo' }), by)
  assert.equal(readReviewed(status, text).allowed, true, text)
  const headers = { authorization: `Bearer ${tokens.auditor}` }
  const { text: list } = await ask('/api/v1/decisions?limit=1', { headers })
  assert.match(list, /"requester":"jo"/)
})

test('nobody else is: no certificate, another subject, another authority', async () => {
  const other = join(home.dir, 'other')
  mkdirSync(other)
  const stranger = makeAuthority(other, 'other').issue('fake', 'kube-apiserver')
  const body = review(home.image(home.approve()))
  for (const by of [undefined, authority.issue('kubelet', 'kubelet'), stranger]) {
    const { status, text } = await post(body, by)
    assert.equal(status, 401, text)
    assert.match(text, /ACCESS_UNAUTHENTICATED.*admission\.clients/)
  }
})

test('a certificate for servers, or one that has ended, proves nobody; also on a connection that began before', async () => {
  const body = review(home.image(home.approve()))
  const server = authority.issue('as-server', 'kube-apiserver', { usage: 'serverAuth' })
  assert.equal((await post(body, server)).status, 401)
  const client = authority.issue('as-client', 'kube-apiserver', { usage: 'clientAuth', days: 30 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  assert.equal((await post(body, client, { agent })).status, 200)
  const now = clock
  clock = new Date(now.getTime() + 31 * 86_400_000)
  const later = await post(body, client, { agent })
  clock = now
  agent.destroy()
  assert.equal(later.status, 401, later.text)
})

test('an authority that is taken away proves nobody any more, also on a connection that began before', async () => {
  const body = review(home.image(home.approve()))
  const client = authority.issue('kept', 'kube-apiserver')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  assert.equal((await post(body, client, { agent })).status, 200)
  const folderOfOther = join(home.dir, 'successor')
  mkdirSync(folderOfOther)
  const old = readFileSync(join(folder, 'ca.crt'))
  copyFileSync(makeAuthority(folderOfOther, 'successor').certificate, join(folder, 'ca.crt'))
  // The client goes on to believe the gate.
  const status = async (): Promise<number> => (await post(body, client, { agent, ca: old })).status
  try {
    await until('nobody', async () => (await status()) === 401)
  } finally {
    writeFileSync(join(folder, 'ca.crt'), old)
    agent.destroy()
  }
  await until('somebody again', async () => (await post(body, client)).status === 200)
})

test('what was asked before an authority is taken away is answered, and nothing more on its connection', async () => {
  const body = review(home.image(home.approve()))
  const { hostname, port } = new URL(gate.address)
  const client = authority.issue('busy', 'kube-apiserver')
  const [cert, key] = [readFileSync(client.certificate), readFileSync(client.key)]
  const old = readFileSync(join(folder, 'ca.crt'))
  const socket = connectTls({ host: hostname, port: Number(port), ca: old, cert, key })
  const head = headOf(body)
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`)
  assert.match(String(await once(socket, 'data')), /100 Continue/)
  const folderOfOther = join(home.dir, 'another')
  mkdirSync(folderOfOther)
  copyFileSync(makeAuthority(folderOfOther, 'another').certificate, join(folder, 'ca.crt'))
  try {
    await until('nobody', async () => (await post(body, client, { ca: old })).status === 401)
    socket.write(`${body}${head}\r\n\r\n${body}`)
    assert.deepEqual((await text(socket)).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'])
  } finally {
    socket.destroy()
    writeFileSync(join(folder, 'ca.crt'), old)
  }
  await until('somebody again', async () => (await post(body, client)).status === 200)
})

test('who had begun a handshake before an authority is taken away is answered once', async () => {
  const body = review(home.image(home.approve()))
  const client = authority.issue('slow', 'kube-apiserver')
  const [cert, key] = [readFileSync(client.certificate), readFileSync(client.key)]
  const old = readFileSync(join(folder, 'ca.crt'))
  const folderOfOther = join(home.dir, 'third')
  mkdirSync(folderOfOther)
  // Before the handshake, for which there are five seconds.
  const other = makeAuthority(folderOfOther, 'third')
  const slow = await startSlowHandshake()
  const socket = connectTls({ host: '127.0.0.1', port: slow.port, ca: old, cert, key })
  await slow.halfway
  copyFileSync(other.certificate, join(folder, 'ca.crt'))
  try {
    await until('nobody', async () => (await post(body, client, { ca: old })).status === 401)
    slow.goOn()
    const request = `${headOf(body)}\r\n\r\n${body}`
    socket.write(`${request}${request}`)
    assert.deepEqual((await text(socket)).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'])
  } finally {
    socket.destroy()
    slow.close()
    writeFileSync(join(folder, 'ca.crt'), old)
  }
  await until('somebody again', async () => (await post(body, client)).status === 200)
})

function headOf(body: string): string {
  return [
    'POST /admission/validate HTTP/1.1',
    'Host: gate',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ].join('\r\n')
}

/** A way to the gate that lets the first of what a client sends through, and holds the rest back. */
async function startSlowHandshake() {
  const { hostname, port } = new URL(gate.address)
  const halfway = Promise.withResolvers<undefined>()
  const on = Promise.withResolvers<undefined>()
  const server = createServer((client) => {
    const behind = connect(Number(port), hostname)
    for (const socket of [client, behind]) socket.on('error', () => undefined)
    behind.once('data', () => halfway.resolve(undefined))
    behind.pipe(client)
    client.once('data', (hello) => {
      behind.write(hello)
      client.pause()
      void on.promise.then(() => client.pipe(behind))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    halfway: halfway.promise,
    goOn: () => on.resolve(undefined),
    close: () => void server.close(),
  }
}

test('a new certificate is taken into use while the gate runs; a bad one is not, and is told', async () => {
  assert.match((await ask('/healthz')).server, /gate-1/)
  install(authority.issue('second', 'gate-2'))
  await until('the new certificate', async () => /gate-2/.test((await ask('/healthz')).server))
  writeFileSync(join(folder, 'tls.crt'), 'not a certificate')
  await until('told', async () => /SERVER_TLS/.test((await ask('/readyz')).text))
  const { status, server } = await ask('/readyz')
  assert.equal(status, 200)
  assert.match(server, /gate-2/)
  install(authority.issue('third', 'gate-3'))
  await until('the third', async () => /gate-3/.test((await ask('/healthz')).server))
  assert.deepEqual((await ask('/readyz')).text, 'ready\n')
})

/** Whether a client may begin a handshake within its connection, in which it could show another certificate. */
async function beginsAnew(): Promise<boolean> {
  const { hostname, port } = new URL(gate.address)
  const ca = readFileSync(authority.certificate)
  const socket = connectTls({ host: hostname, port: Number(port), ca, maxVersion: 'TLSv1.2' })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.on('error', () => resolve(false))
  socket.on('close', () => resolve(false))
  await once(socket.resume(), 'secureConnect')
  socket.renegotiate({}, (error) => resolve(error === null || error === undefined))
  return await promise.finally(() => socket.destroy())
}

test('a connection goes on to be of whoever proved themselves when it began', async () => {
  assert.equal(await beginsAnew(), false)
  install(authority.issue('fourth', 'gate-4'))
  await until('the fourth', async () => /gate-4/.test((await ask('/healthz')).server))
  assert.equal(await beginsAnew(), false)
})

test('a certificate that has expired makes the gate unready, and says which', async () => {
  const now = clock
  clock = new Date(now.getTime() + 400 * 86_400_000)
  const { status, text } = await ask('/readyz')
  clock = now
  assert.equal(status, 503)
  assert.equal(text, 'SERVER_CERTIFICATE\n')
})

test('who begins no handshake is cut off as who ends no headers', { timeout: 30_000 }, async () => {
  const { hostname, port } = new URL(gate.address)
  await once(connect(Number(port), hostname).resume(), 'close')
})

test('TLS 1.1 is not spoken', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(ask('/healthz', old))
})

test('clients that are named and could never prove who they are end the start, and say why', async () => {
  const change = (config: Config): Config => {
    const { tls, ...serve } = config.serve
    assert.ok(tls !== undefined)
    return { ...config, serve: { ...serve, port: 0 } }
  }
  await assert.rejects(startInside(home, undefined, change), { code: 'CONFIG_CLIENTS' })
})
