import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { SallyportError } from '#error'
import { startGateServer } from '../gate-server.ts'
import { openJournal } from '../journal.ts'
import { openMetrics } from '../metrics.ts'
import type { EntryReceipt, GateService } from './ports.ts'

const token = 'token-of-a-viewer'
const clock = () => new Date('2026-06-01T00:00:00Z')
const sha256 = createHash('sha256').update(token).digest('hex')
const grant = { name: 'v', sha256, roles: ['viewer'], expires: new Date('2027-01-01Z') } as const

const unknown = {
  code: 'LOG_ENTRY_UNKNOWN',
  where: 'log',
  expected: 'an entry of the log',
  found: '7',
  fix: 'List the entries',
} as const

/** A gate whose witnesses do not answer: whoever waits for them waits until the test says so. */
async function start(t: TestContext, concurrent: number, isKnown = true) {
  const over = Promise.withResolvers<EntryReceipt>()
  let waiting = 0
  const service = {
    receipt: (_: number, wait?: object): Promise<EntryReceipt> => {
      if (wait === undefined && !isKnown) return Promise.reject(new SallyportError(unknown))
      if (wait === undefined) return Promise.resolve({ state: 'published', proof: 'proof\n' })
      waiting += 1
      return over.promise
    },
    health: () => [],
  } as unknown as GateService
  const listener = await startGateServer({
    host: '127.0.0.1',
    port: 0,
    limits: { concurrent, connections: 1000, requestSeconds: 5 },
    access: { tokens: [grant], certificates: [], oidc: [] },
    admissionClients: [],
    open: { log: false, metrics: false },
    service,
    metrics: openMetrics(),
    journal: openJournal({ write: () => true }, clock),
    clock,
  })
  t.after(() => listener.drain(0))
  const headers = { authorization: `Bearer ${token}` }
  return {
    ask: (query: string) =>
      fetch(`${listener.address}/api/v1/decisions/7/receipt${query}`, { headers }),
    ready: () => fetch(`${listener.address}/readyz`).then(({ status }) => status),
    end: () => over.resolve({ state: 'witnessed', proof: 'proof\n' }),
    untilWaiting: async (count: number): Promise<void> => {
      for (;;) {
        if (waiting >= count) return
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

test('who waits for a receipt takes no place of those who are answered', async (t) => {
  const gate = await start(t, 2)
  const asked = [1, 2, 3, 4].map(() => gate.ask('?wait=witnessed&seconds=30'))
  await gate.untilWaiting(4)
  assert.equal(await gate.ready(), 200)
  assert.equal((await gate.ask('')).headers.get('sallyport-receipt-state'), 'published')
  gate.end()
  const states = (await Promise.all(asked)).map(({ status }) => status)
  // Those for whom there is no place at that moment are told to ask again.
  assert.ok(
    states.includes(200) && states.every((one) => one === 200 || one === 503),
    states.join(),
  )
})

test('so many wait for receipts and no more, and the rest is told at once', async (t) => {
  const gate = await start(t, 2)
  const asked: Promise<Response>[] = []
  for (let count = 1; count <= 256; count += 1) {
    asked.push(gate.ask('?wait=witnessed&seconds=30'))
    await gate.untilWaiting(count)
  }
  const late = await gate.ask('?wait=witnessed&seconds=30')
  assert.equal(late.status, 503)
  assert.match(await late.text(), /SERVER_BUSY/)
  gate.end()
  await Promise.all(asked)
})

test('an entry that this replica has not heard of yet is waited for', async (t) => {
  const gate = await start(t, 2, false)
  gate.end()
  assert.equal((await gate.ask('')).status, 200)
  assert.match(await (await gate.ask('?wait=sequenced')).text(), /LOG_ENTRY_UNKNOWN/)
})
