// The conformance test of the OCI Distribution Specification, against the proxy with a registry of go-containerregistry behind it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { pusherTo } from '../../src/evidence/testing/push.ts'
import { pushImage } from '../proxies/oci-image.ts'
import { makeHome, startInside, tokens } from '../server/gate.ts'
import { referrersRegistry, startReferrersRegistry } from './referrers-registry.ts'
import { install } from './tool-cache.ts'

const version = 'v0.0.0-20260831232431-97274622c111'
const conformance = install({
  name: `oci-conformance-${version}`,
  file: 'conformance',
  commands: [
    ['go', 'install', `github.com/opencontainers/distribution-spec/conformance@${version}`],
  ],
  env: { GOBIN: '$FOLDER', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
  timeoutMinutes: 5,
})
const missing = [referrersRegistry, conformance].flatMap((tool) =>
  'reason' in tool ? [tool.reason] : [],
)
const skip = missing.length === 0 ? false : `skipped: ${missing.join('; ')}`
const repository = 'acme/shop'

test(
  'whoever pulls through the proxy gets what the specification promises',
  { skip },
  async (t) => {
    assert.ok('path' in conformance && 'path' in referrersRegistry)
    const registry = await startReferrersRegistry(referrersRegistry.path)
    t.after(registry.stop)
    const home = await makeHome(`proxies:
  oci:
    port: 0
    upstreams: {registry.example: '${registry.base}'}
    targets: [{prefix: registry.example/acme/, environment: production, service: shop}]
`)
    t.after(() => home.close())
    const image = await pushImage(registry.base, repository, { content: 'good', tag: '1.0' })
    const pusher = pusherTo(registry.base, repository)
    const index = await pusher.index([image], '2.0')
    const attached = await pusher.referrer(index, 'application/x', [
      { mediaType: 'text/plain', bytes: Buffer.from('attached') },
    ])
    for (const { digest } of [image, index, attached]) home.approve(digest)
    const gate = await startInside(home)
    const line = gate.journal.find((one) => one.includes('OCI proxy listening')) ?? '{}'
    const { host } = new URL((JSON.parse(line) as { address: string }).address)
    const results = mkdtempSync(join(tmpdir(), 'sallyport-oci-conformance-'))
    t.after(() => rmSync(results, { recursive: true, force: true }))
    const tool = spawn(conformance.path, {
      cwd: results,
      env: {
        PATH: process.env['PATH'],
        HOME: results,
        OCI_REGISTRY: host,
        OCI_TLS: 'disabled',
        OCI_REPO1: `registry.example/${repository}`,
        OCI_USERNAME: 'ci',
        OCI_PASSWORD: tokens.deployer,
        OCI_API_PUSH: 'false',
        OCI_API_BLOBS_DELETE: 'false',
        OCI_API_MANIFESTS_DELETE: 'false',
        OCI_API_TAGS_DELETE: 'false',
        OCI_RO_DATA_TAGS: '1.0 2.0',
        OCI_RO_DATA_MANIFESTS: named(image.digest, index.digest, attached.digest),
        OCI_RO_DATA_BLOBS: named(image.config, image.layer),
        OCI_RO_DATA_REFERRERS: named(image.digest, index.digest),
      },
    })
    const output = await text(tool.stdout)
    assert.match(output, /^OCI Conformance Result: PASS/im, output)
    for (const api of [
      'Tag listing',
      'Blob get',
      'Blob head',
      'Manifest get by digest',
      'Manifest get by tag',
      'Manifest head by digest',
      'Manifest head by tag',
      'Referrers',
    ])
      assert.match(output, new RegExp(`^  ${api}\\.+: +Pass$`, 'm'))
  },
)

function named(...digests: readonly string[]): string {
  return digests.map((digest) => `sha256:${digest}`).join(' ')
}
