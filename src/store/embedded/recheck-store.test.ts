import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { recheckStoreContract } from '../../recheck/store.case.ts'
import { openFileRecheckStore } from './recheck-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-recheck-'))
after(() => rmSync(folder, { recursive: true }))

recheckStoreContract('files', () => Promise.resolve(openFileRecheckStore(join(folder, 'a'))))

test('what was never noted is nothing, and nobody else can read what is', async () => {
  await using store = openFileRecheckStore(join(folder, 'b'))
  assert.equal(await store.note(), undefined)
  assert.equal(await store.take(), true)
  await store.keep(Buffer.from('x'))
  assert.equal(statSync(join(folder, 'b', 'note.json')).mode & 0o777, 0o600)
})
