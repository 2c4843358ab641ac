import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, test } from 'node:test'
import { verifierKeyOf } from '#merkle'
import { openLink } from './link.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const key = verifierKeyOf(
  'w.example',
  'ed25519-cosignature',
  generateKeyPairSync('ed25519').publicKey,
)

async function linkTo(listener: RequestListener, path = '/') {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return openLink({ name: 'w1', key, url: `http://127.0.0.1:${port}${path}` }, undefined)
}

const soon = { timeout: 10_000 }
const unreachable = { code: 'WITNESS_UNREACHABLE' }

test('a witness is asked below its address, with or without a slash at the end', async () => {
  for (const path of ['/w', '/w/']) {
    const link = await linkTo((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        response.writeHead(409, { 'content-type': 'text/x.tlog.size' })
        response.end(`${request.method} ${request.url} ${body}`)
      })
    }, path)
    assert.deepEqual(
      await link.ask({ method: 'POST', path: 'add-checkpoint', body: 'old', timeoutMs: 5000 }),
      { status: 409, mediaType: 'text/x.tlog.size', text: 'POST /w/add-checkpoint old' },
    )
    link.close()
  }
})

test(
  'a witness that never answers, never ends, or speaks something else is left in time',
  soon,
  async () => {
    for (const listener of [
      () => undefined,
      (_, response) => void response.writeHead(200).write('a'),
      (_, response) =>
        void response.socket?.write(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
        ),
    ] satisfies RequestListener[]) {
      const link = await linkTo(listener)
      await assert.rejects(link.ask({ method: 'GET', path: 'x', timeoutMs: 50 }), unreachable)
      link.close()
    }
  },
)

test('an answer without end is not read', async () => {
  const link = await linkTo((_, response) => {
    response.writeHead(200)
    response.end('x'.repeat(70_000))
  })
  await assert.rejects(link.ask({ method: 'GET', path: 'x', timeoutMs: 5000 }), unreachable)
  link.close()
})

test('a redirect is not followed, and a closed port is told', async () => {
  const link = await linkTo((_, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/' })
    response.end()
  })
  assert.equal((await link.ask({ method: 'GET', path: 'x', timeoutMs: 5000 })).status, 302)
  link.close()
  const closed = openLink({ name: 'w1', key, url: 'http://127.0.0.1:1/' }, undefined)
  await assert.rejects(closed.ask({ method: 'GET', path: 'x', timeoutMs: 5000 }), unreachable)
  closed.close()
})
