import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { endOfRecords, openLog, verifyLog, type Log, type LogStorage } from '#log'
import { openFileLogStorage } from '#store'
import { storageContract } from '../../log/storage.case.ts'
import { fileMemory, RememberingSigner } from '../../log/testing/remembering-signer.ts'
import { entries } from '../../log/testing/simulation.ts'

storageContract('folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'))
  return {
    open: () => openFileLogStorage(join(folder, 'deep/log')),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  }
})

test('reading makes nothing', async (t) => {
  const folder = temporary(t)
  const storage = openFileLogStorage(join(folder, 'log'))
  assert.equal(await storage.read('checkpoint'), undefined)
  assert.equal(await storage.peekJournal(), undefined)
  await storage.close()
  assert.deepEqual(readdirSync(folder), [])
})

test('whoever verifies a copy makes nothing in it', async (t) => {
  const folder = temporary(t)
  await fill(folder, 3)
  const copy = join(folder, 'copy')
  cpSync(join(folder, 'log'), copy, { recursive: true })
  rmSync(join(copy, '.state'), { recursive: true })
  const kept = await fill(folder, 3)
  const { origin, verifierKeys } = signerOf(folder)
  const storage = openFileLogStorage(copy)
  const report = await verifyLog({ storage, origin, verifierKeys, earlier: [kept] })
  await storage.close()
  assert.deepEqual(
    report.problems.map(({ code }) => code),
    ['LOG_TRUNCATED'],
  )
  assert.deepEqual(readdirSync(copy).toSorted(), ['checkpoint', 'tile'])
})

test('no path leads out of the folder', async (t) => {
  const storage = openFileLogStorage(temporary(t))
  for (const path of ['../secret', '/etc/passwd', 'tile/0/../../../secret', '.state/journal', ''])
    await assert.rejects(storage.read(path), { code: 'TILE_PATH_MALFORMED' })
  await storage.close()
})

test('what is in the log is read-only, and what is the writers’ is theirs alone', async (t) => {
  const folder = temporary(t)
  await fill(folder, 300)
  for (const path of ['checkpoint', 'tile/0/000', 'tile/entries/001.p/44'])
    assert.equal(statSync(join(folder, 'log', path)).mode & 0o222, 0)
  assert.equal(statSync(join(folder, 'log/.state')).mode & 0o077, 0)
  assert.equal(statSync(join(folder, 'log/.state/journal')).mode & 0o077, 0)
})

test('what a dead process left unfinished is removed', async (t) => {
  const folder = temporary(t)
  await fill(folder, 3)
  writeFileSync(join(folder, 'log/.state/tmp/left-over'), 'half a tile')
  await fill(folder, 3)
  assert.deepEqual(readdirSync(join(folder, 'log/.state/tmp')), [])
})

test('partial tiles are gone when the full one is there and durable', async (t) => {
  const folder = temporary(t)
  await fill(folder, 10)
  assert.deepEqual(readdirSync(join(folder, 'log/tile/0')), ['000.p'])
  await fill(folder, 300)
  assert.deepEqual(readdirSync(join(folder, 'log/tile/0')).sort(), ['000', '001.p'])
  assert.deepEqual(readdirSync(join(folder, 'log/tile/entries')).sort(), ['000', '001.p'])
})

test('a file larger than any log has is not read', async (t) => {
  const folder = temporary(t)
  mkdirSync(join(folder, 'tile/0'), { recursive: true })
  writeFileSync(join(folder, 'tile/0/000'), '')
  truncateSync(join(folder, 'tile/0/000'), 2 ** 40)
  const storage = openFileLogStorage(folder)
  await assert.rejects(storage.read('tile/0/000'), { code: 'LOG_CORRUPT' })
  await storage.close()
})

test('what cannot be read is a problem that names the file', async (t) => {
  const folder = temporary(t)
  mkdirSync(join(folder, 'checkpoint'))
  const storage = openFileLogStorage(folder)
  await assert.rejects(storage.read('checkpoint'), { code: 'LOG_UNREADABLE', found: /EISDIR/ })
  await storage.close()
})

