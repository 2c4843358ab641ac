import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atOnce } from '../../../test/threads/at-once.ts'

test('of several who give a database its write-ahead log at the same moment, none is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sqlite-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const rounds = 50
  const written = await atOnce(
    t,
    { module: new URL('sqlite.ts', import.meta.url), folder, rounds },
    `({ useWriteAheadLog }, path, together) => {
      const { DatabaseSync } = require('node:sqlite')
      const database = new DatabaseSync(path, { timeout: 10000 })
      together()
      useWriteAheadLog(database)
      database.exec('CREATE TABLE IF NOT EXISTS there (one INTEGER) STRICT; INSERT INTO there VALUES (1)')
      database.close()
      return 1
    }`,
  )
  assert.equal(written, 3 * rounds)
})
