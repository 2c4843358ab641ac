import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { beginNotes } from './notes.ts'

test('of several who open new notes at the same moment, none is refused, and one replaces the first', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-notes-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const rounds = 20
  for (let round = 0; round < rounds; round += 1) beginNotes(join(folder, `${round}.db`), 'first')
  const script = `
    const { workerData: { module, folder, count, rounds, meeting }, parentPort } = require('node:worker_threads')
    const waiting = new Int32Array(meeting)
    import(module).then(({ openNotes }) => {
      let won = 0
      for (let round = 0; round < rounds; round += 1) {
        Atomics.add(waiting, 0, 1)
        while (Atomics.load(waiting, 0) < count * (round + 1));
        openNotes(folder + '/' + round + '.db').replace(({ note }) => {
          if (note === 'first') won += 1
          return 'second'
        })
      }
      parentPort.postMessage(won)
    })`
  const count = 3
  const workerData = {
    module: new URL('notes.ts', import.meta.url).href,
    folder,
    count,
    rounds,
    meeting: new SharedArrayBuffer(4),
  }
  const threads = Array.from(
    { length: count },
    () => new Worker(script, { eval: true, workerData }),
  )
  t.after(() => Promise.all(threads.map((thread) => thread.terminate())))
  const won = await Promise.all(
    threads.map(
      (thread) =>
        new Promise<number>((resolve, reject) =>
          thread.once('error', reject).once('message', resolve),
        ),
    ),
  )
  assert.equal(
    won.reduce((sum, one) => sum + one, 0),
    rounds,
  )
})
