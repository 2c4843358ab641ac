import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { readNamed, readPolicyFiles } from './input.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-input-'))
  mkdirSync(join(home, 'policies'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('a file in the home is known by its name there, so that a record does not depend on where the home is', async () => {
  writeFileSync(join(home, 'trust.yaml'), 'a')
  assert.equal((await readNamed(join(home, 'trust.yaml'), home)).file, 'trust.yaml')
  const other = `${home}-other.yaml`
  writeFileSync(other, 'a')
  assert.equal((await readNamed(other, home)).file, other)
  rmSync(other)
})

test('a folder stands for its policy files in the order of their names, and each counts once', async () => {
  for (const name of ['b.yaml', 'a.yml', '.hidden.yaml', 'notes.txt'])
    writeFileSync(join(home, 'policies', name), name)
  const folder = join(home, 'policies')
  const files = await readPolicyFiles([folder, join(folder, 'b.yaml')], home)
  assert.deepEqual(
    files.map(({ file }) => file),
    ['policies/a.yml', 'policies/b.yaml'],
  )
})

test('no policy file is not the same as no rule', async () => {
  await assert.rejects(readPolicyFiles([join(home, 'policies')], home), {
    code: 'CONFIG_NO_POLICY',
  })
})

test('what is not there, and what is too large, is said by its name', async () => {
  await assert.rejects(readNamed(join(home, 'none.yaml'), home), { code: 'FILE_NOT_FOUND' })
  writeFileSync(join(home, 'large.yaml'), Buffer.alloc(4 * 1024 * 1024 + 1))
  await assert.rejects(readNamed(join(home, 'large.yaml'), home), { code: 'FILE_TOO_LARGE' })
})
