import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createTar, type TreeEntry } from '#materials'
import { compareFiles } from './compare.ts'

type Tree = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>

async function archive(files: Tree): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, file]): TreeEntry => {
    const { text, mode } = typeof file === 'string' ? { text: file, mode: 0o644 } : file
    return { kind: 'file', path, mode, size: text.length, content: () => [Buffer.from(text)] }
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of createTar(entries, { mtime: 0, what: 'a test' })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function compare(t: TestContext, one: Uint8Array, other: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-compare-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'one'), one)
  writeFileSync(join(folder, 'other'), other)
  return compareFiles(join(folder, 'one'), join(folder, 'other'))
}

test('equal files have no difference', async (t) => {
  assert.equal(await compare(t, Buffer.from('a'), Buffer.from('a')), undefined)
})

test('the first byte that is not the same is named, and so is the end of the shorter', async (t) => {
  const long = Buffer.alloc(3 << 20, 'a')
  const changed = Buffer.from(long)
  changed[2_500_000] = 0
  assert.deepEqual(await compare(t, long, changed), {
    sizes: [long.length, long.length],
    offset: 2_500_000,
  })
  assert.deepEqual(await compare(t, Buffer.from('ab'), Buffer.from('abc')), {
    sizes: [2, 3],
    offset: 2,
  })
})

test('of two archives, compressed or not, the entries that differ are listed', async (t) => {
  const one = await archive({ same: 'x', gone: 'x', content: 'x', mode: 'x' })
  const other = await archive({
    same: 'x',
    more: 'x',
    content: 'y',
    mode: { text: 'x', mode: 0o755 },
  })
  for (const pack of [(bytes: Buffer) => bytes, (bytes: Buffer) => gzipSync(bytes)]) {
    const entries = (await compare(t, pack(one), pack(other)))?.entries
    assert.deepEqual(
      entries?.map(({ path, kind }) => [path, kind]),
      [
        ['content', 'content'],
        ['gone', 'only-expected'],
        ['mode', 'metadata'],
        ['more', 'only-found'],
      ],
    )
  }
})

test('an archive that is the same inside differs only outside', async (t) => {
  const inside = await archive({ a: 'x' })
  const difference = await compare(
    t,
    gzipSync(inside, { level: 1 }),
    gzipSync(inside, { level: 0 }),
  )
  assert.deepEqual(difference?.entries, [])
})

test('what is no archive, or a bomb, is compared as bytes', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 << 20))
  const other = Buffer.concat([bomb, Buffer.from('x')])
  assert.equal((await compare(t, bomb, other))?.entries, undefined)
  assert.equal((await compare(t, bomb, other))?.offset, bomb.length)
})
