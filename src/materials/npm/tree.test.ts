import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { readTar } from '../tar/read.ts'
import { testPackage } from '../testing/package.ts'
import type { RawEntry } from '../testing/raw-tar.ts'
import { testStorage } from '../testing/storage.ts'
import { toTree } from './tree.ts'

async function tree(
  context: TestContext,
  manifest: object,
  entries: readonly RawEntry[],
): Promise<string[]> {
  const storage = testStorage(context)
  const made = testPackage('@s/tool', '1.0.0', { manifest, entries })
  const { sha256 } = await storage.blobs.put(made.tarball)
  const blob = await toTree({ sha256, entry: { id: 'npm:@s/tool@1.0.0' } }, storage)
  const seen: string[] = []
  await readTar(createReadStream(storage.blobs.path(blob.sha256)), {
    what: 'test',
    onEntry: ({ kind, path, mode, target }) => {
      seen.push(`${kind} ${mode.toString(8)} ${path}${target === '' ? '' : ` -> ${target}`}`)
      return undefined
    },
  })
  return seen
}

test('a tool tree: first folder off, modes normal, a command for each bin', async (t) => {
  const seen = await tree(t, { bin: { tool: './bin/tool.js', other: 'lib/o.js' } }, [
    { name: 'package/bin/tool.js', body: '#!/usr/bin/env node', mode: 0o600 },
    { name: 'anything/lib/o.js', body: '', mode: 0o4777 },
    { name: 'package/README', body: 'x', mode: 0o666 },
  ])
  assert.deepEqual(seen, [
    'directory 755 .bin/',
    'symlink 777 .bin/other -> ../lib/o.js',
    'symlink 777 .bin/tool -> ../bin/tool.js',
    'file 644 README',
    'directory 755 bin/',
    'file 755 bin/tool.js',
    'directory 755 lib/',
    'file 755 lib/o.js',
    'file 644 package.json',
  ])
})

test('a bin that is one text is named after the package', async (t) => {
  const seen = await tree(t, { bin: 'run.js' }, [{ name: 'package/run.js' }])
  assert.ok(seen.includes('symlink 777 .bin/tool -> ../run.js'))
})

test('a bin that leads out, or is not there, makes no command', async (t) => {
  const seen = await tree(t, { bin: { a: '../../etc/passwd', '../b': 'run.js', c: 'absent.js' } }, [
    { name: 'package/run.js' },
  ])
  assert.ok(!seen.some((line) => line.includes('.bin')))
})

test('what is made once is remembered', async (t) => {
  const storage = testStorage(t)
  const { sha256 } = await storage.blobs.put(testPackage('a').tarball)
  const material = { sha256, entry: { id: 'npm:a@1.0.0' } }
  assert.deepEqual(await toTree(material, storage), await toTree(material, storage))
})

test('a toolchain that does not bundle what it needs is refused', async (t) => {
  const needs = { dependencies: { left: '1', '@s/right': '1' }, bundleDependencies: ['left'] }
  const bundled = { name: 'package/node_modules/left/package.json', body: '{}' }
  await assert.rejects(tree(t, needs, [bundled]), {
    code: 'TOOLCHAIN_INCOMPLETE',
    found: /@s\/right/,
  })
})

const hostile: readonly (readonly [string, string, RawEntry])[] = [
  ['a name that climbs out', 'TREE_PATH_UNSAFE', { name: 'package/../../x' }],
  ['a link that leads out', 'TREE_LINK_UNSAFE', { name: 'package/l', type: '2', target: '../x' }],
  ['a device', 'TAR_ENTRY_TYPE', { name: 'package/d', type: '3' }],
  [
    'a command in the place of ours',
    'TREE_CONFLICT',
    { name: 'package/.bin', type: '2', target: 'bin' },
  ],
]
for (const [name, code, entry] of hostile) {
  test(`a tool with ${name} is refused`, async (t) => {
    const entries = [{ name: 'package/run.js' }, entry]
    await assert.rejects(tree(t, { bin: 'run.js' }, entries), { code })
  })
}

test('a package without package.json is no tool', async (t) => {
  const storage = testStorage(t)
  const { sha256 } = await storage.blobs.put(Buffer.alloc(1024))
  await assert.rejects(toTree({ sha256, entry: { id: 'npm:a@1.0.0' } }, storage), {
    code: 'MATERIAL_MANIFEST',
  })
})
