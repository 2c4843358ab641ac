import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, ready, startFakeDatabase } from '../testing/fake-database.ts'
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
  const refusal = 'SERROR\0VERROR\0C25006\0Mcannot execute LISTEN during recovery\0\0'
  const database = await startFakeDatabase(
    Buffer.concat([message('E', refusal), ready]),
    (open) => {
      if (counts.push(open) === times) resolve(counts)
    },
  )
  return { ...database, openAtEach }
}
