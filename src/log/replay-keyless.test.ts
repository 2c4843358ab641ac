import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import { decide, encodeDecision, type Evidence } from '#decision'
import { sha256Hex, type JsonObject } from '#document'
import { parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { evidenceOf, item, policyText, request } from '../core/decision/testing/fixtures.ts'
import {
  bytesOf,
  createInstance,
  issuer,
  rootJson,
  signBundle,
  subject,
} from '../core/trust/sigstore/testing/instance.ts'
import { trustBytes } from '../core/trust/testing/fixtures.ts'
import { recordDecision, replay } from './index.ts'
import { MemoryBodies } from './testing/memory-bodies.ts'
import { Machine } from './testing/simulation.ts'

const instance = createInstance()
const root = { file: 'roots/trusted_root.json', bytes: bytesOf(rootJson(instance)) }
const otherRoot = { file: 'roots/other.json', bytes: bytesOf(rootJson(createInstance())) }
const now = new Date('2026-11-01T00:00:00Z')

const signers: JsonObject = {
  release: {
    identities: [{ root: 'private', issuer, subject }],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: subject, level: 2 }],
  },
}
const trustFile = {
  file: 'trust.yaml',
  bytes: bytesOf({
    ...(JSON.parse(Buffer.from(trustBytes(signers)).toString()) as JsonObject),
    sigstore: {
      private: { trustedRoot: root.file, sha256: sha256Hex(root.bytes) },
      other: { trustedRoot: otherRoot.file },
    },
  }),
}
const policyFile = {
  file: 'policies/production.yaml',
  bytes: Buffer.from(policyText(['signed: {by: [release]}'])),
}

const provenance = bytesOf({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'shop.tgz', digest: { ...request.artifact.digest } }],
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
const keyless = item(bytesOf(signBundle(instance, { payload: provenance })))
const files = [trustFile, root, otherRoot, policyFile]

test('a keyless decision is made again byte for byte, from the trusted roots that were recorded', async () => {
  const { bodies, entry, decision } = await recorded(evidenceOf(keyless))
  assert.equal(decision.verdict, 'ALLOW', JSON.stringify(decision.reasons))
  assert.deepEqual(
    decision.inputs.trust.roots,
    [root, otherRoot].map(({ file, bytes }) => ({ file, digest: sha256Hex(bytes) })),
  )
  const again = await replay(entry, bodies)
  assert.deepEqual(again.problems, [])
  assert.ok(again.same)
  assert.deepEqual(Buffer.from(again.replayed), Buffer.from(encodeDecision(decision)))
})

test('a keyless refusal is made again, too', async () => {
  const stranger = item(bytesOf(signBundle(createInstance(), { payload: provenance })))
  const { bodies, entry, decision } = await recorded(evidenceOf(stranger))
  assert.equal(decision.verdict, 'DENY')
  assert.ok((await replay(entry, bodies)).same)
})

test('without its trusted root a decision is not made again, and the root is named', async () => {
  const { bodies, entry } = await recorded(evidenceOf(keyless))
  bodies.bodies.delete(sha256Hex(root.bytes))
  await assert.rejects(replay(entry, bodies), {
    code: 'RECORD_BODY_MISSING',
    where: JSON.stringify(root.file),
  })
})

test('a decision is not recorded without the trusted roots that it was made with', async () => {
  const log = await new Machine().start()
  const evidence = evidenceOf(keyless)
  for (const left of [root, otherRoot]) {
    const inputs = inputsOf(evidence, left.bytes)
    await assert.rejects(
      recordDecision(log, new MemoryBodies(), { decision: decideOn(evidence), inputs }),
      { code: 'RECORD_BODY_MISSING', where: JSON.stringify(left.file) },
    )
  }
  assert.equal(log.size, 0)
})

async function recorded(evidence: Evidence) {
  const bodies = new MemoryBodies()
  const log = await new Machine().start()
  const decision = decideOn(evidence)
  const { index } = await recordDecision(log, bodies, { decision, inputs: inputsOf(evidence) })
  return { bodies, decision, entry: await log.entry(index) }
}

function decideOn(evidence: Evidence) {
  const roots = new Map([root, otherRoot].map(({ file, bytes }) => [file, bytes]))
  return decide({
    request,
    evidence,
    policies: parsePolicies([policyFile]),
    trust: parseTrust(trustFile.bytes, { file: trustFile.file, roots }),
    now,
  })
}

function inputsOf({ items }: Evidence, without?: Uint8Array): Uint8Array[] {
  const all = [...files, ...items].map(({ bytes }) => bytes)
  return all.filter((bytes) => bytes !== without)
}
