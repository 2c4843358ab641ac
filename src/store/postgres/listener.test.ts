import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Listener } from './listener.ts'

const soon = { timeout: 20_000 }

test(
  'a database that lets nobody listen, as a standby, is asked again over one connection at a time',
  soon,
  async (t) => {
    const standby = await startStandby(4)
    const { port } = standby
    const options = { host: '127.0.0.1', port, user: 'u', database: 'd', timeoutMs: 3000 }
    const listener = new Listener({ ...options, connections: 1 })
    t.after(async () => {
      await listener.close()
      standby.close()
    })
    listener.watch(() => undefined)
    assert.deepEqual(await standby.openAtEach, [1, 1, 1, 1])
  },
)

/** Lets everybody in, and refuses every statement; tells how many were connected whenever somebody came. */
async function startStandby(times: number) {
  const { promise: openAtEach, resolve } = Promise.withResolvers<readonly number[]>()
  const counts: number[] = []
  let open = 0
  const server = createServer((socket) => {
    open += 1
    counts.push(open)
    if (counts.length === times) resolve(counts)
    socket.on('error', () => undefined)
    socket.on('close', () => (open -= 1))
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', '\0\0\0\0'), ready]))
      socket.on('data', (bytes: Buffer) => {
        if (bytes[0] === 0x51) socket.write(Buffer.concat([refusal, ready]))
      })
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { port: (server.address() as AddressInfo).port, openAtEach, close: () => server.close() }
}

/** One of the protocol of PostgreSQL, version 3. */
function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}

const ready = message('Z', 'I')
const refusal = message('E', 'SERROR\0VERROR\0C25006\0Mcannot execute LISTEN during recovery\0\0')
