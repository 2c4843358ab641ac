// pnpm and Yarn through the npm proxy. The registry behind it is a fake in this process, because a test cannot publish to a real one.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { approvalStatement } from '#attestation'
import {
  startFakeRegistry,
  type FakeRegistry,
} from '../../src/chokepoint/proxy/npm/testing/fake-registry.ts'
import { keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import { run, type Said } from '../proxies/oci-clients.ts'
import { makeHome, startInside, type GateHome } from '../server/gate.ts'
import { install } from './tool-cache.ts'

const versions = ['pnpm@10.34.9', '@yarnpkg/cli-dist@4.18.1']
const managers = install({
  name: versions.join('-').replaceAll('/', '-'),
  file: 'node_modules',
  commands: [['npm', 'install', '--prefix', '$FOLDER', '--ignore-scripts', ...versions]],
  timeoutMinutes: 5,
})
const options = 'reason' in managers ? { skip: `skipped: ${managers.reason}` } : {}
const folder = mkdtempSync(join(tmpdir(), 'sallyport-package-managers-'))
let upstream: FakeRegistry
let home: GateHome
let proxy = ''

before(async () => {
  if (options.skip !== undefined) return
  upstream = await startFakeRegistry()
  home = await makeHome(`proxies:
  npm:
    port: 0
    anonymous: true
    upstream: ${upstream.url}
    target: {environment: production, service: shop}
`)
  for (const [, bytes] of upstream.publish('good', [{ version: '1.0.0' }])) approve('good', bytes)
  upstream.publish('stranger', [{ version: '1.0.0' }])
  const { journal } = await startInside(home)
  const line = journal.find((text) => text.includes('npm proxy listening')) ?? '{}'
  proxy = (JSON.parse(line) as { address: string }).address
})

after(async () => {
  await home?.close()
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

function approve(name: string, bytes: Uint8Array): void {
  const sha512 = createHash('sha512').update(bytes).digest('hex')
  const statement = approvalStatement([{ name, digest: { sha512 } }], {
    environment: 'production',
    reason: 'looked at',
    approvedOn: '2026-05-30T00:00:00Z',
  })
  upstream.attest(name, '1.0.0', signed(statement, keys.alice).bytes)
}

/** Adds a package to a project of its own. */
async function add(
  program: string,
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<Said & { readonly installed: () => string }> {
  assert.ok('path' in managers)
  const dir = join(folder, `${program.replaceAll('/', '-')}-${name}`)
  mkdirSync(dir)
  const files = { 'package.json': '{"name": "project", "version": "1.0.0"}', ...settings }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text)
  const args = [join(managers.path, program), 'add', `${name}@1.0.0`]
  const path = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
  const said = await run(process.execPath, args, dir, path)
  const file = join(dir, 'node_modules', name, 'index.js')
  return { ...said, installed: () => readFileSync(file, 'utf8') }
}

const pnpm = (name: string) =>
  add('pnpm/bin/pnpm.cjs', name, { '.npmrc': `registry=${proxy}\nfetch-retries=0\n` })

const yarn = (name: string) =>
  add('@yarnpkg/cli-dist/bin/yarn.js', name, {
    'yarn.lock': '',
    '.yarnrc.yml': `npmRegistryServer: '${proxy}'
unsafeHttpWhitelist: ['127.0.0.1']
nodeLinker: node-modules
enableTelemetry: false
enableGlobalCache: false
`,
  })

for (const [name, manager] of Object.entries({ pnpm, yarn }))
  test(`${name} installs what the policy lets in, and shows why not`, options, async () => {
    const done = await manager('good')
    assert.equal(done.exit, 0, done.text)
    assert.match(done.installed(), /1\.0\.0/)
    const refused = await manager('stranger')
    assert.notEqual(refused.exit, 0)
    assert.match(
      refused.text,
      /403.*APPROVAL_MISSING.*fix: .*decision \d+|APPROVAL_MISSING.*fix: .*decision \d+.*403/s,
    )
    assert.throws(refused.installed)
  })
