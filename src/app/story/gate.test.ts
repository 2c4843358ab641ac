import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { initHome } from '../init/init.ts'
import { startStoryGate } from './gate.ts'

test('a gate whose folder cannot be made is told as such', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-story-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const place = { home: join(folder, 'home'), cwd: folder, env: {} }
  execFileSync('git', ['init', '-q', folder])
  const now = new Date('2026-06-01T12:00:00Z')
  await initHome({ ...place, now, repository: 'https://git.example/acme/shop' })
  writeFileSync(join(place.home, 'gate'), '')
  const artifact = { artifact: join(folder, 'shop.tgz'), sha256: 'a'.repeat(64) }
  const begun = startStoryGate({ ...place, ...artifact, clock: () => now, out: process.stderr })
  await assert.rejects(begun, { code: 'FILE_UNWRITABLE', where: join(place.home, 'gate') })
})
