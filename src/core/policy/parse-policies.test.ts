import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import type { Json, JsonObject } from '#document'
import { SallyportError } from '#error'
import { parseTrust } from '#trust'
import { builderEntry, keyEntry, makeKey, trustBytes } from '../trust/testing/fixtures.ts'
import {
  checkPolicies,
  modeAt,
  parsePolicies,
  policyJsonSchema,
  rules,
  selectPolicy,
  type PolicySet,
} from './index.ts'

const simplest = `
apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-production, owner: team-shop}
targets: [{environment: production, service: shop}]
require:
  - signed: {by: [release-builder]}
`

const whole = `
apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-production, owner: team-shop}
targets: [{environment: production, service: shop}]
artifacts: ['pkg:npm/shop', {prefix: registry.example/shop/}]
require:
  - built:
      by: [release-builder]
      level: 1
      from: git+https://git.example/acme/shop
      refs: [refs/heads/main, {prefix: refs/tags/}]
      recipe: sallyport.build.json
      buildType: https://sallyport.dev/buildtypes/recipe/v1
      parameters: {target: [release, null], region: {anyValueUnsafe: true}}
  - hermetic: {by: [release-builder], root: measured, networkAttempts: allowed}
  - recent: {by: [release-builder], commit: 90d, build: 4h, version: '>=2.4.1'}
  - allowed: {by: [release-managers], environment: production, count: 2}
mode: audit
whenUnavailable: allow
`

function parse(...texts: string[]): PolicySet {
  return parsePolicies(
    texts.map((text, index) => ({ file: `policies/${index}.yaml`, bytes: Buffer.from(text) })),
  )
}

function refusal(...texts: string[]): SallyportError {
  try {
    parse(...texts)
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    for (const { expected, found, fix } of error.problems) {
      assert.match(fix, /^[A-Z][a-z]+ /)
      assert.ok(expected !== '' && found !== '')
    }
    return error
  }
  throw new assert.AssertionError({ message: 'the policies were accepted' })
}

function codes(...texts: string[]): readonly string[] {
  return refusal(...texts).problems.map(({ code }) => code)
}

function requiring(rule: string): string {
  return simplest.replace(/ {2}- signed: .*\n/, `  - ${rule}\n`)
}

test('the simplest policy is one rule', () => {
  const [policy] = parse(simplest).policies
  assert.equal(policy?.name, 'shop-production')
  assert.equal(policy.mode, 'enforce')
  assert.equal(policy.whenUnavailable, 'deny')
  assert.equal(policy.digest.length, 64)
  assert.deepEqual(
    policy.rules.map(({ place }) => place.id),
    ['require[0].signed'],
  )
})

test('a policy with everything is read, and each place in it is known', () => {
  const [policy] = parse(whole).policies
  assert.equal(policy?.mode, 'audit')
  assert.equal(policy.whenUnavailable, 'allow')
  assert.equal(policy.rules.length, 4)
  const [built] = policy.rules
  assert.equal(built?.place.at(), 'policies/0.yaml:8:5 require[0].built')
  assert.equal(built.place.at('level'), 'policies/0.yaml:10:7 require[0].built.level')
  assert.equal(policy.line('artifacts'), 'policies/0.yaml:6:1')
  assert.equal(built.place.line('level'), 'policies/0.yaml:10:7')
})

test('a policy that requires nothing is refused', () => {
  assert.deepEqual(codes(simplest.replace(/require:\n.*\n/, 'require: []\n')), [
    'POLICY_RULES_EMPTY',
  ])
  assert.deepEqual(codes(simplest.replace(/require:\n.*\n/, '')), ['DOCUMENT_SHAPE'])
  assert.deepEqual(codes(simplest.replace(/require:\n.*\n/, 'require:\n')), ['DOCUMENT_SHAPE'])
})

test('an unknown rule is refused with its place and the rule that was meant', () => {
  const { problems } = refusal(requiring('bulit: {by: [a]}'))
  assert.equal(problems[0]?.code, 'POLICY_RULE_UNKNOWN')
  assert.equal(problems[0].where, 'policies/0.yaml:7:5')
  assert.match(problems[0].fix, /"built"/)
  assert.deepEqual(codes(requiring('vetted_by_astrologers: {by: [a]}')), ['POLICY_RULE_UNKNOWN'])
  assert.deepEqual(codes(requiring('__proto__: {by: [a]}')), ['POLICY_RULE_UNKNOWN'])
})

