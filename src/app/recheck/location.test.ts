import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Config } from '#config'
import type { Decision } from '#decision'
import { admissionOf } from '../../recheck/testing/log.ts'
import { locationIn, locationOf } from './location.ts'

const sha256 = 'a'.repeat(64)
const image = `registry.example/shop@sha256:${sha256}`

function decided(
  artifact: { readonly name: string; readonly downloadLocation?: string },
  sources: Decision['inputs']['sources'] = [],
): Decision {
  const one = admissionOf('a')
  return {
    ...one,
    request: { ...one.request, artifact: { digest: { sha256 }, ...artifact } },
    inputs: { ...one.inputs, sources },
  }
}

function configOf(allow?: readonly string[], more: Partial<Config['evidence']> = {}, npm?: object) {
  const registries = allow === undefined ? {} : { allow }
  const proxies = npm === undefined ? {} : { npm }
  return { file: 'sallyport.yaml', evidence: { registries, ...more }, proxies } as unknown as Config
}

const npmProxy = (bound: object) => ({
  upstream: 'https://registry.npmjs.org',
  scopes: { '@acme': bound },
  packages: {},
  target: { environment: 'production', service: 'shop' },
  denied: [],
  reserved: [],
  minimumAgeExceptions: [],
  tarballHosts: [],
  limits: {},
})

test('where an artifact lies is recorded only when its name does not say it', () => {
  assert.deepEqual(locationOf({ reference: image }, image), {})
  assert.deepEqual(locationOf({}, image), {})
  const tagged = image.replace('@', ':v1@')
  assert.deepEqual(locationOf({ reference: tagged }, image), {
    downloadLocation: `oci://${tagged}`,
  })
  const npm = { registry: 'https://npm.example/', name: '@acme/x', version: '1.2.3' }
  const { downloadLocation = '' } = locationOf({ npm }, 'pkg:npm/%40acme/x@1.2.3')
  assert.match(downloadLocation, /^pkg:npm\/%40acme\/x@1\.2\.3\?repository_url=/)
})

test('an image is looked for where its name or its location says', async () => {
  const config = configOf(['registry.example'])
  const where = async (decision: Decision) => (await locationIn(decision, config)).sources
  assert.deepEqual(await where(decided({ name: image })), [{ kind: 'registry', reference: image }])
  const tagged = 'registry.example/shop:v1'
  assert.deepEqual(await where(decided({ name: 'shop', downloadLocation: `oci://${tagged}` })), [
    { kind: 'registry', reference: tagged },
  ])
  for (const name of [
    'shop.tgz',
    image.replaceAll('a', 'b'),
    'registry.example/shop:v1',
    '',
    '../x',
    'pkg:npm/',
    'pkg:npm/x',
  ])
    assert.deepEqual(await where(decided({ name })), [], name)
})

test('a registry that no list allows is asked only when a person at a command line had it asked', async () => {
  const open = configOf()
  const registries = async (decision: Decision, config = open) =>
    (await locationIn(decision, config)).registries
  const looked = [{ name: image, outcome: 'unavailable' as const }]
  assert.deepEqual(await registries(decided({ name: image }, looked)), ['registry.example'])
  // Whoever asks a server may call an artifact what they like.
  assert.deepEqual(await registries(decided({ name: image })), [])
  const detail = 'not looked at: registry.example is not allowed'
  const refused = [{ name: image, outcome: 'absent' as const, detail }]
  assert.deepEqual(await registries(decided({ name: image }, refused)), [])
  const chosen = { name: image, downloadLocation: `oci://${image}` }
  assert.deepEqual(await registries(decided(chosen, looked)), [])
  assert.deepEqual(
    await registries(decided({ name: image }, looked), configOf(['other.example'])),
    [],
  )
})

test('a package is looked for in registries of the configuration only, with their token', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-location-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, 'secret\n')
  const config = configOf([], {}, npmProxy({ registry: 'https://npm.example', tokenFile }))
  const at = (registry: string) => {
    const npm = { registry, name: '@acme/x', version: '1.2.3' }
    const name = 'pkg:npm/%40acme/x@1.2.3'
    return locationIn(decided({ name, ...locationOf({ npm }, name) }), config)
  }
  const wanted = { kind: 'npm', name: '@acme/x', version: '1.2.3' }
  assert.deepEqual((await at('https://npm.example/')).sources, [
    { ...wanted, registry: 'https://npm.example/', authorization: 'Bearer secret' },
  ])
  assert.deepEqual((await at('https://evil.example/')).sources, [])
  assert.deepEqual((await at('https://npm.example.evil/')).sources, [])
  const own = configOf([], { npmRegistry: 'https://npm.example' })
  const { sources } = await locationIn(decided({ name: 'pkg:npm/x@1.2.3' }), own)
  assert.deepEqual(sources, [
    { kind: 'npm', registry: 'https://npm.example', name: 'x', version: '1.2.3' },
  ])
})
