import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atOnce } from '../../test/threads/at-once.ts'
import { beginNotes } from './notes.ts'

test('of several who open new notes at the same moment, none is refused, and one replaces the first', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-notes-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const rounds = 20
  for (let round = 0; round < rounds; round += 1) beginNotes(join(folder, `${round}.db`), 'first')
  const won = await atOnce(
    t,
    { module: new URL('notes.ts', import.meta.url), folder, rounds },
    `({ openNotes }, path, together) => {
      together()
      let won = 0
      openNotes(path).replace(({ note }) => {
        if (note === 'first') won = 1
        return 'second'
      }, 'durably')
      return won
    }`,
  )
  assert.equal(won, rounds)
})
