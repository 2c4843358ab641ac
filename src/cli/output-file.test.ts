import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { writeOutput } from './output-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-output-'))
after(() => rmSync(folder, { recursive: true }))

test('a file is written anew, or added to', async () => {
  const file = join(folder, 'file')
  await writeOutput(file, 'one, which is long')
  await writeOutput(file, 'two')
  await writeOutput(file, ' three', 'a')
  assert.equal(readFileSync(file, 'utf8'), 'two three')
})

test('a pipe that nobody reads is not waited for, and one that somebody reads is given all', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  await assert.rejects(writeOutput(pipe, 'lost'), { code: 'ENXIO' })
  const text = 'more than a pipe holds\n'.repeat(10_000)
  const reading = promisify(execFile)('cat', [pipe], { maxBuffer: 1e6 })
  for (;;) {
    const error = await writeOutput(pipe, text).catch((cause: unknown) => cause)
    if (error === undefined) break
  }
  assert.equal((await reading).stdout, text)
})
