import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { requestAtGate, requestsAtGate } from '#app'
import { encodeRequest, requestId, type BreakglassRequest } from '#breakglass'
import { sha256Hex } from '#document'
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
      const add = async (before: (folder: string) => void = () => undefined) => {
        const replica = home.replica()
        t.after(() => replica.close())
        const folder = join(replica.folder, 'breakglass')
        rmSync(folder, { recursive: true, force: true })
        before(folder)
        const start = () => startInside({ ...home, ...replica })
        return { folder: replica.folder, again: start, ...(await start()) }
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
      const idsAt = async (gate: { readonly address: string }) =>
        (await requestsAtGate(at(gate, 'approver'))).map(({ id }) => id)
      /** Somebody who can write to the database puts files there. */
      const put = async (files: ReadonlyMap<string, Uint8Array>, time = 'now()') => {
        const rows = [...files].map(
          ([name, bytes]) => `('${name}', '\\x${Buffer.from(bytes).toString('hex')}', ${time})`,
        )
        const into = 'INSERT INTO sallyport.shelf (name, bytes, at) VALUES'
        await cluster.say(home.database, `${into} ${rows.join()}`)
      }
      return { home, first, at, add, ask, idsAt, put }
    }
    let files = 0

    test('asked at one, read at another, granted there, let in by all, and by who comes later', async (t) => {
      const { home, first, at, add, ask, idsAt } = await place(t)
      const second = await add()
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
      assert.deepEqual(namesIn(join(folder, 'shared-requests')), [`${id}.json`])
      assert.equal(existsSync(join(folder, 'grants')), false)
      await cluster.say(home.database, old)
      const third = await add()
      assert.deepEqual(await requestsAtGate(at(third, 'approver')), [])
    })

    test('while the database is away a replica keeps what it is sent, and hands it on afterwards', async (t) => {
      const { home, first, at, add, ask } = await place(t)
      const second = await add()
      const ready = async () => (await home.get(first.address, '/readyz')).text
      assert.doesNotMatch(await ready(), /BREAKGLASS_UNSHARED/)
      await cluster.halt('fast')
      const { id } = await ask(first)
      const seen = async () => (await requestsAtGate(at(second, 'approver'))).map((one) => one.id)
      assert.deepEqual(await seen(), [])
      assert.match(await ready(), /^ready\n(?:.*\n)*BREAKGLASS_UNSHARED\n/)
      await cluster.start()
      await until('handed on', async () => (await seen()).includes(id))
      assert.ok(first.journal.some((line) => line.includes('breakglass is not shared')))
      await until('no warning', async () => !(await ready()).includes('BREAKGLASS_UNSHARED'))
    })

    test('one bad file of its own keeps a replica neither from starting nor from sharing', async (t) => {
      const { first, add, ask, idsAt } = await place(t)
      const second = await add((folder) => {
        const grants = join(folder, 'grants/sha256', 'a'.repeat(64))
        mkdirSync(join(folder, 'requests', `${'0'.repeat(32)}.json`), { recursive: true })
        symlinkSync('/nowhere', join(folder, 'requests', `${'1'.repeat(32)}.json`))
        mkdirSync(join(grants, `${'0'.repeat(32)}.sigstore.json`), { recursive: true })
        writeFileSync(join(folder, 'grants/sha256', 'b'.repeat(64)), 'no folder')
      })
      const asked = [(await ask(first)).id, (await ask(second)).id].sort()
      for (const gate of [first, second])
        await until(
          'both know both',
          async () => (await idsAt(gate)).sort().join() === asked.join(),
        )
    })

    test('what the database says is held to what is asked of what is sent', async (t) => {
      const { home, first, at, add, ask, idsAt, put } = await place(t)
      const forged = Array.from({ length: 130 }, (_, n) => forge(n))
      await put(
        new Map(forged.map((one) => [`requests/${requestId(one)}.json`, encodeRequest(one)])),
      )
      const hex = 'a'.repeat(64)
      const grant = granted(hex)
      const junk = Array.from({ length: 100 }, (_, n) => Buffer.from(`junk ${n}`))
      const spelled = Array.from({ length: 70 }, (_, n) => Buffer.from(`${grant}${' '.repeat(n)}`))
      const named = (bytes: Buffer) =>
        [`grants/sha256/${hex}/${sha256Hex(bytes).slice(0, 32)}.sigstore.json`, bytes] as const
      await put(new Map([...junk, ...spelled].map(named)))
      const { id } = await ask(first)
      const second = await add()
      await until('its request is there', async () => (await idsAt(second)).includes(id))
      for (const [{ folder }, most] of [[home, 100] as const, [second, 101] as const]) {
        const place = join(folder, 'breakglass')
        const asked = (): number => namesIn(join(place, 'shared-requests')).length
        await until('as many as may be', () => asked() >= most)
        await idsAt(first)
        await idsAt(second)
        assert.equal(asked(), most)
        assert.equal(namesIn(join(place, 'grants/sha256', hex)).length, 1)
      }
      await grantAtGate(
        at(first, 'approver'),
        Buffer.from(granted(hex, { reason: 'another' })),
        hex,
      )
    })

    test('what the database says takes no place of what a replica is sent', async (t) => {
      const { first, at, ask, idsAt, put } = await place(t)
      const { id } = await ask(first)
      const [sent] = await requestsAtGate(at(first, 'approver'))
      const forged = Array.from({ length: 100 }, (_, n) => ({
        ...forge(n),
        requester: String(sent?.request.requester),
      }))
      await put(
        new Map(forged.map((one) => [`requests/${requestId(one)}.json`, encodeRequest(one)])),
      )
      await until('all are there', async () => (await idsAt(first)).length === 101)
      const next = await ask(first)
      const ids = await idsAt(first)
      assert.ok(ids.includes(id))
      assert.ok(ids.includes(next.id))
    })

    test('a row that is not what its name says gives way to the file of who was sent it', async (t) => {
      const { home, first, at, add, ask, idsAt } = await place(t)
      const { id, sha256 } = await ask(first)
      await grantAtGate(at(first, 'approver'), Buffer.from(granted(sha256)), sha256)
      await cluster.say(home.database, `UPDATE sallyport.shelf SET bytes = '{}'`)
      const second = await add()
      assert.deepEqual(await idsAt(second), [])
      await first.stop()
      const again = await startInside(home)
      assert.deepEqual(await idsAt(again), [id])
      const third = await add()
      assert.deepEqual(await idsAt(third), [id])
      const folder = join(third.folder, 'breakglass/grants/sha256', sha256)
      assert.equal(namesIn(folder).length, 1)
    })

    test('what is moved out of the folder of a replica stays out, and the others keep it', async (t) => {
      const { home, first, at, add, ask, idsAt } = await place(t)
      const { id, sha256 } = await ask(first)
      const second = await add()
      await grantAtGate(at(second, 'approver'), Buffer.from(granted(sha256)), sha256)
      const folder = join(second.folder, 'breakglass')
      const grants = (at: string) => join(at, 'grants/sha256', sha256)
      const there = () => existsSync(grants(join(home.folder, 'breakglass')))
      await until('both have the grant', () => there() && existsSync(grants(folder)))
      assert.deepEqual(await idsAt(second), [id])
      await second.stop()
      rmSync(join(folder, 'shared-requests', `${id}.json`))
      rmSync(grants(folder), { recursive: true })
      const again = await second.again()
      const next = await ask(first)
      await until('it is shared with', async () => (await idsAt(again)).includes(next.id))
      assert.deepEqual(await idsAt(again), [next.id])
      assert.equal(existsSync(grants(folder)), false)
      assert.deepEqual((await idsAt(first)).sort(), [id, next.id].sort())
      assert.ok(there())
    })

    test('what the database dates in the future hides nothing, and is cleared', async (t) => {
      const { home, first, add, ask, idsAt, put } = await place(t)
      const second = await add()
      const files = (one: BreakglassRequest) =>
        new Map([[`requests/${requestId(one)}.json`, encodeRequest(one)]])
      await put(files(forge(1)), `'3000-01-01'`)
      await put(files(forge(2)))
      await until('one is there', async () => (await idsAt(second)).includes(requestId(forge(2))))
      assert.equal((await idsAt(second)).includes(requestId(forge(1))), false)
      const rows = `SELECT 'requests/' || md5(i::text) || '.json', '{}', '3000-01-01' FROM generate_series(1, 5000) i`
      await cluster.say(home.database, `INSERT INTO sallyport.shelf (name, bytes, at) ${rows}`)
      const { id } = await ask(first)
      await until('the other knows', async () => (await idsAt(second)).includes(id))
      const count = `SELECT count(*) FROM sallyport.shelf`
      assert.match(JSON.stringify(await cluster.say(home.database, count)), /"2"|\b2\b/)
    })
  },
)

/** Without what is being written. */
function namesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('.'))
}

/** A request that nobody has sent. */
function forge(number: number): BreakglassRequest {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassRequest',
    artifact: { name: 'shop', sha256: sha256Hex(`${number}`) },
    environment: 'production',
    service: 'shop',
    requester: 'token:alice',
    requestedOn: '2026-06-01T12:00:00Z',
    seconds: 3600,
    rules: ['require[0].allowed'],
    reason: 'down',
    incident: `INC-${number}`,
    otherwise: { verdict: 'DENY', reasons: [] },
  }
}
