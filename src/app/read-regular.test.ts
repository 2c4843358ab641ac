import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readRegular } from './read-regular.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-regular-'))
after(() => rmSync(folder, { recursive: true }))

test('a file is read up to its bound, and what is larger is told with its size', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, 'text')
  assert.equal((await readRegular(file, 4)).toString(), 'text')
  await assert.rejects(readRegular(file, 3), { code: '4 bytes', size: 4 })
})

test('a pipe that nobody writes, a device and a folder are refused at once', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const place of [pipe, '/dev/zero', folder])
    await assert.rejects(readRegular(place, 4), { code: 'a folder, pipe or device' })
})