test('what the disk refuses is a problem that names the folder', async (t) => {
  const folder = temporary(t)
  writeFileSync(join(folder, 'log'), 'a file where the folder should be')
  const storage = openFileLogStorage(join(folder, 'log'))
  await assert.rejects(storage.lock(), { code: 'LOG_STORAGE_FAILED', fix: /EEXIST|ENOTDIR/ })
  await storage.close()
  const full = join(folder, 'full')
  await fill(full, 1)
  // Every write to /dev/full says that there is no space left.
  rmSync(join(full, 'log/.state/journal'))
  symlinkSync('/dev/full', join(full, 'log/.state/journal'))
  const other = openFileLogStorage(join(full, 'log'))
  const writer = await other.lock()
  await assert.rejects(writer.appendJournal(Buffer.from('record')), { code: 'LOG_STORAGE_FULL' })
  await writer.unlock()
  await other.close()
})

test('unknown options are refused', () => {
  assert.throws(() => openFileLogStorage('/nowhere', { lockTimeOut: 1 } as object), TypeError)
})

test('a lock that another process does not give back is reported in time', async (t) => {
  const folder = temporary(t)
  const [holder, waiter] = [
    openFileLogStorage(folder),
    openFileLogStorage(folder, { lockTimeout: 20 }),
  ]
  const writer = await holder.lock()
  await assert.rejects(waiter.lock(), { code: 'LOG_LOCK_TIMEOUT' })
  await writer.unlock()
  await (await waiter.lock()).unlock()
  await holder.close()
  await waiter.close()
})

test('the lock of a process is free as soon as it is killed', async (t) => {
  const folder = temporary(t)
  const program = `
    const { openFileLogStorage } = await import('#store')
    await openFileLogStorage(${JSON.stringify(folder)}).lock()
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const impatient = openFileLogStorage(folder, { lockTimeout: 5 })
  await assert.rejects(impatient.lock(), { code: 'LOG_LOCK_TIMEOUT' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await impatient.lock()).unlock()
  await impatient.close()
})

test('a log in a folder verifies after it was opened again and again', async (t) => {
  const folder = temporary(t)
  const checkpoints: string[] = []
  for (const count of [1, 255, 1, 300]) checkpoints.push(await fill(folder, count))
  const storage = openFileLogStorage(join(folder, 'log'))
  const { origin, verifierKeys } = signerOf(folder)
  const report = await verifyLog({ storage, origin, verifierKeys, earlier: checkpoints })
  assert.deepEqual(report.problems, [])
  assert.equal(report.size, 557)
  await storage.close()
})

for (const torn of ['ffffffff', '0000232800', '00002328027777777777'])
  test(`a commit that a power failure cut off behind the journal, in its room, is undone: ${torn}`, async (t) => {
    const folder = temporary(t)
    const journal = join(folder, 'log/.state/journal')
    const large = (at: number): Buffer => Buffer.alloc(50_000, `${at}.`)
    const dead = await open(folder)
    for (let at = 0; at < 10; at += 1) await dead.log.append(large(at))
    // Room is made beside what is answered: the lock is given back when it is there.
    await (await dead.storage.lock()).unlock()
    const bytes = readFileSync(journal)
    const end = endOfRecords(bytes)
    assert.ok(bytes.length - end >= 2 ** 19, `${bytes.length} bytes, records to ${end}`)
    bytes.write(torn, end, 'hex')
    writeFileSync(journal, bytes)
    const next = await open(folder)
    assert.deepEqual(Buffer.from(await next.log.entry(9)), large(9))
    assert.equal((await next.log.append(large(10))).index, 10)
    await next.log.close()
    for (const { storage } of [next, dead]) await storage.close()
  })

async function open(folder: string): Promise<{ storage: LogStorage; log: Log }> {
  const storage = openFileLogStorage(join(folder, 'log'))
  return { storage, log: await openLog({ storage, signer: signerOf(folder) }) }
}

async function fill(folder: string, count: number): Promise<string> {
  const { storage, log } = await open(folder)
  await Promise.all(entries(log.size, count).map((one) => log.append(one)))
  await log.close()
  await storage.close()
  return log.checkpoint()
}

function signerOf(folder: string): RememberingSigner {
  return new RememberingSigner(fileMemory(join(folder, 'memory')), 1)
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
