import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { encodeRequest, requestId, type BreakglassRequest } from '#breakglass'
import { SallyportError } from '#error'
import { DeskCopies } from './desk-copies.ts'

const grant = (number: number): string =>
  `grants/sha256/${'a'.repeat(64)}/${String(number).padStart(32, '0')}.sigstore.json`
const since = new Date('2026-06-01T12:00:00Z')
const unknownKey = new SallyportError({
  code: 'BREAKGLASS_REQUEST',
  expected: 'a key of the trust file',
  found: 'another',
  fix: 'Add it',
})

const request: BreakglassRequest = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BreakglassRequest',
  artifact: { name: 'shop', sha256: 'a'.repeat(64) },
  environment: 'production',
  service: 'shop',
  requester: 'token:alice',
  requestedOn: '2026-06-01T12:00:00Z',
  seconds: 3600,
  rules: ['require[0].allowed'],
  reason: 'down',
  incident: 'INC-1',
  otherwise: { verdict: 'DENY', reasons: [] },
}

/** One replica, and what all have in common. Of what it fetches it keeps what `keep` says, and tells all it was given. */
function replica(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-copies-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const shelf = new Map<string, Uint8Array>()
  const own = new Set<string>()
  const given: string[] = []
  const state = { now: 0, keep: true, isAway: false }
  const shared = {
    names: () => Promise.resolve(new Map([...shelf.keys()].map((name) => [name, since]))),
    get: (name: string) => Promise.resolve(shelf.get(name)),
    put: (name: string, bytes: Uint8Array) =>
      state.isAway
        ? Promise.reject(new Error('the database is away'))
        : Promise.resolve(void shelf.set(name, bytes)),
  }
  const files = {
    names: () => Promise.resolve([...own]),
    keepSharedRequest: (one: BreakglassRequest, at: Date) => {
      assert.equal(at, since)
      return Promise.resolve(void given.push(one.reason))
    },
    keepGrant: (bytes: Uint8Array) => {
      const name = Buffer.from(bytes).toString()
      given.push(name)
      if (!state.keep) throw unknownKey
      return Promise.resolve({ name, digest: '', artifact: '', signers: [] })
    },
  }
  const open = () => new DeskCopies({ folder, files, shelf: shared, now: () => state.now })
  const write = (name: string, at = new Date()): void => {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, name)
    utimesSync(file, at, at)
    own.add(name)
  }
  /** Somebody else has handed it over. */
  const others = (...names: readonly string[]): void => {
    for (const name of names) shelf.set(name, Buffer.from(name))
  }
  return { folder, open, write, others, shelf, given, state }
}

test('what others were sent is fetched once; what is not kept is looked at again after half a minute', async (t) => {
  const { open, others, given, state } = replica(t)
  const copies = open()
  others(grant(1))
  state.keep = false
  for (const [now, times] of [
    [0, 1],
    [29_999, 1],
    [30_000, 2],
    [59_999, 2],
  ] as const) {
    state.now = now
    await copies.exchange()
    assert.equal(given.length, times)
  }
  state.keep = true
  for (const now of [60_000, 600_000]) {
    state.now = now
    await copies.exchange()
    assert.equal(given.length, 3)
  }
})

test('what is not what its name says, or has gone meanwhile, keeps nothing else from being fetched', async (t) => {
  const { open, others, shelf, given } = replica(t)
  const name = `requests/${requestId(request)}.json`
  const forged = `requests/${'0'.repeat(32)}.json`
  others('grants/other', grant(2), grant(1))
  for (const one of [forged, name]) shelf.set(one, encodeRequest(request))
  const [copies, get] = [open(), shelf.get.bind(shelf)]
  shelf.get = (one) => (one === grant(2) ? undefined : get(one))
  await copies.exchange()
  assert.deepEqual(given, [grant(1), request.reason])
})

test('what could not be handed over is handed over later, and is not fetched', async (t) => {
  const { open, write, shelf, given, state } = replica(t)
  const copies = open()
  write(grant(1))
  state.isAway = true
  await assert.rejects(copies.exchange(), /away/)
  state.isAway = false
  write(grant(2))
  copies.add(grant(2))
  for (let twice = 0; twice < 2; twice += 1) await copies.exchange()
  assert.deepEqual([...shelf.keys()].sort(), [grant(1), grant(2)])
  shelf.clear()
  await copies.exchange()
  assert.deepEqual([[...shelf.keys()], given], [[], []])
})

test('what is too old, or has been moved away, is not handed over, and keeps nothing else from it', async (t) => {
  const { open, write, folder, shelf } = replica(t)
  const day = 86_400_000
  write(grant(1), new Date(Date.now() - 8 * day - 1000))
  write(grant(2), new Date(Date.now() - 8 * day + 60_000))
  write(grant(3))
  rmSync(join(folder, grant(3)))
  write(grant(4))
  await open().exchange()
  assert.deepEqual([...shelf.keys()], [grant(2), grant(4)])
})

test('what was there and has been moved away stays away, also after a start, as long as others have it', async (t) => {
  const { folder, open, others, shelf, given } = replica(t)
  const list = (): string => readFileSync(join(folder, 'shared-names.txt'), 'utf8')
  others(grant(2), grant(1), 'grants/other')
  await open().exchange()
  assert.equal(list(), `${grant(1)}\n${grant(2)}`)
  const again = open()
  await again.exchange()
  assert.equal(given.length, 2)
  shelf.delete(grant(1))
  await again.exchange()
  assert.equal(list(), grant(2))
  others(grant(1))
  await again.exchange()
  assert.deepEqual(given.slice(2), [grant(1)])
})

test('the list of what was there is written when it changes, and later where it cannot be', async (t) => {
  const { folder, open, others } = replica(t)
  const file = join(folder, 'shared-names.txt')
  mkdirSync(file)
  const copies = open()
  others(grant(1))
  await copies.exchange()
  rmSync(file, { recursive: true })
  await copies.exchange()
  assert.equal(readFileSync(file, 'utf8'), grant(1))
  rmSync(file)
  await copies.exchange()
  assert.throws(() => readFileSync(file), { code: 'ENOENT' })
})
