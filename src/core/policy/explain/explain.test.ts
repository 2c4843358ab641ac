import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPolicy, explanationMarkdown, parsePolicies, rules, threats } from '../index.ts'

const now = new Date('2026-06-01T12:00:00Z')
const by = 'by: [ci]'
const everyRule: Readonly<Record<string, string>> = {
  signed: `{${by}, count: 2}`,
  built: `{${by}, level: 3, from: git+https://g.example/a/b, refs: [refs/heads/main, {prefix: refs/tags/}], recipe: r.yml, parameters: {target: [release, test], region: {anyValueUnsafe: true}}}`,
  hermetic: `{${by}, root: measured}`,
  reviewed: `{${by}, approvals: 2}`,
  tested: `{${by}, suites: [unit, e2e]}`,
  scanned: `{${by}, within: 7d, database: 2d, deny: {severity: high, unless: vex}}`,
  sbom: `{${by}, licenses: {deny: [AGPL-3.0-only]}, packages: {deny: ['pkg:npm/left-pad']}}`,
  recent: `{${by}, commit: 90d, version: '>=2.4.1'}`,
  allowed: `{${by}, environment: prod, count: 1}`,
  verified: `{${by}, verifier: 'https://v.example/v1', resource: 'pkg:oci/a', levels: [SLSA_BUILD_LEVEL_3], within: 30d}`,
  minimumLevel: `{${by}, level: 2}`,
  reproduced: `{${by}, count: 3}`,
  dependencies: `{${by}, allow: [{prefix: 'https://registry.example/npm/'}]}`,
  layout: `{${by}, signedBy: [ci], layout: 'sha256:${'ab'.repeat(32)}'}`,
  custom: `{${by}, type: 'https://acme.example/audit/v1', expression: 'predicate.result == "good"', expects: a good audit, fix: Run the audit again}`,
}

function policyOf(names: readonly string[], more = '') {
  const require = names.map((name) => `  - ${name}: ${everyRule[name] ?? ''}`).join('\n')
  const text = `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop, owner: team}
targets: [{environment: prod, service: shop}]
require:
${require}
${more}`
  const [policy] = parsePolicies([{ file: 'p.yaml', bytes: Buffer.from(text) }]).policies
  assert.ok(policy !== undefined)
  return policy
}

test('every rule is explained in sentences of its own, with its threats and what it cannot do', () => {
  assert.deepEqual(Object.keys(everyRule).sort(), [...rules.keys()].sort())
  const { rules: explained } = explainPolicy(policyOf([...rules.keys()]), undefined, now)
  for (const { rule, demands, answers, threat, cannot, by: who } of explained) {
    assert.ok(demands.length > 0)
    for (const demand of demands) {
      assert.match(demand, /^[A-Z0-9].*\.$/, rule)
      assert.doesNotMatch(demand, /holds with|undefined|\[object/, rule)
    }
    assert.ok(answers.length > 0 && threat !== '' && cannot !== '', rule)
    assert.deepEqual(who, ['ci'])
  }
})

test('the values of a policy are in its sentences', () => {
  const { rules: explained } = explainPolicy(
    policyOf(['built', 'scanned', 'reviewed']),
    undefined,
    now,
  )
  const text = explained.flatMap(({ demands }) => demands).join(' ')
  for (const value of [
    'level 3',
    '"git+https://g.example/a/b"',
    '"refs/heads/main" or anything below "refs/tags/"',
    'target ("release" or "test")',
    'region (anything)',
    '7d',
    'high',
    '2 different people',
  ])
    assert.ok(text.includes(value), value)
})

test('threats that no rule answers are listed, each with what answers it elsewhere', () => {
  const none = explainPolicy(policyOf(['allowed']), undefined, now).unanswered
  const more = explainPolicy(policyOf(['allowed', 'built']), undefined, now).unanswered
  assert.ok(none.length < Object.keys(threats).length)
  assert.ok(more.length < none.length)
  assert.ok(none.every(({ elsewhere }) => elsewhere !== ''))
})

test('a rule that need not hold answers nothing, from its beginning to its end', () => {
  const exempt = (times: string) =>
    explainPolicy(
      policyOf(['built', 'allowed'], `exemptions: [{rule: built, reason: r, owner: o, ${times}}]`),
      undefined,
      now,
    )
  const has = ({ unanswered }: ReturnType<typeof exempt>) =>
    unanswered.some(({ id }) => id === 'T09')
  assert.equal(has(exempt('expires: 2026-07-01T00:00:00Z')), true)
  assert.equal(has(exempt('since: 2026-06-15T00:00:00Z, expires: 2026-07-01T00:00:00Z')), false)
  assert.equal(has(exempt('expires: 2026-05-01T00:00:00Z')), false)
  assert.match(
    exempt('expires: 2026-07-01T00:00:00Z').rules[0]?.exemption ?? '',
    /need not hold until/,
  )
})

test('an audit is told as what it is', () => {
  const { consequences } = explainPolicy(policyOf(['signed'], 'mode: audit'), undefined, now)
  assert.match(consequences[0] ?? '', /^Nothing is refused.*without an end/)
  const over = policyOf(['signed'], 'mode: audit\nauditUntil: 2026-05-01T00:00:00Z')
  assert.match(explainPolicy(over, undefined, now).consequences[0] ?? '', /^All rules must hold/)
})

test('texts of a policy cannot write Markdown', () => {
  const hostile = policyOf(
    ['signed'],
    "exemptions: [{rule: signed, reason: 'x # <img src=x> [a](b) @all', owner: o, expires: 2026-07-01T00:00:00Z}]",
  )
  const markdown = explanationMarkdown(explainPolicy(hostile, undefined, now))
  assert.ok(markdown.includes('\\# \\<img src=x\\> \\[a\\](b)'))
  assert.ok(!markdown.includes('@all'))
})
