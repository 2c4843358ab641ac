import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { readBody } from './body.ts'
import { listen } from './listen.ts'

test('a body in pieces of one byte takes no more memory than its bytes', async (t) => {
  const size = 600_000
  const before = process.memoryUsage.rss()
  const read = Promise.withResolvers<{ readonly body: Uint8Array; readonly rss: number }>()
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    limits: { concurrent: 2, connections: 2, requestSeconds: 60 },
    handler: async (request, response) => {
      const body = await readBody(request, size)
      read.resolve({ body, rss: process.memoryUsage.rss() })
      response.end()
    },
  })
  t.after(() => listener.drain(0))
  const socket = connect(Number(new URL(listener.address).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  socket.write(`${'1\r\na\r\n'.repeat(size)}0\r\n\r\n`)
  await once(socket, 'data')
  const { body, rss } = await read.promise
  assert.equal(Buffer.from(body).toString(), 'a'.repeat(size))
  // Kept as they came they were 450 bytes each.
  assert.ok(rss - before < 130_000_000, `${rss - before} bytes`)
})
