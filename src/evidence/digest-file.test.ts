import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { digestFile } from './digest-file.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-digest-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('a file is known by its SHA-256 and SHA-512, whatever its size', async () => {
  for (const size of [0, 1, 65_536, 3 * 1024 * 1024 + 7]) {
    const content = randomBytes(size)
    const file = join(folder, `f${size}`)
    writeFileSync(file, content)
    const hex = (algorithm: string): string => createHash(algorithm).update(content).digest('hex')
    assert.deepEqual(await digestFile(file), {
      digest: { sha256: hex('sha256'), sha512: hex('sha512') },
      size,
    })
  }
})

test('a link to a file is the file', async () => {
  writeFileSync(join(folder, 'f'), 'x')
  symlinkSync('f', join(folder, 'link'))
  assert.deepEqual(await digestFile(join(folder, 'link')), await digestFile(join(folder, 'f')))
})

test('a folder, a pipe and a missing file are refused, each with its own words', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await assert.rejects(digestFile(folder), { code: 'EVIDENCE_FILE_NOT_REGULAR' })
  await assert.rejects(digestFile(join(folder, 'pipe')), { code: 'EVIDENCE_FILE_NOT_REGULAR' })
  await assert.rejects(digestFile(join(folder, 'none')), { code: 'EVIDENCE_FILE_MISSING' })
  writeFileSync(join(folder, 'f'), 'x')
  await assert.rejects(digestFile(join(folder, 'f', 'g')), { code: 'EVIDENCE_FILE_MISSING' })
})

test('a file that grows while it is read is refused', async () => {
  const file = join(folder, 'f')
  writeFileSync(file, randomBytes(8 * 1024 * 1024))
  const reading = digestFile(file)
  const writing = setInterval(() => appendFileSync(file, 'x'), 0)
  try {
    await assert.rejects(reading, { code: 'EVIDENCE_FILE_CHANGED' })
  } finally {
    clearInterval(writing)
  }
})
