import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly devOptional?: boolean
  readonly hasInstallScript?: boolean
  readonly integrity?: string
  readonly resolved?: string
}

const licences = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '(Apache-2.0 AND BSD-3-Clause)',
  'BlueOak-1.0.0',
  'Python-2.0',
  'PSF-2.0',
  '0BSD',
])
const text = readFileSync('package-lock.json', 'utf8')
const lock = JSON.parse(text) as { readonly packages: Record<string, LockedPackage> }
const all = Object.entries(lock.packages).filter(([path]) => path !== '')
const runtime = all.filter(
  ([, entry]) =>
    !(entry.dev ?? false) && !(entry.optional ?? false) && !(entry.devOptional ?? false),
)
const document = readFileSync('docs/dependencies.md', 'utf8')

test('the runtime tree has exactly the number of packages the document says', () => {
  assert.equal(
    runtime.length,
    Number(/all levels: (\d+)/.exec(document)?.[1]),
    runtime.map(([path]) => path).join('\n'),
  )
})

test('every direct runtime dependency has a row in docs/dependencies.md', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(manifest.dependencies))
    assert.match(document, new RegExp(`^\\| \`${name}\` +\\|`, 'm'))
})

test('no package of the runtime tree runs code at installation, is native, or has an unlisted licence', () => {
  for (const [path, entry] of runtime) {
    assert.notEqual(entry.hasInstallScript, true, path)
    assert.ok(licences.has(entry.license ?? ''), `${path}: ${entry.license}`)
    assert.deepEqual(globSync(`${path}/**/*.{node,wasm}`), [], path)
  }
})

test('the lock names SHA-512 for every package and no registry', () => {
  for (const [path, entry] of all) {
    assert.match(entry.integrity ?? '', /^sha512-/, path)
    assert.equal(entry.resolved, undefined, path)
  }
})
