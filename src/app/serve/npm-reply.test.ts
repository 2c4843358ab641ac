import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { NpmReply } from '#chokepoint'
import { sendNpmReply } from './npm-reply.ts'

/** A server that sends this body to everybody, and tells when it is done with the first. */
async function serve(t: TestContext, body: NpmReply['body'], stallMs?: number) {
  const sent = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    void sendNpmReply({ status: 200, headers: {}, body }, request, response, stallMs).then(
      sent.resolve,
      sent.reject,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const ask = async (): Promise<IncomingMessage> => {
    const { port } = server.address() as AddressInfo
    const call = httpRequest({ port, agent: false }).end()
    t.after(() => call.destroy())
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    return response
  }
  return { ask, sent: sent.promise }
}

const endless = () => Readable.from(forever())
function* forever(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536)
}

test('who takes nothing of a stream is cut off after a while', { timeout: 5000 }, async (t) => {
  const body = endless()
  const { ask, sent } = await serve(t, body, 100)
  await ask()
  await sent
  assert.equal(body.destroyed, true)
})

test('who goes away ends the stream, and a stream that fails is taken for whole by nobody', async (t) => {
  const body = endless()
  const { ask, sent } = await serve(t, body)
  const response = await ask()
  response.destroy()
  await sent
  assert.equal(body.destroyed, true)
  const failing = await serve(t, Readable.from(someThenFail()))
  const part = await failing.ask()
  await new Promise((resolve) => part.resume().once('close', resolve))
  await failing.sent
  assert.equal(part.complete, false)
})

async function* someThenFail(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('some')
  await new Promise((resolve) => setImmediate(resolve))
  throw new Error('the disk failed')
}
