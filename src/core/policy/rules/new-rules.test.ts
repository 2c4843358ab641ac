import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import { parseTrust, type Trust } from '#trust'
import { keyEntry, makeKey, trustBytes } from '../../trust/testing/fixtures.ts'
import {
  checkPolicies,
  parsePolicies,
  rules,
  threats,
  unanswered,
  type PolicySet,
} from '../index.ts'

const [one, other, platform, second] = [makeKey(), makeKey(), makeKey(), makeKey()]
const builder = 'https://builder.example/v1'

const signers: JsonObject = {
  people: {
    keys: [keyEntry(one, { owner: 'alice' }), keyEntry(other, { owner: 'bob' })],
    predicateTypes: [predicateTypes.review],
  },
  platform: {
    keys: [keyEntry(platform)],
    predicateTypes: [predicateTypes.vsa, predicateTypes.slsaProvenanceV1],
    builders: [{ id: builder, level: 2 }],
    verifiers: ['https://verifier.example/v1'],
  },
  rebuilder: {
    keys: [keyEntry(second)],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: 'https://rebuilder.example/v1', level: 2 }],
  },
}

const trust: Trust = parseTrust(trustBytes(signers), { file: 'trust.yaml' })

function policyOf(rule: string): PolicySet {
  const text = [
    'apiVersion: sallyport.dev/v1',
    'kind: DeploymentPolicy',
    'metadata: {name: shop, owner: team}',
    'targets: [{environment: prod, service: shop}]',
    'require:',
    `  - ${rule}`,
  ].join('\n')
  return parsePolicies([{ file: 'p.yaml', bytes: Buffer.from(text) }])
}

/** What is found before anything is deployed. */
function checked(rule: string): readonly string[] {
  return checkPolicies(policyOf(rule), trust).map(({ code, fix }) => {
    assert.match(fix, /^[A-Z][a-z]+ /)
    return code
  })
}

function refused(rule: string): string {
  try {
    policyOf(rule)
    return ''
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code).join()
  }
}

test('every rule says which threat it answers and what it cannot do (THR-06, THR-09)', () => {
  for (const { name, threats: ids, threat, cannot } of rules.values()) {
    assert.ok(ids.length > 0 && ids.every((id) => Object.hasOwn(threats, id)), name)
    assert.equal(new Set(ids).size, ids.length, name)
    assert.match(threat, /^[A-Z].{30,}\.$/, name)
    assert.match(cannot, /^[A-Z].{30,}\.$/, name)
  }
})

test('threats that no rule answers can be listed (THR-09)', () => {
  assert.deepEqual(unanswered([]), Object.keys(threats))
  const left = unanswered(rules.values())
  assert.ok(left.includes('T21') && !left.includes('T05'), 'a gate cannot tell who walks round it')
})

test('a number of reviewers that can never be reached is found before anything is deployed', () => {
  assert.deepEqual(checked('reviewed: {by: [people], approvals: 2}'), [])
  assert.deepEqual(checked('reviewed: {by: [people], approvals: 3}'), ['POLICY_COUNT_UNREACHABLE'])
  assert.deepEqual(checked('reviewed: {by: [platform]}'), [])
  assert.deepEqual(checked('reviewed: {by: [platform], approvals: 2}'), [
    'POLICY_COUNT_UNREACHABLE',
  ])
})

test('a verifier for which nobody may speak is found before anything is deployed', () => {
  const rule = (id: string): string =>
    `verified: {by: [platform], verifier: '${id}', resource: r, levels: [SLSA_BUILD_LEVEL_2]}`
  assert.deepEqual(checked(rule('https://verifier.example/v1')), [])
  assert.deepEqual(checked(rule('https://verifier.example/v2')), ['POLICY_VERIFIER'])
})

test('a level that nobody may claim is found before anything is deployed', () => {
  assert.deepEqual(checked('minimumLevel: {by: [platform], level: 3}'), [])
  assert.deepEqual(checked('built: {by: [platform], level: 2, from: git+https://h/a/b}'), [])
  assert.deepEqual(checked('built: {by: [platform], level: 3, from: git+https://h/a/b}'), [
    'POLICY_LEVEL_UNREACHABLE',
  ])
})

test('rebuilders that are one owner are found before anything is deployed', () => {
  assert.deepEqual(checked('reproduced: {by: [platform]}'), ['POLICY_COUNT_UNREACHABLE'])
  assert.deepEqual(checked('reproduced: {by: [platform, rebuilder]}'), [])
  const [problem] = checkPolicies(
    policyOf('reproduced: {by: [platform, rebuilder], count: 3}'),
    trust,
  )
  assert.equal(problem?.code, 'POLICY_COUNT_UNREACHABLE')
  assert.match(problem?.where ?? '', /reproduced\.count/)
  assert.match(problem?.expected ?? '', /^at most 2:/)
  assert.equal(problem?.found, '3')
})

test('a rule that could mean something else is refused', () => {
  for (const rule of [
    'scanned: {by: [a], within: 1d}',
    'scanned: {by: [a], within: 1d, deny: {severity: none}}',
    'scanned: {by: [a], within: 1d, deny: {severity: high, vexBy: [b]}}',
    'tested: {by: [a], suites: []}',
    'sbom: {by: [a], licenses: {}}',
    'sbom: {by: [a], licenses: {deny: [NOT-A-LICENSE]}}',
    'sbom: {by: [a], licenses: {deny: [MIT OR Apache-2.0]}}',
    'sbom: {by: [a], packages: {deny: [left-pad]}}',
    'verified: {by: [a], verifier: v, levels: [l]}',
    'verified: {by: [a], form: svr, verifier: v, resource: r, levels: [l]}',
    'verified: {by: [a], verifier: v, resource: r, levels: []}',
    'minimumLevel: {by: [a], level: 0}',
    'reproduced: {by: [a], count: 1}',
    'reviewed: {by: [a], approvals: 0}',
    'dependencies: {by: [a], allow: [{prefix: pkg:npm}]}',
    "dependencies: {by: [a], allow: ['*']}",
  ]) {
    assert.match(refused(rule), /^DOCUMENT_(?:SHAPE|UNKNOWN_FIELD)/, rule)
  }
})
