import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

test('of several who give a database its write-ahead log at the same moment, none is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sqlite-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const script = `
    const { workerData: { module, folder, count, meeting } } = require('node:worker_threads')
    const { DatabaseSync } = require('node:sqlite')
    const waiting = new Int32Array(meeting)
    import(module).then(({ useWriteAheadLog }) => {
      for (let round = 0; round < 50; round += 1) {
        const database = new DatabaseSync(folder + '/' + round + '.db', { timeout: 10000 })
        Atomics.add(waiting, 0, 1)
        while (Atomics.load(waiting, 0) < count * (round + 1));
        useWriteAheadLog(database)
        database.exec('CREATE TABLE IF NOT EXISTS there (one INTEGER) STRICT; INSERT INTO there VALUES (1)')
        database.close()
      }
    })`
  const count = 3
  const workerData = {
    module: new URL('sqlite.ts', import.meta.url).href,
    folder,
    count,
    meeting: new SharedArrayBuffer(4),
  }
  const threads = Array.from(
    { length: count },
    () => new Worker(script, { eval: true, workerData }),
  )
  t.after(() => Promise.all(threads.map((thread) => thread.terminate())))
  const codes = await Promise.all(
    threads.map(
      (thread) =>
        new Promise((resolve, reject) => thread.once('error', reject).once('exit', resolve)),
    ),
  )
  assert.deepEqual(codes, [0, 0, 0])
})