test('an unknown field is refused with its place and the field that was meant', () => {
  const { problems } = refusal(requiring('recent: {by: [a], comit: 90d}'))
  assert.equal(problems[0]?.code, 'DOCUMENT_UNKNOWN_FIELD')
  assert.equal(problems[0].where, 'policies/0.yaml:7:23 recent.comit')
  assert.match(problems[0].fix, /"commit"/)
  assert.deepEqual(codes(`${simplest}breakGlass: {}\n`), ['DOCUMENT_UNKNOWN_FIELD'])
  assert.deepEqual(codes(simplest.replace('service: shop', 'service: shop, region: eu')), [
    'DOCUMENT_UNKNOWN_FIELD',
  ])
})

test('every rule must name whose word counts', () => {
  const needed: Readonly<Record<string, string>> = {
    built: 'from: git+https://h/a/b',
    recent: 'commit: 1d',
    tested: 'suites: [unit]',
    scanned: 'within: 1d, deny: {severity: high}',
    verified: 'verifier: v, resource: r, levels: [l]',
    minimumLevel: 'level: 1',
    custom: 'type: a:b, expression: "true", expects: truth, fix: Say so',
  }
  for (const rule of rules.keys()) {
    const rest = needed[rule] ?? ''
    if (rest !== '') parse(requiring(`${rule}: {by: [a], ${rest}}`))
    for (const by of ['', 'by: []', 'by: [a, a]', 'by: a', 'by: null']) {
      const fields = [by, rest].filter((part) => part !== '').join(', ')
      assert.deepEqual(
        codes(requiring(`${rule}: {${fields}}`)),
        ['DOCUMENT_SHAPE'],
        `${rule} ${by}`,
      )
    }
    assert.deepEqual(codes(requiring(`${rule}:`)), ['DOCUMENT_SHAPE'])
  }
})

test('one entry is one rule', () => {
  assert.deepEqual(codes(requiring('{signed: {by: [a]}, allowed: {by: [a]}}')), [
    'POLICY_RULE_SHAPE',
  ])
  for (const entry of ['{}', 'signed', '[signed]', 'null', '{__proto__: {}, signed: {by: [a]}}']) {
    assert.deepEqual(codes(requiring(entry)), ['POLICY_RULE_SHAPE'], entry)
  }
})

test('identities are exact or a path prefix that ends at a segment, never a pattern', () => {
  const built = (rest: string): string => requiring(`built: {by: [a], ${rest}}`)
  parse(built('from: git+https://h/a/b'))
  parse(built('from: {prefix: git+https://h/a/}'))
  parse(built('from: git+file:///work/repo'))
  parse(built('from: [git+https://h/a/b, {prefix: git+https://h/c/}]'))
  for (const from of [
    'git+https://h/a/*',
    'git+https://h/a/',
    '{prefix: git+https://h/a}',
    '{prefix: git+https://h/}',
    '{prefix: git+https://}',
    '{regex: .*}',
    "''",
    'h/a/b',
    '[]',
    '["git+https://h/a/*"]',
    '[["git+https://h/a/b"]]',
  ]) {
    const [code] = codes(built(`from: ${from}`))
    assert.match(code ?? '', /^DOCUMENT_(SHAPE|UNKNOWN_FIELD)$/, from)
  }
  for (const refs of [
    '[]',
    '[main]',
    '[refs/heads/*]',
    '[{prefix: refs/}]',
    '[{prefix: refs/tags/v}]',
  ]) {
    assert.deepEqual(
      codes(built(`from: git+https://h/a/b, refs: ${refs}`)),
      ['DOCUMENT_SHAPE'],
      refs,
    )
  }
  assert.match(codes(`${simplest}artifacts: ['pkg:npm/*']\n`)[0] ?? '', /^DOCUMENT_SHAPE$/)
})

test('a recency rule asks for something, in units that are understood', () => {
  const recent = (rest: string): string => requiring(`recent: {by: [a]${rest}}`)
  for (const good of [
    'commit: 90d',
    'build: 30m',
    'build: 2w',
    "version: '>=1.2.3-rc.1'",
    "version: {pkg:npm/a: '>=1.0.0'}",
  ]) {
    parse(recent(`, ${good}`))
  }
  for (const bad of [
    '',
    ', commit: 90',
    ', commit: 0d',
    ', commit: 90 days',
    ', commit: 9999d',
    ', commit: -1d',
    ", version: '^1.2.3'",
    ", version: '>=1.2'",
    ", version: '>=1.2.3 <2'",
  ]) {
    assert.deepEqual(codes(recent(bad)), ['DOCUMENT_SHAPE'], bad)
  }
})

