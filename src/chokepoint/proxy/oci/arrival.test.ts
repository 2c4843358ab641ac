import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256Hex } from '#document'
import { arrival, openWhole } from './arrival.ts'
import { nobody, type Keeper } from './checked-stream.ts'
import type { Call, Filled } from './context.ts'
import type { Growing } from './growing.ts'
import type { Place } from './route.ts'
import { shareWork, type Shared, type SharedWork } from './shared-work.ts'

const pieces = Array.from({ length: 10 }, (_, at) => Buffer.alloc(100_000, at))
const bytes = Buffer.concat(pieces)
const part = { sha256: sha256Hex(bytes), size: bytes.length }
const shop = placeOf('shop')

function placeOf(repository: string): Place {
  return { upstream: 'r.example', repository, name: `r.example/${repository}` }
}

/** A request in front of a registry that has these bytes everywhere. `read` is what was taken of them, `asked` for what it was. */
function open(more: {
  readonly keeper?: Keeper
  readonly path?: string
  readonly filling?: SharedWork<Growing, Filled>
}) {
  const seen = { read: 0, dropped: 0, asked: [] as string[] }
  const { keeper = nobody, path, filling = shareWork(60_000) } = more
  async function* send() {
    for (const piece of pieces) {
      seen.read += 1
      yield await Promise.resolve(piece)
    }
  }
  const repository = (name: string) => ({
    blob: (sha256: string) => {
      seen.asked.push(`${name}/${sha256}`)
      return Promise.resolve(send())
    },
  })
  const registries = new Map([['r.example', { upstream: { repository }, registry: 'r.example' }]])
  const cache = {
    find: () => Promise.resolve(path === undefined ? undefined : { path, size: part.size }),
    keeper: () => Promise.resolve(keeper),
    drop: () => Promise.resolve((seen.dropped += 1)),
    maxBytes: 2 * part.size,
  }
  const limits = { blobMs: 60_000 }
  const gone = new AbortController().signal
  return { seen, call: { registries, cache, filling, limits, gone } as unknown as Call }
}

/** The work that is begun, for the test to do. */
function takeWork() {
  const taken: Parameters<SharedWork<Growing, Filled>['join']>[2][] = []
  const filling: SharedWork<Growing, Filled> = {
    join: (_, __, work) => {
      taken.push(work)
      return { early: Promise.resolve(undefined), result: Promise.resolve('gone') }
    },
  }
  return { filling, taken }
}

test('a blob on this disk is not compared to its end for nobody, and stays', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-arrival-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'blob')
  writeFileSync(path, bytes)
  const { filling, taken } = takeWork()
  const { seen, call } = open({ path, filling })
  arrival(shop, part, call)
  const [work = () => assert.fail()] = taken
  assert.equal(await work(call.gone, () => undefined), 'done')
  const aborted = work(AbortSignal.abort(), () => undefined)
  await assert.rejects(aborted, { code: 'PROXY_UPSTREAM', expected: /within 60 seconds/ })
  assert.deepEqual(seen, { read: 0, dropped: 0, asked: [] })
})

test('what this disk does not keep is not fetched to its end for all, for each fetches it', async () => {
  const growing = { isCut: false }
  const failing: Keeper = {
    ...nobody,
    write: () => Promise.resolve(void (growing.isCut = true)),
    growing: growing as Growing,
  }
  for (const keeper of [nobody, failing]) {
    const { seen, call } = open({ keeper })
    assert.equal(await arrival(shop, part, call).result, 'unkept')
    // The first is held back until there is another.
    assert.equal(seen.read, 2)
  }
})

test('each blob of each repository is fetched for itself', async () => {
  const { seen, call } = open({ keeper: { ...nobody, growing: { isCut: false } as Growing } })
  const other = { sha256: 'ab'.repeat(32), size: part.size }
  const all = [arrival(shop, part, call), arrival(placeOf('other'), part, call)]
  const wrong = arrival(shop, other, call)
  const again = arrival(shop, part, call)
  await assert.rejects(wrong.result, { code: 'PROXY_UPSTREAM' })
  for (const { result } of [...all, again]) assert.equal(await result, 'done')
  assert.deepEqual(seen.asked, [
    `shop/${part.sha256}`,
    `other/${part.sha256}`,
    `shop/${other.sha256}`,
  ])
})

test('who follows what is fetched for others asks the registry only for what these do not get, and not when gone', async () => {
  const follow = async (ended: Filled | 'gone', there: readonly Uint8Array[]) => {
    const read = async function* () {
      for (const piece of there) yield await Promise.resolve(piece)
    }
    const shared: Shared<Growing, Filled> = {
      early: Promise.resolve({ read } as unknown as Growing),
      result: Promise.resolve(ended),
    }
    const { seen, call } = open({ filling: { join: () => shared } })
    const got: Uint8Array[] = []
    const chunks = (await openWhole(shop, part, call)) ?? assert.fail()
    const end = await (async () => {
      for await (const chunk of chunks) got.push(chunk)
    })().catch((error: unknown) => error)
    return { asked: seen.asked.length, end, whole: Buffer.concat(got).equals(bytes) }
  }
  assert.deepEqual(await follow('done', pieces), { asked: 0, end: undefined, whole: true })
  const cut = [...pieces.slice(0, 3), pieces[3]?.subarray(0, 7) ?? assert.fail()]
  assert.deepEqual(await follow('unkept', cut), { asked: 1, end: undefined, whole: true })
  const { asked, end, whole } = await follow('gone', cut)
  assert.deepEqual([asked, whole], [0, false])
  assert.ok(end instanceof Error)
})
