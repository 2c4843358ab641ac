// AUD-08 on real files: what is acknowledged is on the disk, and not only in the cache of the kernel, which outlives a
// process that is killed but no power failure.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Spool } from '#log'
import { openFileBlobs, openFileLogStorage } from '#store'
import { JournalFile } from './journal-file.ts'
import { openFileSpool } from './spool-storage.ts'
import { watchDisk } from './testing/watch-disk.ts'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-durable-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The module as it is on a system where no flag makes each write wait for the disk. */
async function journalElsewhere(): Promise<typeof JournalFile> {
  const own = Object.getOwnPropertyDescriptor(process, 'platform')
  const name = './journal-file.ts?elsewhere'
  Object.defineProperty(process, 'platform', { ...own, value: 'darwin' })
  try {
    return ((await import(name)) as { JournalFile: typeof JournalFile }).JournalFile
  } finally {
    Object.defineProperty(process, 'platform', own ?? {})
  }
}

for (const [where, load] of [
  ['here', async () => JournalFile],
  ['where every write is followed by a sync', journalElsewhere],
] as const)
  test(`a record is on the disk before an append to the journal ends, ${where}`, async (t) => {
    const folder = temporary(t)
    mkdirSync(join(folder, 'tmp'))
    const path = join(folder, 'journal')
    const journal = new (await load())(folder)
    await using disk = await watchDisk()
    t.after(() => journal.close())
    await journal.replace(Buffer.alloc(100, 1))
    assert.deepEqual([disk.writes(path), disk.isUnsafe(path)], [1, false])
    assert.equal(disk.syncs(folder), 1, 'the name is on the disk, too')
    journal.begin()
    // The second is long: room is made behind it, and the third is written into that.
    for (const [at, size] of [100, 300_000, 100].entries()) {
      await journal.append(Buffer.from([0, 0, 0, 1, 2, ...new Uint8Array(size).fill(3)]))
      assert.equal(disk.isUnsafe(path), false)
      assert.ok(disk.writes(path) >= 2 + at)
      await journal.atRest()
    }
  })

test('tiles are on the disk before the journal that could make them again is replaced', async (t) => {
  const folder = temporary(t)
  const storage = openFileLogStorage(folder)
  t.after(() => storage.close())
  await using disk = await watchDisk()
  const writer = await storage.lock()
  await writer.write([{ path: 'tile/0/000', bytes: Buffer.alloc(8192) }])
  await writer.unlock()
  const tile = join(folder, 'tile/0/000')
  assert.equal(disk.isUnsafe(tile), true, 'nobody has waited for it yet')
  await storage.settle(['tile/0/000'])
  assert.equal(disk.isUnsafe(tile), false)
  for (const above of ['tile/0', 'tile', '.']) assert.ok(disk.syncs(join(folder, above)) > 0, above)
})

test('a body is on the disk, with its name, before it is said to be kept', async (t) => {
  const folder = temporary(t)
  const { bodies } = openFileBlobs(folder)
  await using disk = await watchDisk()
  const digest = await bodies.put(Buffer.from('evidence'))
  const path = join(folder, 'sha256', digest.slice(0, 2), digest)
  assert.deepEqual([disk.writes(path), disk.isUnsafe(path)], [1, false])
  assert.ok(disk.syncs(join(path, '..')) > 0)
})

test('a decision that is spooled is on the disk, with its bodies, before anybody is answered', async (t) => {
  const home = temporary(t)
  const folder = join(home, 'spool')
  const spool = new Spool({
    storage: openFileSpool({ folder, memory: join(home, 'keys', 'log.memory.spool') }),
    origin: 'log.example',
    limits: { maxEntries: 100, maxBytes: 1_000_000 },
    clock: () => new Date(),
  })
  t.after(() => spool.close())
  await using disk = await watchDisk()
  for (let at = 0; at < 3; at += 1) {
    await spool.add({ entry: Buffer.from(`entry ${at}`), bodies: [Buffer.from(`body ${at}`)] })
    const lines = join(folder, 'entries.jsonl')
    assert.deepEqual([disk.writes(lines), disk.isUnsafe(lines)], [at + 2, false])
    const blobs = readdirSync(join(folder, 'blobs'), { recursive: true, encoding: 'utf8' })
    const bodies = blobs.filter((name) => /[0-9a-f]{64}$/.test(name))
    assert.equal(bodies.length, at + 1)
    for (const name of bodies) {
      assert.equal(disk.writes(join(folder, 'blobs', name)), 1)
      assert.equal(disk.isUnsafe(join(folder, 'blobs', name)), false)
    }
  }
  assert.ok(disk.syncs(folder) > 0, 'so is the name of its file')
})