test('two policies for one target are an error at load, with both named', () => {
  const second = simplest.replace('name: shop-production', 'name: other')
  const { problems } = refusal(simplest, second)
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['POLICY_AMBIGUOUS'],
  )
  assert.match(problems[0]?.found ?? '', /"shop-production" \(policies\/0\.yaml:5:11\)/)
  assert.match(problems[0]?.found ?? '', /"other" \(policies\/1\.yaml:5:11\)/)
  const twice = simplest.replace(
    'targets: [',
    'targets: [{environment: production, service: shop}, ',
  )
  assert.deepEqual(codes(twice), ['POLICY_AMBIGUOUS'])
  assert.deepEqual(codes(simplest, simplest.replace('production, s', 'staging, s')), [
    'POLICY_NAME_DUPLICATE',
  ])
})

test('a set that was put together by hand is ambiguous all the same', () => {
  const { policies, ...rest } = parse(simplest)
  const set: PolicySet = { policies: [...policies, ...policies], ...rest }
  const selected = selectPolicy(set, { environment: 'production', service: 'shop' })
  assert.equal('problem' in selected && selected.problem.code, 'POLICY_AMBIGUOUS')
})

test('a target without policy names the file to write, and what was probably meant', () => {
  const problem = (environment: string, service: string) => {
    const selected = selectPolicy(parse(simplest), { environment, service })
    assert.ok('problem' in selected)
    assert.equal(selected.problem.code, 'POLICY_MISSING')
    return selected.problem
  }
  assert.match(problem('staging', 'shop').fix, /write policies\/shop-staging\.yaml/i)
  assert.match(problem('staging', 'shop').found, /"production" only/)
  assert.match(problem('prodution', 'shop').fix, /--environment production --service shop/)
  assert.match(problem('production', 'shpo').fix, /--environment production --service shop/)
  // Neither case nor a suffix makes another target of it.
  assert.equal(problem('Production', 'shop').code, 'POLICY_MISSING')
  assert.equal(problem('production', 'shop/x').code, 'POLICY_MISSING')
  assert.match(problem('../x', 'a"b').fix, /NAME-NAME\.yaml/)
})

test('all problems of all files are reported at once', () => {
  assert.deepEqual(
    codes(
      requiring('bulit: {by: [a]}'),
      requiring('recent: {by: [a]}')
        .replace('shop-production', 'b')
        .replace('service: shop', 'service: b'),
      'not: a policy',
      '{',
    ).toSorted(),
    [
      'DOCUMENT_SHAPE',
      'DOCUMENT_SHAPE',
      'DOCUMENT_SHAPE',
      'DOCUMENT_SHAPE',
      'DOCUMENT_SHAPE',
      'DOCUMENT_SHAPE',
      'DOCUMENT_SYNTAX',
      'DOCUMENT_UNKNOWN_FIELD',
      'POLICY_RULE_UNKNOWN',
    ],
  )
})

const trust = parseTrust(
  trustBytes({
    'release-builder': builderEntry([keyEntry(makeKey())]),
    'release-managers': { keys: [keyEntry(makeKey())], predicateTypes: [predicateTypes.approval] },
  }),
  { file: 'trust.yaml' },
)

function checked(rule: string): readonly string[] {
  return checkPolicies(parse(requiring(rule)), trust).map(({ code }) => code)
}

test('a rule can name only signers that exist, in a role that they have', () => {
  assert.deepEqual(checked('signed: {by: [release-builder]}'), [])
  assert.deepEqual(checked('signed: {by: [release-buidler, nobody]}'), [
    'POLICY_SIGNER_UNKNOWN',
    'POLICY_SIGNER_UNKNOWN',
  ])
  assert.deepEqual(checked('signed: {by: [release-managers]}'), ['POLICY_SIGNER_ROLE'])
  assert.deepEqual(checked('allowed: {by: [release-builder]}'), ['POLICY_SIGNER_ROLE'])
  const [problem] = checkPolicies(parse(requiring('signed: {by: [release-buidler]}')), trust)
  assert.match(problem?.fix ?? '', /"release-builder"/)
  assert.equal(problem?.where, 'policies/0.yaml:7:19 require[0].signed.by.0')
})

test('a level or count that nobody named can reach is found before anything is deployed', () => {
  assert.deepEqual(checked('built: {by: [release-builder], level: 2, from: git+https://h/a/b}'), [
    'POLICY_LEVEL_UNREACHABLE',
  ])
  assert.deepEqual(checked('allowed: {by: [release-managers], count: 2}'), [
    'POLICY_COUNT_UNREACHABLE',
  ])
})

