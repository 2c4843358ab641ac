import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { requestAtGate, requestsAtGate } from '#app'
import { grantAtGate } from '../../src/app/breakglass/at-gate.ts'
import { startCluster, whyNoPostgres, type Cluster } from '../postgres/cluster.ts'
import { startInside, tokens, until } from './gate.ts'
import { granted, offerBreakglass, startPager } from './glass.ts'
import { makePostgresHome } from './postgres-gate.ts'

describe(
  'replicas share what one of them was sent in an emergency',
  { skip: whyNoPostgres() ?? false, concurrency: 1 },
  () => {
    let cluster: Cluster
    before(async () => {
      cluster = await startCluster()
    })
    after(() => cluster.stop())

    async function place(t: TestContext) {
      const pager = await startPager()
      t.after(() => pager.close())
      const home = await makePostgresHome(cluster)
      t.after(() => home.close())
      offerBreakglass(home)
      const first = await startInside(home)
      const at = (gate: { readonly address: string }, role: keyof typeof tokens) => ({
        gate: {
          url: gate.address,
          token: { env: 'TOKEN' },
          ca: join(home.folder, 'tls/ca.crt'),
        } as const,
        env: { TOKEN: tokens[role] },
      })
      const add = async () => {
        const replica = home.replica()
        t.after(() => replica.close())
        rmSync(join(replica.folder, 'breakglass'), { recursive: true, force: true })
        return { folder: replica.folder, ...(await startInside({ ...home, ...replica })) }
      }
      const ask = async (gate: { readonly address: string }) => {
        const artifact = join(home.dir, `fix-${files++}.tgz`)
        writeFileSync(artifact, `a fix in a hurry ${artifact}`)
        const { id, request } = await requestAtGate({
          ...at(gate, 'deployer'),
          artifact,
          target: { environment: 'production', service: 'shop' },
          reason: 'down',
          incident: 'INC-1',
          forMilliseconds: 3_600_000,
          bundles: [],
          output: `${artifact}.request.json`,
        })
        return { id, sha256: request.artifact.sha256 }
      }
      return { home, first, at, add, ask }
    }
    let files = 0

    test('asked at one, read at another, granted there, let in by all, and by who comes later', async (t) => {
      const { home, first, at, add, ask } = await place(t)
      const second = await add()
      const idsAt = async (gate: { readonly address: string }) =>
        (await requestsAtGate(at(gate, 'approver'))).map(({ id }) => id)
      const { id, sha256 } = await ask(first)
      assert.deepEqual(await idsAt(second), [id])
      const grant = Buffer.from(granted(sha256))
      await grantAtGate(at(second, 'approver'), grant, sha256)
      const isLetIn = async (gate: { readonly address: string }) =>
        (await home.ask(gate.address, home.image(sha256))).allowed === true
      await until('let in by the first', () => isLetIn(first))
      await until('let in by the second', () => isLetIn(second))
      const third = await add()
      assert.deepEqual(await idsAt(third), [id])
      await until('let in by the third', () => isLetIn(third))
    })

    test('what the database says is kept when it is what its name says, and where it belongs', async (t) => {
      const { home, first, at, add, ask } = await place(t)
      const { id } = await ask(first)
      const hex = 'a'.repeat(64)
      const lies = [
        `requests/${'f'.repeat(32)}.json`,
        '../requests/out.json',
        `grants/sha256/${hex}/${'b'.repeat(32)}.sigstore.json`,
        `grants/sha256/../../../${'b'.repeat(32)}.sigstore.json`,
        `requests/${id.slice(0, 31)}/.json`,
      ]
      await cluster.say(
        home.database,
        `INSERT INTO sallyport.shelf (name, bytes) VALUES ${lies.map((name) => `('${name}', '{}')`).join()}`,
      )
      const old = `UPDATE sallyport.shelf SET at = now() - interval '9 days' WHERE name = 'requests/${id}.json'`
      const second = await add()
      assert.deepEqual(
        (await requestsAtGate(at(second, 'approver'))).map((one) => one.id),
        [id],
      )
      const folder = join(second.folder, 'breakglass')
      assert.deepEqual(readdirSync(join(folder, 'requests')), [`${id}.json`])
      assert.equal(existsSync(join(folder, 'grants')), false)
      await cluster.say(home.database, old)
      const third = await add()
      assert.deepEqual(await requestsAtGate(at(third, 'approver')), [])
    })

    test('while the database is away a replica keeps what it is sent, and hands it on afterwards', async (t) => {
      const { first, at, add, ask } = await place(t)
      const second = await add()
      await cluster.halt('fast')
      const { id } = await ask(first)
      const seen = async () => (await requestsAtGate(at(second, 'approver'))).map((one) => one.id)
      assert.deepEqual(await seen(), [])
      await cluster.start()
      await until('handed on', async () => (await seen()).includes(id))
      assert.ok(first.journal.some((line) => line.includes('breakglass is not shared')))
    })
  },
)
