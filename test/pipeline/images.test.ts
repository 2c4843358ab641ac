import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gatePipeline, type GateOptions } from '#app'
import { loadConfig } from '#config'
import { bundleType, pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { home } from '../scenarios/home-folder.ts'
import { provenance } from '../scenarios/provenance.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-images-'))
const out = join(dir, 'out')
let registry: TestRegistry
let image: Pushed
before(async () => {
  await home([], dir)
  registry = await startTestRegistry()
  const push = pusherTo(registry.base, 'acme/shop')
  image = await push.image('shop', '1.0')
  writeFileSync(join(dir, image.digest), image.bytes)
  await provenance([image.digest], dir)
  const bytes = readFileSync(join(dir, `${image.digest}.sigstore.jsonl`)).subarray(0, -1)
  await push.referrer(image, bundleType, [{ mediaType: bundleType, bytes }])
  const allowed = `evidence: {registries: {allow: ['${registry.host}']}}\n`
  appendFileSync(join(dir, '.sallyport/sallyport.yaml'), allowed)
})
after(async () => {
  await registry.close()
  rmSync(dir, { recursive: true, force: true })
})

function gate(suffix: string, more: Partial<GateOptions> = {}) {
  rmSync(out, { force: true })
  const words = ['sh', '-c', `printf %s "$1" > ${out}`, 'sh', 'docker://{}']
  return gatePipeline({
    artifacts: [`oci://${registry.host}/acme/shop${suffix}`],
    target: { environment: 'staging', service: 'shop' },
    bundles: [],
    evidence: [],
    config: () => Promise.resolve(loadConfig({ cwd: dir, env: {} })),
    env: { PATH: process.env['PATH'] },
    cwd: dir,
    now: () => new Date(),
    command: { words, env: [], inEnvironment: false, quiet: true },
    ...more,
  })
}

const moveTag = async (): Promise<void> => {
  await pusherTo(registry.base, 'acme/shop').image('something else', '1.0')
}
const moveBack = () =>
  pusherTo(registry.base, 'acme/shop').manifest('1.0', image.bytes, image.mediaType)

test('an image is deployed by the digest that was decided about, whatever it was called by', async () => {
  for (const suffix of [':1.0', `@sha256:${image.digest}`, `:1.0@sha256:${image.digest}`]) {
    const report = await gate(suffix)
    assert.equal(report.exit, 0, suffix)
    assert.equal(
      readFileSync(out, 'utf8'),
      `docker://${registry.host}/acme/shop@sha256:${image.digest}`,
    )
  }
})

test('a tag that moves between decision and deployment ends the step', async () => {
  for (const suffix of [':1.0', `:1.0@sha256:${image.digest}`]) {
    await assert.rejects(gate(suffix, { onDecided: moveTag }), { code: 'GATE_TAG_MOVED' }, suffix)
    assert.throws(() => readFileSync(out), { code: 'ENOENT' })
    await moveBack()
  }
  const report = await gate(`@sha256:${image.digest}`, { onDecided: moveTag })
  assert.equal(report.exit, 0)
  await moveBack()
})

test('a tag that has moved before is another image, about which nothing is known', async () => {
  await moveTag()
  const report = await gate(':1.0')
  assert.equal(report.exit, 1)
  assert.equal(report.deployed, undefined)
  await moveBack()
})
