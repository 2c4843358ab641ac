import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { readSpool, Spool } from '#log'
import { openFileSpool, passingFileSystem } from './spool-storage.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const storageOf = () =>
  openFileSpool({ folder: join(home, 'spool'), memory: join(home, 'keys', 'log.memory.spool') })
const limits = { maxEntries: 100, maxBytes: 1_000_000 }
const open = () =>
  new Spool({ storage: storageOf(), origin: 'log.example', limits, clock: () => new Date() })
const entry = (at: number) => ({
  entry: Buffer.from(`entry ${at}`),
  bodies: [Buffer.from(`body ${at}`)],
})

test('what is spooled is there for the next process, and nobody else can read it', async () => {
  const first = open()
  for (let at = 0; at < 3; at += 1) await first.add(entry(at))
  const file = join(home, 'spool', 'entries.jsonl')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(home, 'spool')).mode & 0o777, 0o700)
  assert.equal((await readSpool(storageOf())).entries, 3)
  await first.close()
  const second = open()
  assert.equal(await second.open(), true)
  const recorded: string[] = []
  const bodies = { put: (bytes: Uint8Array) => Promise.resolve(Buffer.from(bytes).toString()) }
  await second.forward({
    bodies,
    record: (entries) => {
      recorded.push(...entries.map(({ entry: bytes }) => Buffer.from(bytes).toString()))
      return Promise.resolve(entries.map((_, at) => at))
    },
  })
  assert.deepEqual(recorded, ['entry 0', 'entry 1', 'entry 2'])
  assert.ok(!readdirSync(join(home, 'spool')).includes('blobs'))
  await second.close()
})

test('one at a time has it; who lets go of it, or dies, leaves it to the next', async () => {
  const first = open()
  await first.add(entry(0))
  const second = open()
  assert.equal(await second.open(), false)
  await assert.rejects(second.add(entry(1)), { code: 'LOG_SPOOL_TAKEN' })
  await first.close()
  await second.add(entry(1))
  assert.equal(second.standing.entries, 2)
  await second.close()
})

test('a spool that somebody has removed is not begun again under the hands of a gate that answers from it', async () => {
  const spool = open()
  await spool.add(entry(0))
  unlinkSync(join(home, 'spool', 'entries.jsonl'))
  await assert.rejects(spool.add(entry(1)), { code: 'LOG_SPOOL_FAILED' })
  await spool.close()
  await assert.rejects(open().open(), { code: 'LOG_SPOOL_DAMAGED' })
})

test('a folder that cannot be made is told', async () => {
  writeFileSync(join(home, 'spool'), '')
  await assert.rejects(open().open(), { code: 'LOG_SPOOL_FAILED' })
})

test('a file system that ends with the machine is known as such, also where the folder is not there yet', async (t) => {
  assert.equal(await passingFileSystem(join(home, 'not', 'there')), await passingFileSystem(home))
  const isShared = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true
  if (!isShared) return t.skip('skipped: no /dev/shm')
  assert.equal(await passingFileSystem('/dev/shm/sallyport/spool'), 'tmpfs')
})
