import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sha256Hex } from '#document'
import { openFileBlobs } from '#store'

const bytes = Buffer.from('some evidence')
const digest = sha256Hex(bytes)

test('what was put is read by its digest, by others too', async (t) => {
  const { folder, blobs } = open(t)
  assert.deepEqual(await blobs.put(bytes), { sha256: digest, size: bytes.length })
  assert.deepEqual(await openFileBlobs(folder).read(digest), bytes)
  assert.ok(await blobs.has(digest))
  assert.deepEqual(readFileSync(blobs.path(digest)), bytes)
})

test('a blob is read-only', async (t) => {
  const { blobs } = open(t)
  await blobs.put(bytes)
  assert.equal(statSync(blobs.path(digest)).mode & 0o222, 0)
})

test('putting the same bytes again changes nothing', async (t) => {
  const { blobs } = open(t)
  await blobs.put(bytes)
  const { ino } = statSync(blobs.path(digest))
  await Promise.all(Array.from({ length: 5 }, () => blobs.put(bytes)))
  assert.equal(statSync(blobs.path(digest)).ino, ino)
})

test('the same bytes put at once are written once, and nothing is left over', async (t) => {
  const { folder, blobs } = open(t)
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => blobs.put(Buffer.from(`body ${at % 10}`))),
  )
  assert.deepEqual(readdirSync(join(folder, 'tmp')), [])
  for (let at = 0; at < 10; at += 1) assert.ok(await blobs.has(sha256Hex(`body ${at}`)))
})

test('a blob that is not there is missing, and named', async (t) => {
  const { blobs } = open(t)
  assert.ok(!(await blobs.has(digest)))
  await assert.rejects(blobs.read(digest), { code: 'BLOB_MISSING', expected: new RegExp(digest) })
})

test('an altered blob is never given', async (t) => {
  const { blobs } = open(t)
  await blobs.put(bytes)
  const path = blobs.path(digest)
  chmodSync(path, 0o644)
  writeFileSync(path, 'some evidencE')
  await assert.rejects(blobs.read(digest), { code: 'BLOB_CORRUPT' })
  await assert.rejects(blobs.bodies.get(digest), { code: 'BLOB_CORRUPT' })
})

test('a blob that was cut off is replaced when its bytes are put again', async (t) => {
  const { folder, blobs } = open(t)
  await blobs.put(bytes)
  chmodSync(blobs.path(digest), 0o644)
  writeFileSync(blobs.path(digest), 'some')
  await blobs.put(bytes)
  assert.deepEqual(await blobs.read(digest), bytes)
  chmodSync(blobs.path(digest), 0o644)
  writeFileSync(blobs.path(digest), '')
  await openFileBlobs(folder).put(bytes)
  assert.deepEqual(await blobs.read(digest), bytes)
})

test('a file is moved in under the digest of its content', async (t) => {
  const { folder, blobs } = open(t)
  const file = join(folder, '..', 'download')
  writeFileSync(file, bytes)
  assert.deepEqual(await blobs.putFile(file, digest), { sha256: digest, size: bytes.length })
  assert.ok(!existsSync(file))
  assert.deepEqual(await blobs.read(digest), bytes)
  assert.equal(statSync(blobs.path(digest)).mode & 0o222, 0)
})

test('a file that is there already is only removed', async (t) => {
  const { folder, blobs } = open(t)
  await blobs.put(bytes)
  const { ino } = statSync(blobs.path(digest))
  const file = join(folder, '..', 'download')
  writeFileSync(file, bytes)
  await blobs.putFile(file)
  assert.ok(!existsSync(file))
  assert.equal(statSync(blobs.path(digest)).ino, ino)
})

test('a file with another digest does not enter the store', async (t) => {
  const { folder, blobs } = open(t)
  const file = join(folder, '..', 'download')
  writeFileSync(file, 'other bytes')
  await assert.rejects(blobs.putFile(file, digest), {
    code: 'BLOB_DIGEST_MISMATCH',
    found: sha256Hex('other bytes'),
  })
  assert.ok(existsSync(file))
  assert.ok(!(await blobs.has(digest)))
  assert.ok(!(await blobs.has(sha256Hex('other bytes'))))
})

test('a digest is 64 lower-case hex digits, so no digest leads out of the store', async (t) => {
  const { blobs } = open(t)
  for (const odd of [
    '',
    '..',
    '../../etc/passwd',
    digest.toUpperCase(),
    `${digest}0`,
    digest.slice(1),
  ]) {
    assert.throws(() => blobs.path(odd), { code: 'BLOB_DIGEST_MALFORMED' })
    await assert.rejects(blobs.has(odd), { code: 'BLOB_DIGEST_MALFORMED' })
    await assert.rejects(blobs.bodies.get(odd), { code: 'BLOB_DIGEST_MALFORMED' })
  }
})

test('what the disk refuses is a problem that names the folder', async (t) => {
  const { folder } = open(t)
  writeFileSync(join(folder, '..', 'file'), '')
  const blobs = openFileBlobs(join(folder, '..', 'file'))
  await assert.rejects(blobs.put(bytes), { code: 'BLOB_STORE_FAILED', fix: /permissions/ })
})

test('bodies are the same blobs', async (t) => {
  const { blobs } = open(t)
  assert.equal(await blobs.bodies.put(bytes), digest)
  assert.deepEqual(await blobs.read(digest), bytes)
  assert.deepEqual(await blobs.bodies.get(digest), bytes)
  assert.equal(await blobs.bodies.get(sha256Hex('unknown')), undefined)
})

function open(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-blobs-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const folder = join(home, 'blobs')
  return { folder, blobs: openFileBlobs(folder) }
}
