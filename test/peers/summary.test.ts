// docs/kubernetes.md on summaries: the gate's answer travels with the image, and cosign, of which others are made, accepts it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { pusherTo } from '../../src/evidence/testing/push.ts'
import { startRealRegistry, whyNoRegistry, type RealRegistry } from '../registry/real-registry.ts'
import { home } from '../scenarios/home-folder.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { provenance } from '../scenarios/provenance.ts'
import { cosign } from './cosign.ts'

const skip = whyNoRegistry() ?? ('reason' in cosign ? `skipped: ${cosign.reason}` : false)
const verifierId = 'https://example.com/verifiers/gate/v1'
let dir: string
let registry: RealRegistry
let image: string
let other: string

interface Summary {
  readonly predicate: {
    readonly verifier: { readonly id: string }
    readonly verificationResult: string
    readonly resourceUri: string
    readonly policy: { readonly uri: string }
  }
}

const run = (...args: readonly string[]) => runInProcess(args, { dir })

before(async () => {
  if (skip !== false) return
  dir = mkdtempSync(join(tmpdir(), 'sallyport-summary-'))
  registry = await startRealRegistry()
  const push = pusherTo(registry.base, 'acme/shop')
  const pushed = await push.image('shop')
  const named = ({ digest }: { readonly digest: string }): string =>
    `${registry.host}/acme/shop@sha256:${digest}`
  image = named(pushed)
  other = named(await push.image('another'))
  await home([], dir)
  appendFileSync(join(dir, '.sallyport/sallyport.yaml'), `verifierId: ${verifierId}\n`)
  writeFileSync(join(dir, 'image'), pushed.bytes)
  await provenance(['image'], dir)
  await done('attach', join(dir, 'image.sigstore.jsonl'), `oci://${image}`)
  await done('verify', `oci://${image}`, '--environment', 'staging', '--service', 'shop')
  writeKey('gate.pub', (await done('summary', 'key', '--json')).json)
  const summary = join(dir, 'vsa.jsonl')
  const uri = ['--resource-uri', `oci://${image}`]
  await done('summary', 'sign', '0', '--format', 'vsa', ...uri, '--output', summary)
  await done('attach', summary, `oci://${image}`)
})

after(async () => {
  await registry?.stop()
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
})

async function done(...args: readonly string[]) {
  const said = await run(...args)
  assert.equal(said.exit, 0, said.stderr)
  return said
}

function writeKey(name: string, said: unknown): void {
  writeFileSync(join(dir, name), (said as { readonly publicKeyPem: string }).publicKeyPem)
}

async function verify(key: string, what: string) {
  assert('path' in cosign)
  const type = ['--type', 'https://slsa.dev/verification_summary/v1']
  const local = ['--insecure-ignore-tlog', '--allow-http-registry']
  const args = ['verify-attestation', '--key', join(dir, key), ...type, ...local, what]
  const child = spawn(cosign.path, args, { env: { ...process.env, HOME: dir }, timeout: 60_000 })
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { exit: child.exitCode, stdout, stderr }
}

test(
  'cosign finds the summary at the image, and it says who let what in by which policy',
  { skip },
  async () => {
    const { exit, stdout, stderr } = await verify('gate.pub', image)
    assert.equal(exit, 0, stderr)
    const { payload } = JSON.parse(stdout) as { readonly payload: string }
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as Summary
    assert.equal(predicate.verifier.id, verifierId)
    assert.equal(predicate.verificationResult, 'PASSED')
    assert.equal(predicate.resourceUri, `oci://${image}`)
    assert.equal(predicate.policy.uri, 'urn:sallyport:policy:shop-staging')
  },
)

test('by another key, or at another image, there is none', { skip }, async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(dir, 'stranger.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  for (const [key, what] of [
    ['stranger.pub', image],
    ['gate.pub', other],
  ] as const) {
    const { exit, stderr } = await verify(key, what)
    assert.notEqual(exit, 0, `${key} ${what}`)
    assert.match(stderr, /^Error: no matching attestations/m)
  }
})
