import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { SallyportError } from '#error'
import { openFileCheckpoints } from './checkpoints.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-checkpoints-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = () => openFileCheckpoints(folder, { durable: true })

test('a checkpoint is there when it is opened again', async () => {
  const store = open()
  assert.equal(await store.newest('a'), undefined)
  assert.equal(await store.replace('a', undefined, 'one'), true)
  store.close()
  const again = open()
  assert.equal(await again.newest('a'), 'one')
  assert.equal(await again.newest('b'), undefined)
  again.close()
})

test('a checkpoint is replaced only where it is the expected one, whoever else has the folder open', async () => {
  const [first, second] = [open(), open()]
  assert.equal(await first.replace('a', undefined, 'one'), true)
  assert.equal(await second.replace('a', undefined, 'two'), false)
  assert.equal(await second.replace('a', 'one', 'two'), true)
  assert.equal(await first.replace('a', 'one', 'three'), false)
  assert.equal(await first.newest('a'), 'two')
  first.close()
  second.close()
})

test('of many who replace the same at once, one does', async () => {
  const stores = Array.from({ length: 8 }, open)
  const done = await Promise.all(stores.map((store, at) => store.replace('a', undefined, `${at}`)))
  assert.equal(done.filter(Boolean).length, 1)
  for (const store of stores) store.close()
})

test('evidence is kept once, not without end, and of each log', async () => {
  const store = open()
  await store.keepEvidence('a', 'fork')
  await store.keepEvidence('a', 'fork')
  assert.equal(readdirSync(join(folder, 'evidence')).length, 1)
  for (let at = 0; at < 40; at += 1) await store.keepEvidence('a', `fork ${at}`)
  assert.equal(readdirSync(join(folder, 'evidence')).length, 16)
  assert.match(await store.keepEvidence('b', 'fork'), /\.txt$/)
  assert.equal(readdirSync(join(folder, 'evidence')).length, 17)
  store.close()
})

test('a folder that cannot be used is a problem that names it', () => {
  const file = '/dev/null/checkpoints'
  assert.throws(
    () => openFileCheckpoints(file, { durable: true }),
    (error) => error instanceof SallyportError && error.code === 'WITNESS_STATE_FAILED',
  )
})
