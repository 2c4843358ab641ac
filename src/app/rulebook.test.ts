import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { predicateTypes } from '#attestation'
import type { Config } from '#config'
import { sha256Hex, type JsonObject } from '#document'
import {
  bytesOf,
  createInstance,
  issuer,
  rootJson,
  subject,
} from '../core/trust/sigstore/testing/instance.ts'
import { trustBytes } from '../core/trust/testing/fixtures.ts'
import { readRulebook, readTrust } from './rulebook.ts'

const root = bytesOf(rootJson(createInstance()))
let home = ''

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-rulebook-'))
  mkdirSync(join(home, 'roots'))
  writeFileSync(join(home, 'roots/private.json'), root)
})
afterEach(() => rmSync(home, { recursive: true }))

function trustFile(entry: JsonObject): string {
  const signers: JsonObject = {
    release: {
      identities: [{ root: 'private', issuer, subject }],
      predicateTypes: [predicateTypes.slsaProvenanceV1],
      builders: [{ id: subject, level: 2 }],
    },
  }
  const text = JSON.parse(Buffer.from(trustBytes(signers)).toString()) as JsonObject
  const file = join(home, 'trust.yaml')
  writeFileSync(file, bytesOf({ ...text, sigstore: { private: entry } }))
  return file
}

test('trusted roots are read from where the trust file is, and are inputs beside it', async () => {
  const sha256 = sha256Hex(root)
  const { trust, files } = await readTrust(
    trustFile({ trustedRoot: 'roots/private.json', sha256 }),
    home,
  )
  assert.equal(trust.file, 'trust.yaml')
  assert.equal(trust.roots.get('private')?.digest, sha256)
  assert.deepEqual(files.map(sha256Hex), [trust.digest, sha256])
})

test('a root that is not there is told with its line in the trust file', async () => {
  await assert.rejects(readTrust(trustFile({ trustedRoot: 'roots/none.json' }), home), (error) => {
    const { code, where } = error as { code: string; where: string }
    assert.equal(code, 'TRUST_ROOT_MISSING')
    assert.match(where, /^trust\.yaml:\d+:\d+/)
    return true
  })
})

test('a root that somebody exchanged is not taken', async () => {
  const file = trustFile({ trustedRoot: 'roots/private.json', sha256: sha256Hex(root) })
  writeFileSync(join(home, 'roots/private.json'), bytesOf(rootJson(createInstance())))
  await assert.rejects(readTrust(file, home), { code: 'TRUST_ROOT_DIGEST' })
})

test('a root that is a pipe, a folder or endless is refused and not waited for', async () => {
  execFileSync('mkfifo', [join(home, 'pipe')])
  writeFileSync(join(home, 'large'), Buffer.alloc(5 * 1024 * 1024))
  for (const [trustedRoot, code] of [
    ['pipe', 'FILE_UNREADABLE'],
    ['roots', 'FILE_UNREADABLE'],
    ['/dev/zero', 'FILE_UNREADABLE'],
    ['large', 'FILE_TOO_LARGE'],
  ] as const)
    await assert.rejects(readTrust(trustFile({ trustedRoot }), home), { code })
})

test('a rulebook that was read before is given again until a byte of it changes', async () => {
  const policies = join(home, 'policies')
  mkdirSync(policies)
  const write = (name: string, comment: string) =>
    writeFileSync(
      join(policies, `${name}.yaml`),
      [
        comment,
        'apiVersion: sallyport.dev/v1',
        'kind: DeploymentPolicy',
        `metadata: {name: ${name}, owner: team}`,
        `targets: [{environment: production, service: ${name}}]`,
        'require: [{signed: {by: [release]}}]',
      ].join('\n'),
    )
  write('shop', '# one')
  const entry = { trustedRoot: 'roots/private.json' }
  const trust = trustFile(entry)
  const config = { home, trust, policies: [policies], metaPolicies: [] } as unknown as Config
  let known = await readRulebook(config, {})
  const changes = [
    () => write('shop', '# two'),
    () => write('bank', '# one'),
    () => rmSync(join(policies, 'shop.yaml')),
    () => trustFile({ ...entry, sha256: sha256Hex(root) }),
  ]
  for (const change of changes) {
    assert.equal(await readRulebook(config, { known }), known)
    change()
    const next = await readRulebook(config, { known })
    assert.notEqual(next, known)
    known = next
  }
})
