// Artifacts that others built, at the command line: signed with a certificate under a private Sigstore instance, and
// published to an npm registry.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import {
  bytesOf,
  createInstance,
  issuer,
  rootJson,
  signBundle,
  subject,
} from '../../src/core/trust/sigstore/testing/instance.ts'
import { home } from './home-folder.ts'
import { runInProcess } from './in-process.ts'

const instance = createInstance()
const now = new Date('2026-11-01T00:00:00Z')
const tarball = Buffer.from('a package')
const purl = 'pkg:npm/%40acme/shop@1.0.0'
const hex = (algorithm: string, bytes: Uint8Array): string =>
  createHash(algorithm).update(bytes).digest('hex')

let dir = ''
let server: Server
let base = ''
const pages = new Map<string, Buffer | string>()

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-foreign-'))
  await home([], dir)
  server = createServer((request, response) => {
    const page = pages.get(request.url ?? '')
    if (page === undefined) response.writeHead(404)
    response.end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = join(dir, '.sallyport/sallyport.yaml')
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, `${text}\nevidence:\n  npm: {registry: "${base}"}\n`)
  mkdirSync(join(dir, '.sallyport/roots'))
  writeFileSync(join(dir, '.sallyport/roots/private.json'), bytesOf(rootJson(instance)))
  writeFileSync(join(dir, '.sallyport/trust.yaml'), bytesOf(trust({})))
  writeFileSync(join(dir, '.sallyport/policies/foreign.yaml'), policy)
  writeFileSync(join(dir, 'shop.tgz'), tarball)
})

after(() => {
  server?.close()
  rmSync(dir, { recursive: true, force: true })
})

beforeEach(() => {
  pages.clear()
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const dist = { tarball: `${base}/shop.tgz`, integrity }
  pages.set('/@acme%2fshop', JSON.stringify({ versions: { '1.0.0': { dist } } }))
  pages.set('/shop.tgz', tarball)
})

const policy = `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: foreign, owner: shop}
targets: [{environment: lab, service: shop}]
require:
  - signed: {by: [release]}
`

function trust(identity: JsonObject): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'foreign', owner: 'security' },
    sigstore: { private: { trustedRoot: 'roots/private.json' } },
    signers: {
      release: {
        identities: [{ root: 'private', issuer, subject, ...identity }],
        predicateTypes: [predicateTypes.slsaProvenanceV1],
        builders: [{ id: subject, level: 2 }],
      },
    },
  }
}

/** Provenance as a pipeline with a certificate signs it. */
function keyless(name: string, digest: Record<string, string>, by = instance): JsonObject {
  const payload = bytesOf({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest }],
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: { workflow: { path: 'x' } },
        resolvedDependencies: [],
      },
      runDetails: { builder: { id: subject } },
    },
  })
  return signBundle(by, { payload })
}

const run = (...args: readonly string[]) => runInProcess([...args, '--json'], { dir, now })
const verify = (artifact: string, ...more: readonly string[]) =>
  run('verify', artifact, '--environment', 'lab', '--service', 'shop', ...more)

test('a keyless decision is made, shown, and made again byte for byte after the root is gone', async () => {
  const file = join(dir, 'shop.tgz')
  const bundle = join(dir, 'shop.tgz.sigstore.json')
  writeFileSync(bundle, bytesOf(keyless('shop.tgz', { sha256: hex('sha256', tarball) })))
  const said = await verify(file)
  assert.equal(said.exit, 0, said.stdout)
  assert.match(said.stdout, /"file": "roots\/private\.json"/)
  const shown = await runInProcess(['verify', file, '--environment', 'lab', '--service', 'shop'], {
    dir,
    now,
  })
  assert.match(shown.stdout, new RegExp(`signer\\.subject ${subject}`))
  assert.match(shown.stdout, new RegExp(`signer\\.issuer ${issuer}`))
  const inspected = await run('inspect', file)
  assert.match(inspected.stdout, /"state": "known"/)

  writeFileSync(
    bundle,
    bytesOf(keyless('shop.tgz', { sha256: hex('sha256', tarball) }, createInstance())),
  )
  assert.equal((await verify(file)).exit, 1)

  rmSync(join(dir, '.sallyport/roots'), { recursive: true })
  const missing = await verify(file)
  assert.equal(missing.exit, 2)
  assert.equal(missing.json.problems?.[0]?.code, 'TRUST_ROOT_MISSING')
  const replayed = await run('log', 'replay')
  assert.equal(replayed.exit, 0, replayed.stdout)
  assert.equal(replayed.json['same'], true)
  rmSync(bundle)
  mkdirSync(join(dir, '.sallyport/roots'))
  writeFileSync(join(dir, '.sallyport/roots/private.json'), bytesOf(rootJson(instance)))
})

test('an npm package is its tarball, and its evidence is what the registry says it is', async () => {
  const digest = { sha512: hex('sha512', tarball) }
  const attestations = [{ predicateType: 'x', bundle: keyless(purl, digest) }]
  const place = '/-/npm/v1/attestations/@acme%2fshop@1.0.0'
  assert.equal((await verify(purl)).exit, 1)
  pages.set(place, JSON.stringify({ attestations }))
  const said = await verify(purl)
  assert.equal(said.exit, 0, said.stdout)
  assert.deepEqual(said.json.decision?.request.artifact.digest, {
    sha256: hex('sha256', tarball),
    sha512: hex('sha512', tarball),
  })
  assert.equal(said.json.decision?.inputs.sources[0]?.outcome, 'found')
  // Somebody else signs for it.
  const others = [{ bundle: keyless(purl, digest, createInstance()) }]
  pages.set(place, JSON.stringify({ attestations: others }))
  assert.equal((await verify(purl)).exit, 1)
})

test('a tarball that is not the one the registry tells of is no artifact', async () => {
  pages.set('/shop.tgz', 'another package')
  const said = await verify(purl)
  assert.equal(said.exit, 3, said.stdout)
  assert.equal(said.json.problems?.[0]?.code, 'EVIDENCE_SOURCE_UNAVAILABLE')
})

test('a version that is not there is a mistake; a registry without attestations is a no', async () => {
  const other = await verify('pkg:npm/%40acme/shop@9.0.0')
  assert.equal(other.exit, 2)
  assert.equal(other.json.problems?.[0]?.code, 'EVIDENCE_ARTIFACT_MISSING')
  const said = await verify(purl)
  assert.deepEqual([said.exit, said.json.decision?.verdict], [1, 'DENY'])
})

test('an identity that was stolen is refused from then on', async () => {
  writeFileSync(
    join(dir, 'stolen.yaml'),
    JSON.stringify(trust({ compromisedSince: '2026-01-01T00:00:00Z' })),
  )
  mkdirSync(join(dir, 'roots'))
  writeFileSync(join(dir, 'roots/private.json'), bytesOf(rootJson(instance)))
  const bundle = join(dir, 'bundle.json')
  writeFileSync(bundle, bytesOf(keyless('shop.tgz', { sha256: hex('sha256', tarball) })))
  const artifact = `sha256:${hex('sha256', tarball)}`
  const said = await verify(artifact, '--bundle', bundle)
  assert.equal(said.exit, 0, said.stdout)
  const stolen = ['--trust', join(dir, 'stolen.yaml')]
  assert.equal((await verify(artifact, '--bundle', bundle, ...stolen)).exit, 1)
})
