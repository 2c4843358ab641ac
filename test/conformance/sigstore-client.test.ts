import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ecKeys } from '../../src/core/trust/sigstore/testing/certificates.ts'
import {
  artifact,
  bytesOf,
  createInstance,
  issuer,
  rootJson,
  signBundle,
  subject,
} from '../../src/core/trust/sigstore/testing/instance.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-sigstore-client-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const instance = createInstance()
const keys = ecKeys()
const paths = {
  root: file('root.json', bytesOf(rootJson(instance))),
  bundle: file('bundle.json', bytesOf(signBundle(instance))),
  keyed: file('keyed.json', bytesOf(signBundle(instance, { publicKey: keys, logs: [] }))),
  key: file('key.pub', keys.publicKey.export({ type: 'spki', format: 'pem' })),
  otherKey: file('other.pub', ecKeys().publicKey.export({ type: 'spki', format: 'pem' })),
  artifact: file('artifact', artifact),
  other: file('other', 'other'),
}
const sha256 = `sha256:${hash('sha256', artifact, 'hex')}`
const who = ['--certificate-identity', subject, '--certificate-oidc-issuer', issuer]

const accepted = { status: 0, stderr: '' }

/** The exit code of the client, run as the suite runs it. */
function run(...args: readonly string[]): {
  readonly status: number | null
  readonly stderr: string
} {
  const client = join(import.meta.dirname, 'sigstore-client')
  const { status, stderr } = spawnSync(client, args, { encoding: 'utf8', cwd: folder })
  return { status, stderr }
}

const verify = (bundle: string, ...args: readonly string[]) =>
  run('verify-bundle', '--bundle', bundle, '--trusted-root', paths.root, ...args)

test('the client accepts a bundle by file and by digest', () => {
  assert.deepEqual(verify(paths.bundle, ...who, paths.artifact), accepted)
  assert.deepEqual(verify(paths.bundle, ...who, sha256), accepted)
})

test('the client refuses another artifact, another identity and another key, and says why', () => {
  const other = verify(paths.bundle, ...who, paths.other)
  assert.equal(other.status, 1)
  assert.match(other.stderr, /^SIGSTORE_ARTIFACT: /)
  const stranger = ['--certificate-identity', `${subject}x`, '--certificate-oidc-issuer', issuer]
  assert.match(verify(paths.bundle, ...stranger, sha256).stderr, /^SIGSTORE_IDENTITY: /)
  assert.equal(verify(paths.keyed, '--key', paths.otherKey, sha256).status, 1)
})

test('the client accepts a key in place of an identity, and not beside it', () => {
  assert.deepEqual(verify(paths.keyed, '--key', paths.key, sha256), accepted)
  assert.equal(verify(paths.keyed, '--key', paths.key, ...who, sha256).status, 1)
  assert.equal(verify(paths.keyed, ...who, sha256).status, 1)
})

test('a command line that is wrong ends with 1', () => {
  const { bundle, artifact: path } = paths
  for (const args of [
    [],
    ['verify'],
    ['verify-bundle'],
    ['verify-bundle', '--bundle', bundle, path],
    ['verify-bundle', '--nonsense'],
  ]) {
    assert.equal(run(...args).status, 1)
  }
})
