import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decisionExitCode, type Decision, type Evidence } from '#decision'
import { catalogue, SallyportError } from '#error'
import { createVerifier } from '#trust'
import {
  builtRule,
  codesOf,
  evidenceOf,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
  trust,
  trustEntries,
  trustOf,
} from '../core/decision/testing/fixtures.ts'
import { keyEntry } from '../core/trust/testing/fixtures.ts'
import { enforce, type EnforceOptions } from './index.ts'

const good = evidenceOf(signed(provenance()))

function optionsOf(
  more: Partial<EnforceOptions<string>> & { readonly policy?: string } = {},
): EnforceOptions<string> {
  const { policy = '', ...rest } = more
  return {
    request,
    gather: () => Promise.resolve(good),
    policies: policiesOf(policyText([builtRule], policy)),
    trust,
    now,
    record: () => Promise.resolve('receipt'),
    ...rest,
  }
}

test('a decision is recorded with its inputs, and answered with its receipt', async () => {
  const recorded: [Decision, Evidence][] = []
  const record: EnforceOptions<string>['record'] = (decision, { evidence }) => {
    recorded.push([decision, evidence])
    return Promise.resolve('receipt 7')
  }
  const { decision, receipt } = await enforce(optionsOf({ record }))
  assert.equal(decision.verdict, 'ALLOW')
  assert.equal(receipt, 'receipt 7')
  assert.deepEqual(recorded, [[decision, good]])
})

test('nothing is answered before the record resolves', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  let answered = false
  const running = enforce(optionsOf({ record: () => promise })).then((result) => {
    answered = true
    return result
  })
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
  assert.equal(answered, false)
  resolve('receipt')
  assert.equal((await running).receipt, 'receipt')
})

test('what cannot be recorded is not answered, not even a denial', async () => {
  for (const evidence of [good, evidenceOf()]) {
    const record = (): Promise<string> => Promise.reject(new Error('disk full'))
    const gather = (): Promise<Evidence> => Promise.resolve(evidence)
    await assert.rejects(enforce(optionsOf({ record, gather })), (error) => {
      assert.ok(error instanceof SallyportError)
      assert.equal(error.code, 'LOG_UNAVAILABLE')
      assert.equal(catalogue[error.code].exit, 3)
      assert.match(error.found, /disk full/)
      return true
    })
  }
})

test('a record that throws at once is the same as one that fails later', async () => {
  const record = (): Promise<string> => {
    throw new Error('closed')
  }
  await assert.rejects(enforce(optionsOf({ record })), { code: 'LOG_UNAVAILABLE' })
})

test('a record that cannot be written is a defect, and no fault of the disk', async () => {
  const record = (): Promise<string> => Promise.reject(new TypeError('not a Unicode string'))
  await assert.rejects(enforce(optionsOf({ record })), (error) => {
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'DECISION_FAILED')
    assert.equal(catalogue[error.code].exit, 3)
    assert.match(error.fix, /defect/)
    return true
  })
})

test('a gather that fails is an outage: undetermined and blocked, recorded all the same', async () => {
  for (const gather of [
    () => Promise.reject(new Error('registry down')),
    (): Promise<Evidence> => {
      throw new Error('registry down')
    },
  ]) {
    const { decision } = await enforce(optionsOf({ gather }))
    assert.equal(decision.verdict, 'UNDETERMINED')
    assert.equal(decision.effect, 'blocked')
    assert.equal(decisionExitCode(decision), 3)
    assert.ok(codesOf(decision).includes('EVIDENCE_UNAVAILABLE'))
    assert.match(decision.reasons[0]?.found ?? '', /registry down/)
  }
})

test('an outage is let through only where the policy of the target says so', async () => {
  const gather = (): Promise<Evidence> => Promise.reject(new Error('registry down'))
  const { decision } = await enforce(optionsOf({ gather, policy: 'whenUnavailable: allow' }))
  assert.equal(decision.verdict, 'UNDETERMINED')
  assert.equal(decision.effect, 'admitted-unavailable')
  assert.equal(decisionExitCode(decision), 0)
})

test('the privileged requester without evidence is denied like everybody else (DEP-06)', async () => {
  const { decision } = await enforce(
    optionsOf({
      request: { ...request, requester: 'root@production' },
      gather: () => Promise.resolve(evidenceOf()),
    }),
  )
  assert.equal(decision.effect, 'blocked')
  assert.deepEqual(codesOf(decision), ['PROVENANCE_MISSING'])
})

test('a verifier changes nothing but the time', async () => {
  const verifier = createVerifier(trust)
  const without = await enforce(optionsOf())
  const first = await enforce(optionsOf({ verifier }))
  const second = await enforce(optionsOf({ verifier }))
  assert.deepEqual(first, without)
  assert.deepEqual(second, without)
})

test('a key that was revoked or has expired is refused, although its signature is remembered', async () => {
  const trustWith = (more: Record<string, string>) => {
    const { 'release-builder': builder } = trustEntries as Record<string, object>
    const keyed = { ...builder, keys: [keyEntry(keys.builder, more)] }
    return trustOf({ ...trustEntries, 'release-builder': keyed })
  }
  const ending = trustWith({ validUntil: '2026-07-01T00:00:00Z' })
  const verifier = createVerifier(ending)
  const verdict = async (more: Partial<EnforceOptions<string>>) =>
    (await enforce(optionsOf({ trust: ending, verifier, ...more }))).decision.verdict
  assert.equal(await verdict({}), 'ALLOW')
  assert.equal(await verdict({ now: new Date('2026-08-01T00:00:00Z') }), 'DENY')
  assert.equal(await verdict({}), 'ALLOW')
  // What was remembered under another trust file is not asked, whoever hands it over.
  const revoked = trustWith({ compromisedSince: '2026-05-01T00:00:00Z' })
  assert.equal(await verdict({ trust: revoked }), 'DENY')
})
