// Done-when 6 of the second issue: the command line against a registry that others made, Debian's docker-registry, which
// has no referrers API.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { home } from '../scenarios/home-folder.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { provenance } from '../scenarios/provenance.ts'
import { startRealRegistry, whyNoRegistry, type RealRegistry } from './real-registry.ts'

const why = whyNoRegistry()
const skip = why ?? false
let registry: RealRegistry
let dir = ''
let image: Pushed
let bundle = ''

before(async () => {
  if (why !== undefined) return
  dir = mkdtempSync(join(tmpdir(), 'sallyport-real-registry-'))
  await home([], dir)
  registry = await startRealRegistry()
  image = await pusherTo(registry.base, 'acme/shop').image('shop', '1.0')
  writeFileSync(join(dir, 'image'), image.bytes)
  await provenance(['image'], dir)
  bundle = join(dir, 'image.sigstore.jsonl')
  const config = join(dir, '.sallyport/sallyport.yaml')
  const places = `registries: {allow: ["${registry.host}"]}\n  timeoutSeconds: 5`
  writeFileSync(config, `${readFileSync(config, 'utf8')}\nevidence:\n  ${places}\n`)
  const policy = readFileSync(join(dir, '.sallyport/policies/staging.yaml'), 'utf8')
  writeFileSync(
    join(dir, 'allow.yaml'),
    policy.replace('whenUnavailable: deny', 'whenUnavailable: allow'),
  )
})

after(async () => {
  await registry?.stop()
  if (dir !== '') rmSync(dir, { recursive: true, force: true })
})

const at = (suffix: string): string => `oci://${registry.host}/acme/shop${suffix}`
const byDigest = (): string => at(`@sha256:${image.digest}`)
const run = (...args: readonly string[]) => runInProcess([...args, '--json'], { dir })
const verify = async (artifact: string, ...more: readonly string[]) => {
  const target = ['--environment', 'staging', '--service', 'shop']
  const said = await run('verify', artifact, ...target, ...more)
  return { ...said, answer: [said.exit, said.json.decision?.verdict, said.json.decision?.effect] }
}
const letThrough = (): readonly string[] => ['--policy', join(dir, 'allow.yaml')]

test(
  'an image is let in once its provenance is attached, by tag and by digest',
  { skip },
  async () => {
    assert.deepEqual((await verify(at(':1.0'))).answer, [1, 'DENY', 'blocked'])
    const attached = await run('attach', bundle, byDigest())
    assert.equal(attached.exit, 0, attached.stdout)
    assert.match(attached.stdout, /"by": "tag"/)
    for (const artifact of [at(':1.0'), byDigest()]) {
      const said = await verify(artifact)
      assert.deepEqual(said.answer, [0, 'ALLOW', 'admitted'], said.stdout)
    }
  },
)

test(
  'a registry that hangs or is gone is an outage with a name, as the policy chose',
  { skip },
  async () => {
    const { host } = registry
    registry.freeze()
    try {
      const said = await verify(byDigest(), ...letThrough())
      assert.deepEqual(said.answer, [0, 'UNDETERMINED', 'admitted-unavailable'], said.stdout)
    } finally {
      registry.thaw()
    }
    await registry.stop()
    const denied = await verify(byDigest())
    assert.deepEqual(denied.answer, [3, 'UNDETERMINED', 'blocked'])
    assert.match(denied.stdout, new RegExp(host))
    const chosen = await verify(byDigest(), ...letThrough())
    assert.deepEqual(chosen.answer, [0, 'UNDETERMINED', 'admitted-unavailable'])
    const tagged = await verify(at(':1.0'), ...letThrough())
    assert.equal(tagged.exit, 3)
    assert.equal(tagged.json.problems?.[0]?.where, host)
  },
)
