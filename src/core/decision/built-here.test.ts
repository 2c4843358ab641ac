import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { encodeStatement, predicateTypes, splitAttestations, type Statement } from '#attestation'
import { sha256Hex } from '#document'
import { builderIds } from '#signer'
import { build } from '../../builder/build.ts'
import { newHome, newRepository, options, source } from '../../builder/testing/home.ts'
import { tinyHost } from '../../builder/testing/tiny-host.ts'
import { pretendWorker } from '../../builder/testing/worker.ts'
import { keyEntry, makeKey, sealed } from '../trust/testing/fixtures.ts'
import { decide, type Decision } from './index.ts'
import { policiesOf, policyText, trustOf } from './testing/fixtures.ts'

const key = makeKey()
const trust = trustOf({
  workstation: {
    keys: [keyEntry(key)],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: builderIds.workstationMeasured }],
  },
})

/** Builds with the real orchestrator and a worker that pretends, and decides about the artifact beside its bundle. */
async function buildAndDecide(
  t: TestContext,
  require: (repository: string) => readonly string[],
): Promise<Decision> {
  const home = newHome(t)
  const { runStep } = pretendWorker(() => ({ 'thing.txt': 'made' }))
  const { path } = newRepository(home.folder, source('true'))
  const signer = {
    keyidOf: () => Promise.resolve(key.keyid),
    sign: (_: string, statement: Statement) =>
      Promise.resolve(sealed(encodeStatement(statement), [key])),
  }
  const { artifacts } = await build(options({ ...home, host: tinyHost(home.folder) }, path), {
    ...home.ports,
    runStep,
    signer,
  })
  const [artifact] = artifacts
  assert.ok(artifact !== undefined)
  const items = splitAttestations(readFileSync(artifact.bundlePath)).map((bytes) => ({
    bytes,
    digest: sha256Hex(bytes),
    source: artifact.bundlePath,
  }))
  return decide({
    request: {
      artifact: { name: 'thing.txt', digest: { sha256: sha256Hex(readFileSync(artifact.path)) } },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'test',
    },
    evidence: { items, sources: [{ name: artifact.bundlePath, outcome: 'found' }] },
    policies: policiesOf(policyText(require(`git+file://${path}`), "artifacts: ['pkg:npm/thing']")),
    trust,
    now: new Date('2026-11-21T00:00:00Z'),
  })
}

test('what our builder writes is what the rules read', async (t) => {
  const decision = await buildAndDecide(t, (repository) => [
    `built: {by: [workstation], from: '${repository}', refs: [refs/heads/main]}`,
    'hermetic: {by: [workstation], root: measured}',
    'recent: {by: [workstation], commit: 30d, build: 2d}',
  ])
  assert.deepEqual(decision.reasons, [])
  assert.equal(decision.verdict, 'ALLOW')
  assert.equal(decision.validUntil, '2026-11-22T10:00:00.000Z')
})

test('what our builder writes denies where a policy wants more', async (t) => {
  const decision = await buildAndDecide(t, (repository) => [
    `built: {by: [workstation], from: '${repository}-evil', refs: [refs/tags/v1], recipe: other.json}`,
    'hermetic: {by: [workstation]}',
    'recent: {by: [workstation], commit: 10d}',
  ])
  assert.deepEqual(
    decision.reasons.map(({ code }) => code),
    ['SOURCE_MISMATCH', 'REF_MISMATCH', 'RECIPE_MISMATCH', 'HERMETIC_ROOT', 'COMMIT_TOO_OLD'],
  )
})
