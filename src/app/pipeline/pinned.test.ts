import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { openPinnedFiles } from './pinned.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-pinned-test-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('a copy stays what it was, keeps its name, is nobody else’s, and is gone afterwards', async () => {
  const file = join(dir, '-x $(touch y)\n.sql')
  writeFileSync(file, 'good', { mode: 0o755 })
  let path = ''
  {
    await using files = await openPinnedFiles()
    path = await files.copy(file)
    writeFileSync(file, 'bad')
    assert.equal(readFileSync(path, 'utf8'), 'good')
    assert.ok(path.endsWith('/-x $(touch y)\n.sql') && path.startsWith('/'))
    assert.equal(statSync(path).mode & 0o777, 0o500)
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o500)
    assert.equal(statSync(dirname(dirname(path))).mode & 0o077, 0)
  }
  assert.equal(existsSync(dirname(dirname(path))), false)
})

test('two files of one name are two copies, and a link is what it led to', async () => {
  const [file, link] = [join(dir, 'a'), join(dir, 'link')]
  writeFileSync(file, 'one')
  symlinkSync(file, link)
  await using files = await openPinnedFiles()
  const copies = [await files.copy(file), await files.copy(file), await files.copy(link)]
  rmSync(link)
  symlinkSync('/etc/passwd', link)
  assert.equal(new Set(copies).size, 3)
  for (const copy of copies) assert.equal(readFileSync(copy, 'utf8'), 'one')
})

test('a pipe, a folder or nothing in the place of a file is refused and never waited for', async () => {
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  await using files = await openPinnedFiles()
  for (const path of [pipe, dir, join(dir, 'missing')])
    await assert.rejects(files.copy(path), { code: /EINVAL|ENOENT/ }, path)
})
