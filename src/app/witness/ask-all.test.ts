import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Config } from '#config'
import { openWitness } from '#log'
import { encodeAddCheckpoint, encodeVerifierKey } from '#merkle'
import { testLog } from '../../log/testing/test-log.ts'
import { memoryCheckpoints, testCosigner } from '../../log/testing/test-witness.ts'
import { askWitnesses } from './ask-all.ts'

let folder: string
const servers: Server[] = []
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-ask-'))))
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

/** A log of three entries that one witness has cosigned. It answers after `meanwhile`. */
async function watched(tellsNewest: boolean) {
  const log = await testLog(['a', 'b', 'c'])
  const { origin } = log.log
  const cosigner = testCosigner('w.example')
  const logs = [{ origin, verifierKeys: log.verifierKeys }]
  const witness = openWitness({ logs, cosigner, store: memoryCheckpoints() })
  let meanwhile = async (): Promise<void> => undefined

  const answer = async (request: IncomingMessage) => {
    const body: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) body.push(part)
    await meanwhile()
    if (request.method === 'GET') {
      const newest = tellsNewest ? await witness.newest(origin) : undefined
      return { status: newest === undefined ? 404 : 200, type: 'text/plain', text: newest ?? '' }
    }
    const told = await witness.addCheckpoint(Buffer.concat(body))
    if (told.kind === 'cosigned') return { status: 200, type: 'text/plain', text: told.lines }
    if (told.kind === 'refused') return { status: told.status, type: 'text/plain', text: '' }
    return { status: 409, type: 'text/x.tlog.size', text: `${told.size}\n` }
  }
  const server = createServer((request, response) => {
    void answer(request).then(({ status, type, text }) =>
      response.writeHead(status, { 'content-type': type }).end(text),
    )
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')

  let cosigned = 0
  const cosign = async (): Promise<void> => {
    const view = await log.view()
    const consistency = cosigned === 0 ? [] : await view.consistency(cosigned)
    const { note } = view.checkpoint
    const text = encodeAddCheckpoint({ old: cosigned, consistency, checkpoint: note })
    assert.equal((await witness.addCheckpoint(Buffer.from(text))).kind, 'cosigned')
    cosigned = view.size
  }
  await cosign()

  const policy = join(folder, 'witnesses.policy')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  writeFileSync(policy, `witness w ${encodeVerifierKey(cosigner.key)} ${url}\nquorum w\n`)
  const config = { log: { origin, verifierKeys: log.verifierKeys } } as unknown as Config
  const times = { timeoutMs: 5000, intervalMs: 1, warnAfterMs: 1 }
  const witnesses = { policy, folder, ...times, plainHttpUnsafe: false, atStart: 'warn' } as const
  return {
    log,
    /** Another replica publishes, and has it cosigned. */
    publish: async () => {
      await log.log.append(Buffer.from('d'))
      await cosign()
    },
    before: (what: () => Promise<void>) => (meanwhile = what),
    ask: (view = () => log.view()) =>
      askWitnesses(config, witnesses, view, { timeoutMs: 5000, submits: true }),
  }
}

for (const tellsNewest of [true, false]) {
  const how = tellsNewest ? 'tells its newest checkpoint' : 'has to be asked by submitting'

  test(`what another replica publishes before a witness answers is no roll-back: one that ${how}`, async () => {
    const { ask, before, publish } = await watched(tellsNewest)
    let times = 0
    before(async () => void ((times += 1) <= 2 && (await publish())))
    const { conflicts, problems, isQuorum } = await ask()
    assert.deepEqual([conflicts, problems, isQuorum], [[], [], true])
  })

  test(`an old copy is told by a witness that ${how}`, async () => {
    const { ask, log, publish } = await watched(tellsNewest)
    const old = await log.view()
    await publish()
    const { conflicts } = await ask(async () => old)
    assert.deepEqual(
      conflicts.map(({ problem }) => problem.code),
      ['LOG_ROLLED_BACK'],
    )
  })
}

test('a witness that others keep ahead of what is submitted has not answered', async () => {
  const { ask, before, publish } = await watched(false)
  before(publish)
  const { conflicts, problems, isQuorum } = await ask()
  assert.deepEqual([conflicts, isQuorum], [[], false])
  assert.match(problems[0]?.found ?? '', /each of 4 times a larger tree/)
})
