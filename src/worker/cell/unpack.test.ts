import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { assert as assertProperty, integer, property } from 'fast-check'

import { TarError } from './tar-reader.ts'
import { paddingOf, tarEnd, tarHeader, type TarMember } from './tar-writer.ts'
import { BlobError, unpackTar, type Unpacked } from './unpack.ts'

const plain = { type: 'file', size: 0, executable: false, linkname: '' } as const
const file = (name: string, content = ''): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([
    tarHeader({ ...plain, name, size: bytes.length }, 1_000_000_000),
    bytes,
    Buffer.alloc(paddingOf(bytes.length)),
  ])
}
const other = (name: string, more: Partial<TarMember>): Buffer =>
  tarHeader({ ...plain, name, ...more }, 1_000_000_000)

test('files, directories and links are unpacked with their times', () => {
  const long = `deep/${'x'.repeat(120)}/größe.txt`
  withUnpacked(
    [
      other('bin', { type: 'directory' }),
      other('bin/run', { executable: true }),
      file('a.txt', 'a'.repeat(3_000_000)),
      file(long, 'long'),
      other('link', { type: 'symlink', linkname: '../outside' }),
    ],
    (folder, { entries }) => {
      assert.equal(readFileSync(join(folder, 'a.txt'), 'utf8').length, 3_000_000)
      assert.equal(readFileSync(join(folder, long), 'utf8'), 'long')
      assert.equal(readlinkSync(join(folder, 'link')), '../outside')
      assert.equal(lstatSync(join(folder, 'bin/run')).mode & 0o7777, 0o755)
      assert.equal(lstatSync(join(folder, 'a.txt')).mode & 0o7777, 0o644)
      for (const name of ['a.txt', 'bin', 'link', long])
        assert.equal(lstatSync(join(folder, name)).mtimeMs, 1_000_000_000_000, name)
      assert.equal(entries.get('bin'), 'directory')
      assert.equal(entries.get('link'), 'symlink')
    },
  )
})

test('a hard link to a file of the same archive is unpacked', () => {
  withUnpacked([file('a', 'text'), hardLink('b', 'a')], (folder) => {
    assert.equal(readFileSync(join(folder, 'b'), 'utf8'), 'text')
  })
})

const unsafe: Readonly<Record<string, readonly Buffer[]>> = {
  'a name that climbs out': [file('../evil')],
  'a name that climbs out later': [file('a/../../evil')],
  'an absolute name': [file('/tmp/evil')],
  'a file below a link': [other('a', { type: 'symlink', linkname: '/tmp' }), file('a/evil')],
  'a file in the place of a link': [other('a', { type: 'symlink', linkname: '/tmp/x' }), file('a')],
  'a file twice': [file('a', '1'), file('a', '2')],
  'a directory in the place of a file': [file('a'), other('a', { type: 'directory' })],
  'a hard link to the outside': [hardLink('a', '../../etc/passwd')],
  'a hard link to a link': [
    other('a', { type: 'symlink', linkname: '/etc/passwd' }),
    hardLink('b', 'a'),
  ],
  'a hard link to what is not there': [hardLink('a', 'b')],
  'a device': [withType(file('a'), '3')],
  'a named pipe': [withType(file('a'), '6')],
  'a sparse file': [withType(file('a'), 'S')],
  'a header that was changed': [flipped(file('a'))],
  'a size in letters': [resealed(file('a'), (header) => header.write('12x', 124))],
  'a member that is cut off': [file('a', 'x'.repeat(600)).subarray(0, 600)],
  'a pax record that lies about its length': [pax('99 path=a\n'), file('b')],
  'a pax size that is no number': [pax('12 size=-1\n'), file('b')],
}
for (const [what, parts] of Object.entries(unsafe)) {
  test(`an archive with ${what} is refused`, () => {
    assert.throws(
      () => withUnpacked(parts, () => {}, { end: what !== 'a member that is cut off' }),
      TarError,
    )
  })
}

test('content that is not what it was said to be is refused', () => {
  const parts = [file('a', 'text')]
  assert.throws(() => withUnpacked(parts, () => {}, { sha256: '0'.repeat(64) }), BlobError)
  assert.throws(() => withUnpacked(parts, () => {}, { size: 5 }), BlobError)
})

test('bytes after the end of the archive are hashed too', () => {
  const parts = [file('a', 'text'), tarEnd, Buffer.from('more')]
  withUnpacked(parts, (folder) => assert.equal(existsSync(join(folder, 'a')), true), { end: false })
})

test('members that are left out are left out', () => {
  withUnpacked([file('etc/shadow', 'secret'), file('etc/motd', 'hi')], (folder) => {
    assert.equal(existsSync(join(folder, 'etc/shadow')), false)
    assert.equal(readFileSync(join(folder, 'etc/motd'), 'utf8'), 'hi')
  })
})

test('no change of one byte makes the unpacker do anything but unpack or refuse', () => {
  const tar = Buffer.concat([
    file('a/b', 'text'),
    other('l', { type: 'symlink', linkname: 'a' }),
    file('x'.repeat(150), 'y'),
    tarEnd,
  ])
  assertProperty(
    property(
      integer({ min: 0, max: tar.length - 1 }),
      integer({ min: 1, max: 255 }),
      (at, change) => {
        const changed = Buffer.from(tar)
        changed[at] = (changed[at] ?? 0) ^ change
        try {
          withUnpacked([changed], () => {}, { end: false })
        } catch (error) {
          assert.ok(error instanceof TarError, String(error))
        }
      },
    ),
    { numRuns: 300 },
  )
})

function withUnpacked(
  parts: readonly Buffer[],
  look: (folder: string, unpacked: Unpacked) => void,
  options: { end?: boolean; sha256?: string; size?: number } = {},
): void {
  const bytes = Buffer.concat(options.end === false ? parts : [...parts, tarEnd])
  const base = mkdtempSync(join(tmpdir(), 'sallyport-unpack-'))
  const folder = join(base, 'tree')
  mkdirSync(folder)
  writeFileSync(join(base, 'tar'), bytes)
  const fd = openSync(join(base, 'tar'), 'r')
  try {
    const sha256 = options.sha256 ?? createHash('sha256').update(bytes).digest('hex')
    const without = new Set(['etc/shadow'])
    const unpacked = unpackTar({ fd, size: options.size ?? bytes.length, sha256 }, folder, {
      owner: 0,
      without,
    })
    look(folder, unpacked)
  } finally {
    closeSync(fd)
    rmSync(base, { recursive: true })
  }
}

function hardLink(name: string, target: string): Buffer {
  return resealed(other(name, { type: 'symlink', linkname: target }), (header) =>
    header.write('1', 156),
  )
}

function withType(member: Buffer, flag: string): Buffer {
  return resealed(member, (header) => header.write(flag, 156))
}

function pax(record: string): Buffer {
  return withType(file('pax', record), 'x')
}

function flipped(member: Buffer): Buffer {
  const bytes = Buffer.from(member)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes
}

/** Changes a header and makes its checksum right again. */
function resealed(member: Buffer, change: (header: Buffer) => void): Buffer {
  const bytes = Buffer.from(member)
  change(bytes)
  bytes.fill(0x20, 148, 156)
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0`, 148)
  return bytes
}
