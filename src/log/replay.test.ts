import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  decide,
  encodeDecision,
  evidenceBytes,
  type Decision,
  type Evidence,
  type EvidenceItem,
} from '#decision'
import { encodeCanonical, sha256Hex } from '#document'
import { parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { openFileBlobs, openFileLogStorage } from '#store'
import { trustBytes } from '../core/trust/testing/fixtures.ts'
import {
  approval,
  builtRule,
  evidenceOf,
  item,
  keys,
  now,
  policyText,
  provenance,
  request,
  signed,
  trustEntries,
} from '../core/decision/testing/fixtures.ts'
import { openLog, recordDecision, recordedDecision, replay } from './index.ts'
import { MemoryBodies } from './testing/memory-bodies.ts'
import { fileMemory, RememberingSigner } from './testing/remembering-signer.ts'
import { Machine } from './testing/simulation.ts'

const trustFile = { file: 'trust.yaml', bytes: trustBytes(trustEntries) }
const policyFile = { file: 'policies/production.yaml', bytes: Buffer.from(policyText([builtRule])) }
const stricter = {
  file: 'policies/production.yaml',
  bytes: Buffer.from(
    policyText([builtRule, 'allowed: {by: [release-managers], environment: production}']),
  ),
}

/** An index that lists the artifact. */
const index = encodeCanonical({
  schemaVersion: 2,
  manifests: [
    {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${request.artifact.digest['sha256'] ?? ''}`,
      size: 1,
    },
  ],
})

/** Evidence of all kinds: good, wrong, unreadable, missing, out of reach. */
const cases: Record<string, Evidence> = {
  good: evidenceOf(signed(provenance())),
  'of another repository': evidenceOf(signed(provenance({ uri: 'git+https://git.example/evil' }))),
  'by a stranger': evidenceOf(signed(provenance(), keys.stranger)),
  'and an approval': evidenceOf(
    signed(provenance()),
    signed(approval(), keys.alice),
    signed(approval('staging'), keys.bob),
  ),
  'that is no attestation': evidenceOf(
    item(Buffer.from([0, 255, 13, 10])),
    item(Buffer.from('{}')),
  ),
  'that is empty': evidenceOf(item(new Uint8Array())),
  'that came twice': evidenceOf(signed(provenance()), ...twice(signed(provenance()))),
  'that is a flood': evidenceOf(
    ...Array.from({ length: 1030 }, (_, index) => item(Buffer.from(`{"n":${index}}`))),
  ),
  'about the index that lists it': {
    ...evidenceOf(signed(provenance({ sha256: sha256Hex(index) }))),
    related: [{ index }],
  },
  'about an index that is none': {
    ...evidenceOf(signed(provenance())),
    related: [{ index: Buffer.from('{}') }],
  },
  'that is absent': evidenceOf(),
  'that is out of reach': {
    items: [],
    sources: [{ name: 'registry', outcome: 'unavailable', detail: 'timeout after 5 s' }],
  },
}

for (const [name, evidence] of Object.entries(cases))
  test(`a decision is made again byte for byte from its entry and its bodies: evidence ${name}`, async () => {
    const { bodies, entry, decision } = await recorded(evidence)
    const again = await replay(entry, bodies)
    assert.deepEqual(again.problems, [])
    assert.ok(again.same)
    assert.equal(again.decision.verdict, decision.verdict)
    assert.deepEqual(Buffer.from(again.replayed), Buffer.from(encodeDecision(decision)))
  })

test('an index that was there is an input: without it nothing is recorded or made again', async () => {
  const evidence = cases['about the index that lists it'] ?? assert.fail()
  const { bodies, entry, decision } = await recorded(evidence)
  assert.equal(decision.verdict, 'ALLOW')
  const { related: _, ...without } = evidence
  const log = await new Machine().start()
  const kept = { decision, inputs: inputsOf(without) }
  await assert.rejects(recordDecision(log, new MemoryBodies(), kept), {
    code: 'RECORD_BODY_MISSING',
  })
  bodies.bodies.delete(sha256Hex(index))
  await assert.rejects(replay(entry, bodies), { code: 'RECORD_BODY_MISSING' })
})

test('a decision for a target that nobody owns is made again, too', async () => {
  const target = { environment: 'moon', service: 'shop' }
  const { bodies, entry, decision } = await recorded(cases['good'] ?? assert.fail(), { target })
  assert.equal(decision.verdict, 'POLICY_ERROR')
  assert.ok((await replay(entry, bodies)).same)
})

test('what was decided again, where it lay, and in which words it was asked for, are inputs like all others', async () => {
  const rechecks = { first: 3, last: 7, question: sha256Hex('x') }
  const artifact = { ...request.artifact, downloadLocation: 'oci://registry.example/shop:v1' }
  const { bodies, entry, decision } = await recorded(cases['good'] ?? assert.fail(), {
    artifact,
    asked: { kind: 'apps/Deployment', name: 'shop', lone: '\ud800' },
    rechecks,
  })
  const asked = { kind: 'apps/Deployment', name: 'shop', lone: '\ufffd' }
  assert.deepEqual(decision.request, { ...request, artifact, asked, rechecks })
  assert.ok((await replay(entry, bodies)).same)
})

test('a decision that has another answer under another policy says so', async () => {
  const { bodies, entry, decision } = await recorded(cases['good'] ?? assert.fail())
  assert.equal(decision.verdict, 'ALLOW')
  const other = await replay(entry, bodies, { policies: [stricter] })
  assert.equal(other.decision.verdict, 'DENY')
  assert.ok(!other.same)
  const where = other.problems.map((problem) => problem.where)
  for (const part of ['verdict', 'rules', 'inputs', 'reasons']) assert.ok(where.includes(part))
  assert.ok(other.problems.every(({ code }) => code === 'REPLAY_DIFFERS'))
})

test('a decision that was changed in the log is not the one that is made again', async () => {
  const { bodies, entry } = await recorded(cases['by a stranger'] ?? assert.fail())
  const text = Buffer.from(entry).toString()
  const changed = await replay(
    Buffer.from(text.replace('"verdict":"DENY"', '"verdict":"ALLOW"')),
    bodies,
  )
  assert.deepEqual(
    changed.problems.map(({ code, where }) => `${code} ${where}`),
    ['REPLAY_DIFFERS verdict'],
  )
  const spaced = await replay(Buffer.from(text.replace('{', '{ ')), bodies)
  assert.deepEqual(
    spaced.problems.map(({ where }) => where),
    ['encoding'],
  )
})

test('a decision by another version of the engine is told from a changed one', async () => {
  const { bodies, entry, decision } = await recorded(cases['good'] ?? assert.fail())
  const { version } = decision.engine
  const older = Buffer.from(entry).toString().replace(`"version":"${version}"`, '"version":"0.0.9"')
  const again = await replay(Buffer.from(older), bodies)
  assert.deepEqual(
    again.problems.map(({ where }) => where),
    ['engine'],
  )
  assert.match(again.problems[0]?.fix ?? '', /version of Sallyport/)
})

test('without what it was made from, a decision is not made again, and all that is missing is named', async () => {
  const { bodies, entry } = await recorded(cases['and an approval'] ?? assert.fail())
  bodies.bodies.delete(sha256Hex(trustFile.bytes))
  bodies.bodies.delete(sha256Hex(policyFile.bytes))
  await assert.rejects(
    replay(entry, bodies),
    (problem: { problems: { code: string; where: string }[] }) => {
      assert.deepEqual(
        problem.problems.map(({ code, where }) => `${code} ${where}`),
        ['RECORD_BODY_MISSING "trust.yaml"', 'RECORD_BODY_MISSING "policies/production.yaml"'],
      )
      return true
    },
  )
})

for (const name of ['and an approval', 'by a stranger', 'that is no attestation', 'that is empty'])
  test(`AUD-04: without any one item of evidence the record is good for nothing: evidence ${name}`, async () => {
    const { items } = cases[name] ?? assert.fail()
    assert.ok(items.length > 0)
    for (const { digest, source } of items) {
      const { bodies, entry } = await recorded(cases[name] ?? assert.fail())
      assert.ok((await replay(entry, bodies)).same)
      bodies.bodies.delete(digest)
      await assert.rejects(
        replay(entry, bodies),
        ({ problems }: { problems: { code: string; where: string; expected: string }[] }) => {
          assert.deepEqual(
            problems.map(({ code, where }) => `${code} ${where}`),
            [`RECORD_BODY_MISSING "${source}"`],
          )
          assert.ok(problems[0]?.expected.includes(digest), problems[0]?.expected)
          return true
        },
      )
    }
  })

test('a decision is not recorded without everything it was made from', async () => {
  const log = await new Machine().start()
  const evidence = cases['good'] ?? assert.fail()
  const decision = decideWith(evidence)
  const inputs = inputsOf(evidence)
  for (let left = 0; left < inputs.length; left += 1)
    await assert.rejects(
      recordDecision(log, new MemoryBodies(), { decision, inputs: inputs.toSpliced(left, 1) }),
      { code: 'RECORD_BODY_MISSING' },
    )
  assert.equal(log.size, 0)
})

test('the bodies are durable before the decision is logged', async () => {
  const order: string[] = []
  const bodies = new MemoryBodies()
  const evidence = cases['good'] ?? assert.fail()
  await recordDecision(
    {
      append: async () => {
        order.push('append')
        return { index: 0, checkpoint: '' }
      },
    },
    {
      put: async (bytes) => {
        await new Promise((resolve) => setImmediate(resolve))
        order.push('put')
        return bodies.put(bytes)
      },
      get: async (digest) => bodies.get(digest),
    },
    { decision: decideWith(evidence), inputs: inputsOf(evidence) },
  )
  assert.deepEqual(order, ['put', 'put', 'put', 'append'])
})

test('a decision too long for an entry is logged by its digest, and made again all the same', async () => {
  const many = evidenceOf(
    ...Array.from({ length: 400 }, (_, at) => item(Buffer.from(`junk ${at}`))),
  )
  const { bodies, entry, decision } = await recorded(many)
  assert.ok(encodeDecision(decision).length > 16_384)
  assert.ok(entry.length < 300)
  assert.deepEqual(
    Buffer.from(await recordedDecision(entry, bodies)),
    Buffer.from(encodeDecision(decision)),
  )
  assert.ok((await replay(entry, bodies)).same)
  bodies.bodies.delete(sha256Hex(encodeDecision(decision)))
  await assert.rejects(replay(entry, bodies), { code: 'RECORD_BODY_MISSING' })
})

test('an entry that is no decision is refused', async () => {
  const bodies = new MemoryBodies()
  for (const [entry, code] of [
    ['not JSON', 'DOCUMENT_SYNTAX'],
    ['[]', 'RECORD_MALFORMED'],
    ['{"kind":"Other"}', 'RECORD_MALFORMED'],
    ['{"kind":"Decision"}', 'DOCUMENT_SHAPE'],
    ['{"kind":"DecisionReference"}', 'DOCUMENT_SHAPE'],
  ] as const)
    await assert.rejects(replay(Buffer.from(entry), bodies), { code })
})

test('decisions in a folder are made again after everything else is gone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-replay-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const storage = openFileLogStorage(join(folder, 'log'))
  const { bodies } = openFileBlobs(join(folder, 'blobs'))
  const signer = new RememberingSigner(fileMemory(join(folder, 'memory')))
  const log = await openLog({ storage, signer })
  const evidences = Object.values(cases)
  await Promise.all(
    evidences.map(async (evidence) =>
      recordDecision(log, bodies, { decision: decideWith(evidence), inputs: inputsOf(evidence) }),
    ),
  )
  await log.close()
  const verdicts: string[] = []
  for await (const { entry } of (await log.view()).entries()) {
    const again = await replay(entry, openFileBlobs(join(folder, 'blobs')).bodies)
    assert.ok(again.same)
    verdicts.push(again.decision.verdict)
  }
  assert.deepEqual(verdicts.toSorted(), evidences.map((one) => decideWith(one).verdict).toSorted())
  await storage.close()
})

async function recorded(evidence: Evidence, more: Partial<typeof request> = {}) {
  const bodies = new MemoryBodies()
  const log = await new Machine().start()
  const decision = decideWith(evidence, more)
  const { index } = await recordDecision(log, bodies, { decision, inputs: inputsOf(evidence) })
  return { bodies, decision, entry: await log.entry(index) }
}

function decideWith(evidence: Evidence, more: Partial<typeof request> = {}): Decision {
  return decide({
    request: { ...request, ...more },
    evidence,
    policies: parsePolicies([policyFile]),
    trust: parseTrust(trustFile.bytes, { file: trustFile.file }),
    now,
  })
}

function inputsOf(evidence: Evidence): Uint8Array[] {
  return [trustFile.bytes, policyFile.bytes, ...evidenceBytes(evidence)]
}

function twice(one: EvidenceItem): EvidenceItem[] {
  return [one, one]
}
