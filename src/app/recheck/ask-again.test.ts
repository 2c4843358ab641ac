import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Config } from '#config'
import { decide, DecisionMemory, evidenceBytes, type Decision, type Evidence } from '#decision'
import { parseJson } from '#document'
import { openByteCache, openHttp } from '#evidence'
import { recordDecision, recordedDecision, replay } from '#log'
import { parsePolicies } from '#policy'
import { RecheckBook } from '#recheck'
import { createVerifier, parseTrust } from '#trust'
import { trustBytes } from '../../core/trust/testing/fixtures.ts'
import {
  approval,
  builtRule,
  keys,
  now,
  policyText,
  provenance,
  request,
  signed,
  trustEntries,
} from '../../core/decision/testing/fixtures.ts'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { Machine } from '../../log/testing/simulation.ts'
import { askAgain } from './ask-again.ts'

const trustFile = trustBytes(trustEntries)
const policyFile = Buffer.from(policyText([builtRule], 'whenUnavailable: allow'))
const policies = parsePolicies([{ file: 'policies/production.yaml', bytes: policyFile }])
const trust = parseTrust(trustFile, { file: 'trust.yaml' })
const files = [trustFile, policyFile]
const down: Evidence = { items: [], sources: [{ name: 'registry', outcome: 'unavailable' }] }

/** A log with one decision that an outage let in, and a folder of evidence. */
async function scene(t: TestContext, then = down) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ask-'))
  const http = await openHttp()
  t.after(() => {
    http.close()
    rmSync(folder, { recursive: true })
  })
  const log = await new Machine().start()
  const bodies = new MemoryBodies()
  const decision = decide({ request, evidence: then, policies, trust, now })
  assert.equal(decision.effect, 'admitted-unavailable')
  await recordDecision(log, bodies, { decision, inputs: [...files, ...evidenceBytes(then)] })
  const book = new RecheckBook(bodies)
  await book.read(await log.view(), 10)
  const [open] = book.open()
  assert.ok(open !== undefined)
  const evidence = { directories: [folder], stores: [], registries: { allow: [] }, timeoutMs: 5000 }
  const ask = askAgain({
    config: { evidence, proxies: {} } as unknown as Config,
    log,
    bodies,
    rulebook: () => ({
      policies,
      trust,
      verifier: createVerifier(trust),
      memory: new DecisionMemory({ policies, trust }),
      files,
    }),
    http: () => Promise.resolve(http),
    cache: () => openByteCache(),
    credentials: () => Promise.resolve(undefined),
    clock: () => now,
  })
  const again = async (mayRecord = true) =>
    ask(open, await log.view(), () => Promise.resolve(mayRecord))
  return { log, bodies, folder, again, size: async () => (await log.view()).size }
}

function put(folder: string, bytes: Uint8Array): void {
  const sha256 = request.artifact.digest['sha256'] ?? ''
  mkdirSync(join(folder, 'sha256'), { recursive: true })
  writeFileSync(join(folder, 'sha256', `${sha256}.sigstore.json`), bytes)
}

test('a yes is recorded with what it rechecks and with all its inputs, and can be made again', async (t) => {
  const place = await scene(t)
  put(place.folder, signed(provenance()).bytes)
  const { decision, entry } = await place.again()
  assert.deepEqual([decision.verdict, entry], ['ALLOW', 1])
  const bytes = await place.log.entry(1)
  assert.ok((await replay(bytes, place.bodies)).same)
  const recorded = parseJson(await recordedDecision(bytes, place.bodies), { what: 'it' })
  const { request: asked } = recorded as unknown as Decision
  const { rechecks, chokePoint, ...same } = asked
  assert.deepEqual([rechecks?.first, rechecks?.last, chokePoint], [0, 0, 'recheck'])
  assert.deepEqual({ ...same, chokePoint: request.chokePoint }, request)
})

test('who has lost the turn, or cannot record, has no answer', async (t) => {
  const place = await scene(t)
  put(place.folder, signed(provenance()).bytes)
  await assert.rejects(place.again(false), { code: 'LOG_UNAVAILABLE' })
  assert.equal(await place.size(), 1)
})

test('what can still not be looked for is not recorded', async (t) => {
  const place = await scene(t)
  // A file in its place: a folder that cannot be read.
  rmSync(place.folder, { recursive: true })
  writeFileSync(place.folder, '')
  const { decision, entry } = await place.again()
  assert.deepEqual([decision.verdict, entry, await place.size()], ['UNDETERMINED', undefined, 1])
})

test('evidence of then whose body is missing leaves it open: its absence would look like a no', async (t) => {
  const other = signed(approval(), keys.alice)
  const place = await scene(t, { ...down, items: [other] })
  place.bodies.bodies.delete(other.digest)
  await assert.rejects(place.again(), { code: 'RECORD_BODY_MISSING' })
  assert.equal(await place.size(), 1)
})

test('nothing in any place, all of which answer, is a no', async (t) => {
  const place = await scene(t)
  const { decision, entry } = await place.again()
  assert.deepEqual([decision.verdict, decision.effect, entry], ['DENY', 'blocked', 1])
})
