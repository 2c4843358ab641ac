import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Collector, staysInside, type Refusal } from './collect.ts'
import { nameDefect } from './output-names.ts'

test('a directory becomes the same tar whoever made it, whenever, in whatever order', () => {
  const make = (build: string, names: readonly string[], mode: number, time: number): void => {
    mkdirSync(join(build, 'dist'), { mode: mode | 0o700 })
    for (const name of names) {
      const path = join(build, 'dist', name)
      writeFileSync(path, name)
      chmodSync(path, mode)
      utimesSync(path, time, time)
    }
    mkdirSync(join(build, 'dist/sub'))
    symlinkSync('../a', join(build, 'dist/sub/link'))
  }
  const one = collected((build) => make(build, ['b', 'a', 'ö'], 0o600, 1))
  const two = collected((build) => make(build, ['ö', 'a', 'b'], 0o664, 2))
  assert.deepEqual(one.refusals, [])
  assert.deepEqual(one.bytes, two.bytes)
  const sha256 = createHash('sha256').update(one.bytes).digest('hex')
  assert.equal(sha256, 'c7048e2d8b9b400b560a54a6eeafca36532d644c04add5f555b469efd12a9c6f')
})

test('other tools read the tar as it was meant', () => {
  const long = 'n'.repeat(120)
  const { bytes } = collected((build) => {
    mkdirSync(join(build, 'dist/empty'), { recursive: true })
    writeFileSync(join(build, 'dist', long), 'x'.repeat(700), { mode: 0o755 })
    symlinkSync(long, join(build, 'dist/größe'))
  })
  const { stdout } = spawnSync('tar', ['-tvf', '-', '--utc', '--numeric-owner'], {
    input: bytes,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ')),
    [
      'drwxr-xr-x 0/0 0 2023-11-14 22:13 empty/',
      `lrwxrwxrwx 0/0 0 2023-11-14 22:13 größe -> ${long}`,
      `-rwxr-xr-x 0/0 700 2023-11-14 22:13 ${long}`,
    ],
  )
})

test('everything that is wrong with a directory is said, not only the first', () => {
  const { refusals } = collected((build) => {
    mkdirSync(join(build, 'dist'))
    symlinkSync('/etc/passwd', join(build, 'dist/a'))
    writeFileSync(join(build, 'dist/-b'), '')
    writeFileSync(join(build, 'dist/c'), '')
    chmodSync(join(build, 'dist/c'), 0o4755)
  })
  assert.deepEqual(
    refusals.map(({ kind, path }) => [kind, path]),
    [
      ['name', 'dist/-b'],
      ['links', 'dist/a'],
      ['mode', 'dist/c'],
    ],
  )
})

test('a link stays inside only when it climbs from where it is and no further than the directory', () => {
  const inside: readonly (readonly [string, string])[] = [
    ['a', 'b'],
    ['a/b', '../c'],
    ['a/b/c', '../../d/e'],
    ['a', 'b/c'],
    ['a/b', '..'],
    ['a', './b'],
  ]
  const outside: readonly (readonly [string, string])[] = [
    ['a', '..'],
    ['a', '../b'],
    ['a', '/etc/passwd'],
    ['a/b', '../../c'],
    ['a/b', 'c/../../d'],
    ['a/b', 'up/../d'],
    ['a', ''],
    ['a', 'b//c'],
    ['a', 'b\nc'],
  ]
  for (const [name, target] of inside)
    assert.equal(staysInside(name, target), true, `${name} -> ${target}`)
  for (const [name, target] of outside)
    assert.equal(staysInside(name, target), false, `${name} -> ${target}`)
})

test('names that people use are accepted, names that deceive are not', () => {
  for (const name of [
    'a',
    'index.d.ts',
    '[id].js',
    'größe',
    '日本語',
    '.hidden',
    '@scope',
    'a b',
    "it's",
    '$x',
    '~',
  ])
    assert.equal(nameDefect(Buffer.from(name)), undefined, name)
  for (const name of [
    '-rf',
    'a\nb',
    'a\u202eb',
    'a\u200bb',
    'a\\b',
    ' a',
    'a ',
    'a\u0007',
    'u\u0308',
    'a\u2028',
  ])
    assert.notEqual(nameDefect(Buffer.from(name)), undefined, JSON.stringify(name))
  assert.notEqual(nameDefect(Buffer.from([0x61, 0xff])), undefined)
})

function collected(make: (build: string) => void): { bytes: Buffer; refusals: readonly Refusal[] } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-collect-test-'))
  const build = join(folder, 'build')
  mkdirSync(build)
  const fd = openSync(join(folder, 'out'), 'wx')
  try {
    make(build)
    const options = { build, maxBytes: 1 << 20, mtime: 1_700_000_000, without: new Set<never>() }
    const refusals = new Collector(options).collect({ path: 'dist', type: 'directory', fd })
    return { bytes: readFileSync(join(folder, 'out')), refusals }
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
}
