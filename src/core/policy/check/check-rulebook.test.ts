import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTrust } from '#trust'
import { keyEntry, makeKey, trustBytes } from '../../trust/testing/fixtures.ts'
import { checkRulebook, toSarif } from '../index.ts'
import { parseTargets } from './targets.ts'

const now = new Date('2026-06-01T12:00:00Z')
const trust = parseTrust(
  trustBytes(
    {
      ci: {
        keys: [keyEntry(makeKey(), { validUntil: '2027-01-01T00:00:00Z' })],
        predicateTypes: ['https://slsa.dev/provenance/v1'],
        builders: [{ id: 'https://build.example/v1', level: 3 }],
      },
    },
    { expires: '2027-01-01T00:00:00Z' },
  ),
  { file: 'trust.yaml' },
)

const policy = (body = '', name = 'shop') =>
  Buffer.from(`apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: ${name}, owner: team}
targets: [{environment: prod, service: ${name}}]
require:
  - built: {by: [ci], from: git+https://g.example/a/b, refs: [refs/heads/main]}
  - hermetic: {by: [ci]}
  - recent: {by: [ci], build: 30d}
${body}`)

const list = (file: string, text: string) => ({ file, bytes: Buffer.from(text) })

function check(policies: readonly Buffer[], more: object = {}) {
  const files = policies.map((bytes, index) => ({ file: `p/${index}.yaml`, bytes }))
  return checkRulebook({ policies: files, trust, now, ...more })
}

const told = ({ findings }: ReturnType<typeof check>) =>
  findings.map(({ severity, code }) => `${severity} ${code}`)

test('policies without fault give no findings', () => {
  const report = check([policy()])
  assert.deepEqual(report, { findings: [], files: 1, policies: 1, metaPolicies: 0, linted: true })
})

test('problems of policies and of the trust file come together, and lints wait until both can be read', () => {
  const problem = { code: 'TRUST_THRESHOLD', expected: 'e', found: 'f', fix: 'Fix it' } as const
  const report = check([policy('mode: audit\nx: 1')], { trust: { problems: [problem] } })
  assert.deepEqual(told(report), ['error TRUST_THRESHOLD', 'error DOCUMENT_UNKNOWN_FIELD'])
  assert.equal(report.linted, false)
})

test('what does not fit the trust file is an error, and lints are told after it', () => {
  const stranger = Buffer.from(
    policy('mode: audit').toString().replace('[ci], build', '[cd], build'),
  )
  assert.deepEqual(told(check([stranger])), [
    'error POLICY_SIGNER_UNKNOWN',
    'warning LINT_AUDIT_ENDLESS',
  ])
})

test('every listed target without policy is an error at its line; whatever the form of the list', () => {
  for (const targets of [
    list('t.txt', '# ours\nprod/shop\nprod/pay # later\n'),
    list('t.json', '[{"environment":"prod","service":"shop"},\n"prod/pay"]'),
    list('t.yaml', 'targets:\n  - prod/shop\n  - {environment: prod, service: pay}'),
  ]) {
    const report = check([policy()], { targets })
    assert.equal(report.targets, 2)
    assert.deepEqual(told(report), ['error POLICY_MISSING'])
    assert.match(report.findings[0]?.where ?? '', /^t\.\w+:[23]:\d+ prod\/pay$/)
  }
})

test('a target that two policies own is an error that names both', () => {
  const report = check([policy(), policy('', 'shop')])
  assert.ok(told(report).includes('error POLICY_AMBIGUOUS'))
})

test('a list of no targets covers nothing, and is refused', () => {
  for (const text of ['', '# none\n']) {
    assert.throws(() => parseTargets(list('t.txt', text)), { code: 'POLICY_TARGETS' })
  }
  assert.throws(() => parseTargets(list('t.yaml', '[]')), { code: 'POLICY_TARGETS' })
  assert.throws(() => parseTargets(list('t.txt', 'prod')), { code: 'POLICY_TARGETS' })
  assert.throws(() => parseTargets(list('t.json', '{"target":["a/b"]}')), {
    code: 'DOCUMENT_SHAPE',
  })
})

test('findings are worst first', () => {
  const soon = 'exemptions: [{rule: recent, reason: r, owner: o, expires: 2026-06-09T00:00:00Z}]'
  const report = check([policy(`whenUnavailable: allow\n${soon}`)], { targets: list('t', 'a/b') })
  assert.deepEqual(
    report.findings.map(({ severity }) => severity),
    ['error', 'warning', 'note'],
  )
})

test('SARIF has every finding with rule, level and place', () => {
  const { findings } = check([policy('mode: audit')])
  const sarif = JSON.parse(JSON.stringify(toSarif(findings, { version: '1.2.3' }))) as {
    version: string
    runs: { results: object[]; tool: { driver: { rules: { id: string }[] } } }[]
  }
  assert.equal(sarif.version, '2.1.0')
  const [run] = sarif.runs
  assert.deepEqual(
    run?.tool.driver.rules.map(({ id }) => id),
    ['LINT_AUDIT_ENDLESS'],
  )
  const [result] = run?.results ?? []
  assert.partialDeepStrictEqual(result, {
    ruleId: 'LINT_AUDIT_ENDLESS',
    ruleIndex: 0,
    level: 'warning',
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'p/0.yaml' },
          region: { startLine: 9, startColumn: 1 },
        },
      },
    ],
  })
})
