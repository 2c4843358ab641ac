import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { sendRefusal } from './errors.ts'

/** What a client gets that asks for the head of what is refused. */
async function headOf(t: TestContext, message: string): Promise<IncomingMessage> {
  const refusal = { status: 403, code: 'DENIED', message, problems: [] }
  const server = createServer((_, response) => sendRefusal(response, refusal))
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const asked = request({ port, host: '127.0.0.1', method: 'HEAD', agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return response
}

test('who asks for the head only reads in the status line what to do', async (t) => {
  const { statusCode, statusMessage } = await headOf(t, 'no; fix: approve it (decision 3)')
  assert.deepEqual([statusCode, statusMessage], [403, 'no; fix: approve it (decision 3)'])
})

test('the status line is one line of ASCII, whatever names are in it', async (t) => {
  const { statusMessage, headers } = await headOf(t, 'größe\r\nx-more: 1\u0000\ud800')
  assert.equal(statusMessage, 'gr??e x-more: 1 ?')
  assert.equal(headers['x-more'], undefined)
})

test('a long reason loses its middle, and not its fix', async (t) => {
  const { statusMessage = '' } = await headOf(t, `denied: ${'x'.repeat(1500)}; fix: approve it`)
  assert.equal(statusMessage.length, 705)
  assert.match(statusMessage, /^denied: x+ \.{3} x+; fix: approve it$/)
})
