import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { paxBody, rawTar, type RawEntry } from '../testing/raw-tar.ts'
import { sha256 } from '../testing/package.ts'
import { testFolder } from '../testing/storage.ts'
import { collectTree } from './collect.ts'
import { comparePaths, linkDestination, unsafePath, type TreeEntry } from './entry.ts'
import { readTar, type TarLimits } from './read.ts'
import { openSpool } from './spool.ts'
import { createTar } from './write.ts'

const file = (path: string, text = '', mode = 0o644): TreeEntry => {
  const bytes = Buffer.from(text)
  return { kind: 'file', path, mode, size: bytes.length, content: () => [bytes] }
}
const folder = (path: string): TreeEntry => ({ kind: 'directory', path, mode: 0o755 })
const link = (path: string, target: string): TreeEntry => ({ kind: 'symlink', path, target })

async function written(entries: readonly TreeEntry[], mtime = 1_700_000_000): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of createTar(entries, { mtime, what: 'test' })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* pieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collected(
  context: TestContext,
  archive: Uint8Array,
  options: { limits?: TarLimits; symlinks?: 'inside' | 'any'; size?: number } = {},
): Promise<[string, string][]> {
  const spool = openSpool(testFolder(context))
  const tree = await collectTree(pieces(archive, options.size), {
    what: 'test',
    spool,
    place: (path) => path,
    symlinks: options.symlinks ?? 'inside',
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  const seen = tree.map((entry): [string, string] => {
    if (entry.kind === 'symlink') return [entry.path, `-> ${entry.target}`]
    if (entry.kind === 'directory') return [entry.path, '/']
    const bytes = Buffer.concat([...(entry.content() as Iterable<Uint8Array>)])
    return [entry.path, `${entry.mode.toString(8)} ${bytes.toString()}`]
  })
  spool.close()
  return seen.sort(([a], [b]) => comparePaths(a, b))
}

test('an archive is the same bytes whatever the order of its entries', async () => {
  const entries = [file('b/x', '1'), file('a', '2', 0o755), file('b-c', '3'), link('l', 'a')]
  const [first, second] = [await written(entries), await written(entries.toReversed())]
  assert.equal(sha256(first), sha256(second))
  // What today's bytes are: a change here changes the digest of every source and root ever recorded.
  assert.equal(sha256(first), '60eda2115e1a2369c3b9748d4d1a5f8cb854fd257cb22bcce66024d69b769645')
})

test('GNU tar reads what is written: folders first, long and foreign names, links, times, owners', async (t) => {
  const long = `${'deep/'.repeat(40)}end`
  const archive = await written([
    file('ünï/ cödé', 'text'),
    file(long, 'x'),
    file('run', '#!', 0o755),
    link('link', long),
    folder('empty'),
  ])
  const path = join(testFolder(t), 'a.tar')
  writeFileSync(path, archive)
  const listing = execFileSync(
    'tar',
    [
      '--list',
      '--verbose',
      '--numeric-owner',
      '--full-time',
      '--quoting-style=literal',
      '--file',
      path,
    ],
    { env: { LC_ALL: 'C.UTF-8', TZ: 'UTC', PATH: '/usr/bin:/bin' }, encoding: 'utf8' },
  )
  const lines = listing.trimEnd().split('\n')
  assert.equal(lines.length, 40 + 6)
  assert.ok(lines.every((line) => line.includes(' 0/0 ') && line.includes('2023-11-14 22:13:20')))
  assert.ok(lines.some((line) => line.startsWith('-rwxr-xr-x') && line.endsWith(' run')))
  assert.ok(lines.some((line) => line.endsWith(` link -> ${long}`)))
  assert.ok(lines.some((line) => line.endsWith(' ünï/ cödé')))
  assert.ok(lines.some((line) => line.endsWith(` ${long}`)))
})

test('what is written is read back, whatever the tree', async (t) => {
  const part = fc
    .stringMatching(/^[a-zé😀 ._-]{1,60}$/u)
    .filter((name) => unsafePath(name) === undefined)
  const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
  const text = fc.string({ maxLength: 2000 })
  await fc.assert(
    fc.asyncProperty(fc.dictionary(path, text, { maxKeys: 12 }), async (files) => {
      const entries = Object.entries(files).map(([name, content]) => file(name, content))
      const archive = await written(entries).catch((error: unknown) => {
        assert.equal((error as SallyportError).code, 'TREE_CONFLICT')
      })
      if (archive === undefined) return
      const seen = (await collected(t, archive)).filter(([, what]) => what !== '/')
      const expected = entries.map((entry): [string, string] => [
        entry.path,
        `644 ${Buffer.from(files[entry.path] ?? '').toString()}`,
      ])
      assert.deepEqual(
        seen,
        expected.sort(([a], [b]) => comparePaths(a, b)),
      )
    }),
    { numRuns: 40 },
  )
})

const unsafeNames = [
  '',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a//b',
  './a',
  'a/.',
  'a\nb',
  'a\0b',
  'a\ufffd',
  '\ud800',
  'x'.repeat(256),
]
for (const name of unsafeNames) {
  test(`the name ${JSON.stringify(name.slice(0, 20))} is never written`, async () => {
    await assert.rejects(written([file(name)]), { code: 'TREE_PATH_UNSAFE' })
  })
}

test('nothing is written below a link or a file', async () => {
  await assert.rejects(written([link('a', 'b'), file('a/x')]), { code: 'TREE_CONFLICT' })
  await assert.rejects(written([file('a/b/x'), file('a')]), { code: 'TREE_CONFLICT' })
  await assert.rejects(written([file('a'), file('a')]), { code: 'TREE_CONFLICT' })
})

test('a file that is not as long as it says is not written', async () => {
  for (const size of [1, 3]) {
    const entry: TreeEntry = {
      kind: 'file',
      path: 'a',
      mode: 0o644,
      size,
      content: () => [Buffer.from('ab')],
    }
    await assert.rejects(written([entry]), { code: 'TREE_CONTENT' })
  }
})

const hostile: readonly (readonly [string, string, readonly RawEntry[]])[] = [
  ['a name that climbs', 'TREE_PATH_UNSAFE', [{ name: '../../etc/cron.d/x' }]],
  ['an absolute name', 'TREE_PATH_UNSAFE', [{ name: '/etc/cron.d/x' }]],
  ['a name that climbs in the middle', 'TREE_PATH_UNSAFE', [{ name: 'package/a/../../../x' }]],
  [
    'a name that climbs in a PAX header',
    'TREE_PATH_UNSAFE',
    [{ name: 'PaxHeader', type: 'x', body: paxBody({ path: '../x' }) }, { name: 'ok' }],
  ],
  [
    'a long GNU name that climbs',
    'TREE_PATH_UNSAFE',
    [{ name: '././@LongLink', type: 'L', body: '../x\0' }, { name: 'ok' }],
  ],
  ['a symlink that leads out', 'TREE_LINK_UNSAFE', [{ name: 'a/l', type: '2', target: '../../x' }]],
  ['an absolute symlink', 'TREE_LINK_UNSAFE', [{ name: 'l', type: '2', target: '/etc/passwd' }]],
  ['a hard link to nothing', 'TREE_LINK_UNSAFE', [{ name: 'l', type: '1', target: 'absent' }]],
  [
    'a hard link that leads out',
    'TREE_PATH_UNSAFE',
    [{ name: 'l', type: '1', target: '../../etc/shadow' }],
  ],
  [
    'a hard link to a symlink',
    'TREE_LINK_UNSAFE',
    [
      { name: 's', type: '2', target: 'x' },
      { name: 'l', type: '1', target: 's' },
    ],
  ],
  [
    'one path twice',
    'TREE_CONFLICT',
    [
      { name: 'a', body: '1' },
      { name: 'a', body: '2' },
    ],
  ],
  [
    'one path twice, once in disguise',
    'TREE_CONFLICT',
    [
      { name: 'a', body: '1' },
      { name: './a', body: '2' },
    ],
  ],
  ['a character device', 'TAR_ENTRY_TYPE', [{ name: 'd', type: '3' }]],
  ['a block device', 'TAR_ENTRY_TYPE', [{ name: 'd', type: '4' }]],
  ['a fifo', 'TAR_ENTRY_TYPE', [{ name: 'd', type: '6' }]],
  ['a sparse file', 'TAR_ENTRY_TYPE', [{ name: 'd', type: 'S' }]],
  ['an unknown type', 'TAR_ENTRY_TYPE', [{ name: 'd', type: 'Z' }]],
  [
    'a header with a wrong checksum',
    'TAR_MALFORMED',
    [{ name: 'a' }, { name: 'b', corrupt: true }],
  ],
  [
    'a huge extended header',
    'TAR_ENTRY_TYPE',
    [{ name: 'p', type: 'x', body: 'x'.repeat(1_100_000) }, { name: 'a' }],
  ],
]
for (const [name, code, entries] of hostile) {
  test(`an archive with ${name} is refused`, async (t) => {
    await assert.rejects(collected(t, rawTar(entries)), { code })
    await assert.rejects(collected(t, gzipSync(rawTar(entries))), { code })
  })
}

test('setuid, setgid, sticky and write bits do not survive', async (t) => {
  const archive = rawTar([
    { name: 'su', mode: 0o6777, body: 'x' },
    { name: 'w', mode: 0o666 },
    { name: 'secret', mode: 0o400 },
  ])
  assert.deepEqual(await collected(t, archive), [
    ['secret', '644 '],
    ['su', '755 x'],
    ['w', '644 '],
  ])
})

test('a hard link becomes a file of its own', async (t) => {
  const archive = rawTar([
    { name: 'a', body: 'content', mode: 0o755 },
    { name: 'sub/b', type: '1', target: 'a' },
  ])
  assert.deepEqual(await collected(t, archive), [
    ['a', '755 content'],
    ['sub/b', '755 content'],
  ])
})

test('an archive that is cut off is refused, wherever the cut is', async (t) => {
  const whole = rawTar([
    { name: 'a', body: 'x'.repeat(2000) },
    { name: 'b', body: 'y' },
  ])
  for (let length = 0; length < whole.length - 512; length += 211)
    await assert.rejects(collected(t, whole.subarray(0, length)), { code: 'TAR_MALFORMED' })
})

test('damaged gzip is refused', async (t) => {
  const packed = gzipSync(rawTar([{ name: 'a', body: 'x'.repeat(5000) }]))
  packed[packed.length - 5] = (packed.at(-5) ?? 0) ^ 1
  await assert.rejects(collected(t, packed), { code: 'TAR_MALFORMED' })
})

test('a bomb is stopped at the limit: bytes, entries, and padding behind the end', async (t) => {
  const limits = { maxBytes: 1_000_000, maxEntries: 100 }
  const big = gzipSync(rawTar([{ name: 'a', body: Buffer.alloc(2_000_000) }]))
  assert.ok(big.length < 5000)
  await assert.rejects(collected(t, big, { limits }), { code: 'TAR_TOO_LARGE' })
  const many = gzipSync(rawTar(Array.from({ length: 101 }, (_, at) => ({ name: `f${at}` }))))
  await assert.rejects(collected(t, many, { limits }), { code: 'TAR_TOO_LARGE' })
  const padded = gzipSync(Buffer.concat([rawTar([{ name: 'a' }]), Buffer.alloc(3_000_000)]))
  await assert.rejects(collected(t, padded, { limits }), { code: 'TAR_TOO_LARGE' })
})

test('a size in a header that lies is refused', async (t) => {
  const archive = rawTar([{ name: 'a', body: 'x', size: 8 * 1024 ** 3 - 1 }])
  await assert.rejects(collected(t, archive), { code: 'TAR_MALFORMED' })
})

test('whatever the bytes, reading ends and is either a tree or a Problem', async (t) => {
  const valid = rawTar([
    { name: 'a', body: 'x'.repeat(600) },
    { name: 'l', type: '2', target: 'a' },
  ])
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 1500 }),
      async (changes, size) => {
        const bytes = Buffer.from(valid)
        for (const [at, value] of changes) bytes[at] = value
        await collected(t, bytes, { size }).catch((error: unknown) =>
          assert.ok(error instanceof SallyportError, String(error)),
        )
      },
    ),
    { numRuns: 200 },
  )
})

test('a failure of who takes the content is not lost', async () => {
  const archive = rawTar([{ name: 'a', body: 'x' }])
  const onEntry = (): never => {
    throw new TypeError('mine')
  }
  await assert.rejects(readTar(pieces(archive), { what: 'test', onEntry }), { message: 'mine' })
})

test('where a link leads is worked out without any file system', () => {
  assert.equal(linkDestination('a/b/l', '../c'), 'a/c')
  assert.equal(linkDestination('l', '.'), '')
  assert.equal(linkDestination('a/l', '../..'), undefined)
  assert.equal(linkDestination('a/l', '../b/../../x'), undefined)
  assert.equal(linkDestination('a/l', '/x'), undefined)
})