test('the JSON Schema knows every rule and refuses unknown fields', () => {
  const schema = policyJsonSchema() as JsonObject
  const require = at(schema, 'properties', 'require', 'items', 'anyOf') as readonly JsonObject[]
  const names = require.map((rule) => Object.keys(at(rule, 'properties') as JsonObject)[0])
  assert.deepEqual(names, [
    'signed',
    'built',
    'hermetic',
    'reviewed',
    'tested',
    'scanned',
    'sbom',
    'recent',
    'allowed',
    'verified',
    'minimumLevel',
    'reproduced',
    'dependencies',
    'layout',
    'custom',
  ])
  assert.equal(schema['additionalProperties'], false)
  assert.ok(require.every((rule) => rule['additionalProperties'] === false))
})

function at(value: Json, ...path: string[]): Json {
  return path.reduce((part, key) => (part as JsonObject)[key] ?? null, value)
}

test('an exemption names exactly one rule of its policy', () => {
  const parse = (exemption: string): string => {
    const text = [
      'apiVersion: sallyport.dev/v1',
      'kind: DeploymentPolicy',
      'metadata: {name: shop, owner: team}',
      'targets: [{environment: prod, service: shop}]',
      'require: [{signed: {by: [a]}}, {signed: {by: [b]}}, {hermetic: {by: [a]}}]',
      `exemptions: [${exemption}]`,
    ].join('\n')
    try {
      const [policy] = parsePolicies([{ file: 'p.yaml', bytes: Buffer.from(text) }]).policies
      return policy?.exemptions.map(({ rule, where }) => `${rule} ${where}`).join() ?? ''
    } catch (error) {
      assert.ok(error instanceof SallyportError)
      found = error.problems[0]?.found
      return error.problems.map(({ code }) => code).join()
    }
  }
  let found: string | undefined
  const of = (rule: string, expires = '2026-01-01T00:00:00Z'): string =>
    `{rule: '${rule}', reason: why, owner: me, expires: '${expires}'}`
  assert.equal(parse(of('hermetic')), 'require[2].hermetic p.yaml:6:14')
  assert.match(parse(of('require[1].signed')), /^require\[1\]\.signed /)
  assert.equal(parse(of('signed')), 'POLICY_EXEMPTION')
  assert.equal(found, '"signed", which is require[0].signed and require[1].signed')
  assert.equal(parse(of('built')), 'POLICY_EXEMPTION')
  assert.equal(found, '"built", which it does not have')
  assert.equal(parse(`${of('hermetic')}, ${of('require[2].hermetic')}`), 'POLICY_EXEMPTION')
  assert.equal(parse(of('hermetic', 'tomorrow')), 'DOCUMENT_SHAPE')
  assert.equal(parse('{rule: hermetic, reason: why, owner: me}'), 'DOCUMENT_SHAPE')
})

test('an unknown field at the top hides no broken rule: everything is told at once', () => {
  const text = `${simplest}  - bulit: {by: [a]}\n  - signed: {bay: [a]}\naudience: all\n`
  assert.deepEqual([...codes(text)].sort(), [
    'DOCUMENT_SHAPE',
    'DOCUMENT_UNKNOWN_FIELD',
    'DOCUMENT_UNKNOWN_FIELD',
    'POLICY_RULE_UNKNOWN',
  ])
})

test('rules are read however the document around them is broken, and not without end', () => {
  assert.deepEqual(codes('require: {a: 1}'), Array(5).fill('DOCUMENT_SHAPE'))
  const many = `${simplest}${'  - bulit: {}\n'.repeat(1000)}`
  assert.equal(codes(many).filter((code) => code === 'POLICY_RULE_UNKNOWN').length, 63)
})

test('an audit can end, and nothing but an audit', () => {
  const [policy] = parse(`${simplest}mode: audit\nauditUntil: 2026-07-01T00:00:00Z\n`).policies
  assert.ok(policy !== undefined)
  assert.equal(modeAt(policy, new Date('2026-06-30T23:59:59Z')), 'audit')
  assert.equal(modeAt(policy, new Date('2026-07-01T00:00:00Z')), 'enforce')
  assert.deepEqual(codes(`${simplest}auditUntil: 2026-07-01T00:00:00Z\n`), ['POLICY_AUDIT_END'])
  assert.deepEqual(codes(`${simplest}mode: audit\nauditUntil: soon\n`), ['DOCUMENT_SHAPE'])
})
