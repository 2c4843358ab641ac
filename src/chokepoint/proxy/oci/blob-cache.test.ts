import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sha256Hex } from '#document'
import { openBlobCache, type BlobCache } from './blob-cache.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-cache-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const fail = (error: unknown): never => {
  throw error
}
const open = (folder: string, maxBytes = 1000) =>
  openBlobCache({ folder: join(dir, folder), maxBytes, onError: fail })

async function keep(cache: BlobCache, text: string): Promise<string> {
  const bytes = Buffer.from(text)
  const sha256 = sha256Hex(bytes)
  const keeper = await cache.keeper(sha256, bytes.length)
  await keeper.write(bytes)
  await keeper.commit()
  return sha256
}

test('what was kept is there after a restart; what was not finished is not', async () => {
  const first = await open('restart')
  const sha256 = await keep(first, 'whole')
  const other = await first.keeper('b'.repeat(64), 10)
  await other.write(Buffer.from('half'))
  const second = await open('restart')
  const found = await second.find(sha256)
  assert.equal(found && readFileSync(found.path, 'utf8'), 'whole')
  assert.equal(await second.find('b'.repeat(64)), undefined)
  assert.deepEqual(readdirSync(join(dir, 'restart/tmp')), [])
  await other.abort()
})

test('there are never more bytes than are allowed; what was not asked for longest goes', async () => {
  const cache = await open('bounded', 250)
  const [a, b] = [await keep(cache, 'a'.repeat(100)), await keep(cache, 'b'.repeat(100))]
  await cache.find(a)
  const c = await keep(cache, 'c'.repeat(100))
  assert.deepEqual(
    await Promise.all([a, b, c].map(async (one) => (await cache.find(one)) !== undefined)),
    [true, false, true],
  )
  assert.ok(cache.bytes <= 250)
  const large = await keep(cache, 'd'.repeat(251))
  assert.equal(await cache.find(large), undefined)
})

test('room that somebody is filling is not promised twice', async () => {
  const cache = await open('promised', 100)
  const first = await cache.keeper('1'.repeat(64), 80)
  await keep(cache, 'x'.repeat(50))
  assert.equal(cache.bytes, 0)
  await first.abort()
  await keep(cache, 'x'.repeat(50))
  assert.equal(cache.bytes, 50)
})

test('a file that was cut or taken away is not there', async () => {
  const cache = await open('cut')
  const sha256 = await keep(cache, 'whole')
  const found = await cache.find(sha256)
  writeFileSync(found?.path ?? '', 'who')
  assert.equal(await cache.find(sha256), undefined)
  assert.equal(existsSync(found?.path ?? ''), false)
  assert.equal(cache.bytes, 0)
})

test('a disk that fails keeps nothing, and keeps nobody from anything', async () => {
  const errors: unknown[] = []
  const folder = join(dir, 'failing')
  const cache = await openBlobCache({ folder, maxBytes: 1000, onError: (one) => errors.push(one) })
  rmSync(folder, { recursive: true })
  const sha256 = await keep(cache, 'text')
  assert.equal(await cache.find(sha256), undefined)
  assert.equal(errors.length, 1)
})
