// Evidence travels with the artifact: what is approved or attached at one command line is found at another, in the registry.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { home } from './home-folder.ts'
import { runInProcess } from './in-process.ts'
import { provenance } from './provenance.ts'

let dir = ''
let registry: TestRegistry
let image: Pushed
let bundle = ''

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-attach-'))
  await home([], dir)
  registry = await startTestRegistry({ referrers: false })
  image = await pusherTo(registry.base, 'acme/shop').image('shop', '1.0')
  writeFileSync(join(dir, 'image'), image.bytes)
  await provenance(['image'], dir)
  bundle = join(dir, 'image.sigstore.jsonl')
})

after(async () => {
  await registry?.close()
  rmSync(dir, { recursive: true, force: true })
})

const artifact = (): string => `oci://${registry.host}/acme/shop@sha256:${image.digest}`
const run = (...args: readonly string[]) => runInProcess([...args, '--json'], { dir })
const verify = (environment: string) =>
  run('verify', artifact(), '--environment', environment, '--service', 'shop')

test('what is attached and approved in the registry lets an image into production', async () => {
  assert.equal((await verify('staging')).exit, 1)
  const attached = await run('attach', bundle, artifact())
  assert.equal(attached.exit, 0, attached.stdout)
  assert.equal((await verify('staging')).exit, 0)

  const refused = await verify('production')
  assert.equal(refused.exit, 1)
  assert.match(refused.stdout, /APPROVAL_MISSING/)
  const approve = ['approve', artifact(), '--environment', 'production', '--reason', 'release 7']
  const approved = await run(...approve)
  assert.equal(approved.exit, 0, approved.stdout)
  const admitted = await verify('production')
  assert.equal(admitted.exit, 0, admitted.stdout)

  const inspected = await run('inspect', `oci://${registry.host}/acme/shop:1.0`)
  assert.equal(inspected.exit, 0, inspected.stdout)
  assert.match(inspected.stdout, /this may run in \\"production\\"/)
  assert.match(inspected.stdout, /"about": "this artifact"/)
})

test('an approval of an image is written to a file where somebody names one', async () => {
  const file = join(dir, 'approval.jsonl')
  const approve = ['approve', artifact(), '--environment', 'moon', '--reason', 'try']
  const approved = await run(...approve, '--output', file)
  assert.equal(approved.exit, 0, approved.stdout)
  assert.equal(approved.json['bundle'], file)
  assert.match(readFileSync(file, 'utf8'), /"mediaType"/)
})

test('what a tag may lead to tomorrow is neither approved nor attached to', async () => {
  const tagged = `oci://${registry.host}/acme/shop:1.0`
  for (const args of [
    ['approve', tagged, '--environment', 'moon', '--reason', 'try'],
    ['attach', bundle, tagged],
  ]) {
    const said = await run(...args)
    assert.equal(said.exit, 2)
    assert.equal(said.json.problems?.[0]?.code, 'EVIDENCE_REFERENCE')
    assert.match(said.json.problems?.[0]?.fix ?? '', /sallyport inspect oci:/)
  }
})

test('evidence about something else is not attached', async () => {
  const other = await pusherTo(registry.base, 'acme/shop').image('other')
  const said = await run(
    'attach',
    bundle,
    `oci://${registry.host}/acme/shop@sha256:${other.digest}`,
  )
  assert.equal(said.exit, 2)
  assert.equal(said.json.problems?.[0]?.code, 'EVIDENCE_NOT_ABOUT')
})
