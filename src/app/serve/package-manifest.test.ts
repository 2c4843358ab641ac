import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packEntries } from '../../chokepoint/proxy/npm/testing/package.ts'
import { rawTar, type RawEntry } from '../../materials/testing/raw-tar.ts'
import { readPackageManifest } from './package-manifest.ts'

const good = ['package/package.json', '{"name":"good","version":"1.0.0"}'] as const
const evil = '{"name":"evil","version":"6.6.6"}'

test('the package.json in the one folder says what a package is, whatever lies deeper', async () => {
  const deeper = [
    'package/lib/package.json',
    './package/lib/package.json',
    'package/package.json/index.js',
    'package/my-package.json',
    'package/pages/[...all]/..config/package.json',
    'package/lib/PACKAG~1.JSO',
    'package/a:b/index.js',
    'package/package-lock~1.json',
  ]
  const tarball = packEntries([good, ...deeper.map((path) => [path, evil] as const)])
  assert.deepEqual(await readPackageManifest(tarball), { name: 'good', version: '1.0.0' })
})

test('a package.json that npm would put elsewhere is none', async () => {
  for (const path of ['package.json', '/package/package.json', 'C:/package.json']) {
    const tarball = packEntries([[path, evil]])
    await assert.rejects(readPackageManifest(tarball), { code: 'NPM_CONTENT_MISMATCH' })
  }
  const dot = packEntries([['./package.json', evil]])
  assert.deepEqual(await readPackageManifest(dot), { name: 'evil', version: '6.6.6' })
})

// The roots that npm takes off are those of Windows, on every machine.
const others = [
  'package.json',
  'other/package.json',
  './package.json',
  '/package.json',
  '//package.json',
  '../package.json',
  'package//package.json',
  'package/./package.json',
  'package/C:/package.json',
  'package/C:package.json',
  'package/C:D:/package.json',
  'package//C:/package.json',
  'package/C:\\package.json',
  'package\\package.json',
  'package/\\\\server\\share\\package.json',
  'package///?/C:/package.json',
  'C:/package/package.json',
  'C:package/package.json',
  'package/PACKAGE.json',
  'package/package.json.',
  'package/package.j\u{17f}on',
  'package/pac\u{212a}age.json',
  // Streams of NTFS: the first is the file itself, the second makes an empty one.
  'package/package.json::$DATA',
  'package/package.json:stream',
  'package/package.json .:stream:$DATA',
  'package/package.json. .',
  // Short names of NTFS, with and without a hash, of Samba and of Wine.
  'package/PACKAG~1.JSO',
  'package/packag~2.jso',
  'package/PA1C4F~1.JSO',
  'package/PACKA~10.JSO',
  'package/P7QX2B~K.JSO',
  'package/PACK~QK0.JSO',
  'package/PACKAG~1.JSO .',
  'package/PACKAG~1.JSO::$DATA',
  // Left out by HFS+, and by ext4 where it does not tell upper case.
  'package/pack\u{200c}age.json',
  'package/package.json\u{feff}',
  'package/\u{202e}package.json',
  'package/package\u{206f}.json',
  'package/package\u{ad}.json',
  'package/\u{200b}/package.json',
  'package/package.json.\u{200d} ',
]
for (const path of others) {
  test(`beside a package.json, ${JSON.stringify(path)} could be another one, and both are refused`, async () => {
    const refused = { code: 'NPM_CONTENT_MISMATCH' }
    await assert.rejects(readPackageManifest(packEntries([good, [path, evil]])), refused)
    await assert.rejects(readPackageManifest(packEntries([[path, evil], good])), refused)
  })
}

for (const path of [
  'package/a/../package.json',
  'package/a/b/../../package.json',
  'x/../package/package.json',
  'package/a/..',
  'package/a/../index.js',
  'package\\a\\..\\package.json',
  'package/a/.. ./package.json',
  'package/a/\u{ff0e}\u{ff0e}/package.json',
  'package/a/.\u{200d}./package.json',
  'package/a/..::$INDEX_ALLOCATION/package.json',
]) {
  test(`an entry called ${JSON.stringify(path)}, which climbs, is refused`, async () => {
    const climbing = { code: 'NPM_CONTENT_MISMATCH', expected: 'paths without ".."' }
    await assert.rejects(readPackageManifest(packEntries([good, [path, evil]])), climbing)
  })
}

const [manifest, manifestBody] = good
const packed: readonly RawEntry[] = [
  { name: manifest, body: manifestBody },
  { name: 'package/lib/a.js', body: 'a' },
]

test('hard links between other files than the package.json are what npm packs, and are let through', async () => {
  const links = [
    { name: 'package/lib/b.js', type: '1', target: 'package/lib/a.js' },
    { name: 'package/lib/package.json', type: '1', target: 'package/lib/a.js' },
  ]
  const tarball = rawTar([...packed, ...links])
  assert.deepEqual(await readPackageManifest(tarball), { name: 'good', version: '1.0.0' })
})

const link = { name: 'package/a', type: '1', target: 'package/lib/a.js' }
const links: Readonly<Record<string, RawEntry>> = {
  'a symlink to the folder itself': { ...link, type: '2', target: '.' },
  'a symlink to a file': { ...link, type: '2' },
  'a symlink in place of the package.json': { ...link, type: '2', name: manifest },
  'a hard link to the package.json': { ...link, target: manifest },
  'a hard link to what could be the package.json': { ...link, target: 'package/PACKAG~1.JSO' },
  'a hard link to the package.json of the folder above': { ...link, target: 'package.json' },
  'a hard link in place of the package.json': { ...link, name: manifest },
  'a hard link to a path that climbs': { ...link, target: 'package/../../a' },
  'a hard link to a path that climbs on Windows': { ...link, target: 'package\\..\\..\\a' },
  'a hard link to a path from the root': { ...link, target: '/home/a/shop/package/index.js' },
  'a hard link to a path on a drive': { ...link, target: 'C:/shop/package/index.js' },
  'a hard link with content': { ...link, body: evil },
}
for (const [what, bad] of Object.entries(links)) {
  test(`a tarball with ${what} is refused: some unpack it`, async () => {
    const after = { name: 'package/a/package.json', body: evil }
    await assert.rejects(readPackageManifest(rawTar([...packed, bad, after])), {
      code: 'NPM_CONTENT_MISMATCH',
      found: new RegExp(`^a ${bad.type === '2' ? 'symbolic' : 'hard'} link at "${bad.name}" to "`),
      fix: /^Have whoever publishes it pack files/,
    })
  })
}
