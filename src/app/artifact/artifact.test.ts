import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { defaultEvidence, type EvidencePlaces } from '#config'
import { provenance, signed } from '../../core/decision/testing/fixtures.ts'
import { attach, imageWithDigest } from '../attach.ts'
import { openNetwork } from './network.ts'
import { lookForEvidence } from './places.ts'
import { findArtifact } from './resolve.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-artifact-'))
after(() => rmSync(dir, { recursive: true }))
const places: EvidencePlaces = defaultEvidence({})
const hex = 'a'.repeat(64)

test('a package is looked for nowhere unless somebody has named a registry', async () => {
  await using network = openNetwork(places)
  await assert.rejects(findArtifact('pkg:npm/shop@1.0.0', network), {
    code: 'CONFIG_NO_NPM_REGISTRY',
  })
})

test('authorities that cannot be read are a mistake, and no outage of every server', async () => {
  const file = join(dir, 'ca.pem')
  for (const text of ['', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
    writeFileSync(file, text)
    const registries = { ...places.registries, ca: file }
    await using network = openNetwork({ ...places, registries })
    await assert.rejects(network.http(), { code: 'CONFIG_CA', where: file })
  }
})

test('evidence is attached to what it is about, and to nothing else', async () => {
  await using network = openNetwork(places)
  const reference = imageWithDigest(`oci://127.0.0.1:1/shop@sha256:${hex}`, 'attach to')
  await assert.rejects(attach([signed(provenance()).bytes], reference, network), {
    code: 'EVIDENCE_NOT_ABOUT',
  })
})

test('a path that is not there and could be an image says how an image is written', async () => {
  await using network = openNetwork(places)
  await assert.rejects(findArtifact('registry.example/shop:1.0', network), (error) => {
    const [problem] = (error as { problems: { code: string; fix: string }[] }).problems
    assert.equal(problem?.code, 'EVIDENCE_FILE_MISSING')
    assert.match(problem.fix, /"oci:\/\/registry\.example\/shop:1\.0"/)
    return true
  })
})

test('a question about a file alone asks nobody, and one with a file of evidence looks nowhere else', async () => {
  const path = join(dir, 'shop.tgz')
  const bundle = join(dir, 'bundle.json')
  writeFileSync(path, 'shop')
  writeFileSync(bundle, signed(provenance()).bytes)
  const stores = ['http://127.0.0.1:1/store']
  await using network = openNetwork({ ...places, stores })
  const file = await findArtifact(path, network)
  const named = await lookForEvidence(file, network, { bundles: [bundle] })
  assert.deepEqual(named.evidence.sources, [{ name: bundle, outcome: 'found' }])
  assert.deepEqual(named.places, [])
  const looked = await lookForEvidence(file, network, { bundles: [] })
  assert.deepEqual(
    looked.places.map(({ name, outcome }) => [name, outcome]),
    [[stores[0], 'unavailable']],
  )
  // The store stands in the configuration: whoever asks did not choose its outage.
  assert.deepEqual(looked.chosenOutages, [])
  const chosen = await lookForEvidence(file, network, { bundles: [], evidence: stores })
  assert.deepEqual(
    chosen.chosenOutages.map(({ name }) => name),
    stores,
  )
})

test('a folder that somebody named and that is not there is their mistake', async () => {
  await using network = openNetwork(places)
  const digest = await findArtifact(`sha256:${hex}`, network)
  for (const [place, code] of [
    [join(dir, 'none'), 'FILE_NOT_FOUND'],
    [join(dir, 'shop.tgz'), 'FILE_NOT_FOUND'],
    ['https://user:secret@evidence.example', 'USAGE_VALUE'],
  ] as const) {
    await assert.rejects(
      lookForEvidence(digest, network, { bundles: [], evidence: [place] }),
      (error) => {
        assert.equal((error as { code: string }).code, code)
        assert.doesNotMatch(JSON.stringify((error as { problems: unknown }).problems), /secret/)
        return true
      },
    )
  }
})
