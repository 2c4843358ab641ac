import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packEntries } from '../../chokepoint/proxy/npm/testing/package.ts'
import { readPackageManifest } from './package-manifest.ts'

const good = ['package/package.json', '{"name":"good","version":"1.0.0"}'] as const
const evil = '{"name":"evil","version":"6.6.6"}'

test('the package.json in the one folder says what a package is, whatever lies deeper', async () => {
  const deeper = [
    'package/lib/package.json',
    './package/lib/package.json',
    'package/package.json/index.js',
    'package/my-package.json',
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
]
for (const path of others) {
  test(`beside a package.json, ${JSON.stringify(path)} could be another one, and both are refused`, async () => {
    const refused = { code: 'NPM_CONTENT_MISMATCH' }
    await assert.rejects(readPackageManifest(packEntries([good, [path, evil]])), refused)
    await assert.rejects(readPackageManifest(packEntries([[path, evil], good])), refused)
  })
}
