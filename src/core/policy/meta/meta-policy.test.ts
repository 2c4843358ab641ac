import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { parsePolicies, rules } from '../index.ts'
import { demands } from './demands.ts'

const policy = (more = '', require = '  - built: {by: [ci], from: git+https://g.example/a/b}') => `
apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-prod, owner: team-shop}
targets: [{environment: staging, service: shop}, {environment: prod, service: shop}]
require:
${require}
${more}
`

const meta = (body: string, targets = '[{environment: prod}]') => `
apiVersion: sallyport.dev/v1
kind: MetaPolicy
metadata: {name: baseline, owner: security}
targets: ${targets}
${body}
`

function codes(...texts: string[]): string[] {
  return problems(...texts).map(({ code }) => code)
}

function problems(...texts: string[]) {
  try {
    parsePolicies(texts.map((text, i) => ({ file: `p/${i}.yaml`, bytes: Buffer.from(text) })))
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    return error.problems
  }
}

test('a policy that lacks a demanded rule is not activated, and both are named with their lines', () => {
  const [problem, ...more] = problems(policy(), meta('require: [{reviewed: {approvals: 2}}]'))
  assert.deepEqual(more, [])
  assert.equal(problem?.code, 'POLICY_META_MISSING')
  assert.match(problem.where ?? '', /^p\/0\.yaml:6:1/)
  assert.match(problem.found, /"shop-prod"/)
  assert.match(problem.expected, /approvals 2 or more.*"baseline" \(p\/1\.yaml:6:12\)/)
})

test('a parameter at the limit is enough, and one below it is not', () => {
  const built = (level: number) =>
    policy('', `  - built: {by: [ci], from: git+https://g.example/a/b, level: ${level}}`)
  assert.deepEqual(codes(built(2), meta('require: [{built: {level: 2}}]')), [])
  assert.deepEqual(codes(built(3), meta('require: [{built: {level: 2}}]')), [])
  const [weak] = problems(built(1), meta('require: [{built: {level: 2}}]'))
  assert.equal(weak?.code, 'POLICY_META_WEAK')
  assert.match(weak.where ?? '', /p\/0\.yaml:7:\d+ require\[0\]\.built\.level/)
})

test('a span of time at the limit is enough; a longer one and none at all are not', () => {
  const recent = (text: string) => policy('', `  - recent: {by: [ci], ${text}}`)
  const limit = meta('require: [{recent: {commit: 7d}}]')
  assert.deepEqual(codes(recent('commit: 1w'), limit), [])
  assert.deepEqual(codes(recent('commit: 8d'), limit), ['POLICY_META_WEAK'])
  assert.deepEqual(codes(recent('build: 1d'), limit), ['POLICY_META_WEAK'])
})

test('a scan that lets more through than demanded is too weak, and a stricter one is not', () => {
  const scanned = (severity: string) =>
    policy('', `  - scanned: {by: [ci], within: 1d, deny: {severity: ${severity}}}`)
  const wanted = meta('require: [{scanned: {severity: high}}]')
  assert.deepEqual(codes(scanned('medium'), wanted), [])
  assert.deepEqual(codes(scanned('high'), wanted), [])
  assert.deepEqual(codes(scanned('critical'), wanted), ['POLICY_META_WEAK'])
})

test('lists must have what is demanded, and may have more; words must be the ones demanded', () => {
  const tested = (suites: string) => policy('', `  - tested: {by: [ci], suites: [${suites}]}`)
  const wanted = meta('require: [{tested: {suites: [unit, e2e]}}]')
  assert.deepEqual(codes(tested('e2e, unit, fuzz'), wanted), [])
  assert.deepEqual(codes(tested('unit'), wanted), ['POLICY_META_WEAK'])
  const pinned = meta('require: [{hermetic: {root: pinned}}]')
  assert.deepEqual(codes(policy('', '  - hermetic: {by: [ci]}'), pinned), [])
  const measured = policy('', '  - hermetic: {by: [ci], root: measured}')
  assert.deepEqual(codes(measured, pinned), ['POLICY_META_WEAK'])
})

test('nobody but the named signers may be believed', () => {
  const wanted = meta('require: [{built: {by: [ci, cd]}}]')
  assert.deepEqual(codes(policy(), wanted), [])
  const stranger = policy('', '  - built: {by: [ci, intern], from: git+https://g.example/a/b}')
  assert.deepEqual(codes(stranger, wanted), ['POLICY_META_WEAK'])
})

test('one rule that is strict enough is enough, because all rules must hold', () => {
  const two = policy('', '  - allowed: {by: [a], count: 1}\n  - allowed: {by: [b], count: 2}')
  assert.deepEqual(codes(two, meta('require: [{allowed: {count: 2}}]')), [])
})

test('what is forbidden is refused: audit, letting outages through, rules, exemptions', () => {
  const forbid = (what: string) => meta(`forbid: {${what}}`)
  assert.deepEqual(codes(policy('mode: audit'), forbid('mode: audit')), ['POLICY_META_FORBIDDEN'])
  assert.deepEqual(codes(policy(), forbid('mode: audit')), [])
  const open = policy('whenUnavailable: allow')
  assert.deepEqual(codes(open, forbid('whenUnavailable: allow')), ['POLICY_META_FORBIDDEN'])
  assert.deepEqual(codes(policy(), forbid('rules: [built]')), ['POLICY_META_FORBIDDEN'])
})

test('an exemption that is too long, has no beginning or is from the wrong rule is refused', () => {
  const exempt = (times: string) =>
    policy(`exemptions: [{rule: built, reason: r, owner: o, ${times}}]`)
  const short = meta('forbid: {exemptions: {longerThan: 30d}}')
  const month = 'since: 2026-01-01T00:00:00Z, expires: 2026-01-31T00:00:00Z'
  assert.deepEqual(codes(exempt(month), short), [])
  const longer = 'since: 2026-01-01T00:00:00Z, expires: 2026-01-31T00:00:01Z'
  assert.deepEqual(codes(exempt(longer), short), ['POLICY_META_FORBIDDEN'])
  assert.deepEqual(codes(exempt('expires: 2026-01-31T00:00:00Z'), short), ['POLICY_META_FORBIDDEN'])
  const never = meta('forbid: {exemptions: {of: [built]}}')
  assert.deepEqual(codes(exempt(month), never), ['POLICY_META_FORBIDDEN'])
  assert.deepEqual(codes(exempt(month), meta('forbid: {exemptions: {of: [recent]}}')), [])
})

test('it is about the policies that own a selected target, whatever else they own, and about no other', () => {
  const wanted = 'require: [{hermetic: {}}]'
  assert.deepEqual(codes(policy(), meta(wanted)), ['POLICY_META_MISSING'])
  assert.deepEqual(codes(policy(), meta(wanted, 'all')), ['POLICY_META_MISSING'])
  assert.deepEqual(codes(policy(), meta(wanted, '[{service: shop}]')), ['POLICY_META_MISSING'])
  assert.deepEqual(codes(policy(), meta(wanted, '[{environment: production}]')), [])
  assert.deepEqual(codes(policy(), meta(wanted, '[{environment: prod, service: pay}]')), [])
})

test('a meta-policy that demands nothing, knows other fields, or selects by pattern or by nothing is refused', () => {
  assert.deepEqual(codes(meta('')), ['POLICY_META_EMPTY'])
  assert.deepEqual(codes(meta('require: []\nforbid: {}')), ['POLICY_META_EMPTY'])
  assert.deepEqual(codes(meta('forbid: {modes: audit}')), ['DOCUMENT_UNKNOWN_FIELD'])
  assert.deepEqual(codes(meta('require: [{built: {levle: 2}}]')), ['DOCUMENT_UNKNOWN_FIELD'])
  assert.equal(codes(meta('require: [{bult: {}}]'))[0], 'DOCUMENT_UNKNOWN_FIELD')
  assert.deepEqual(codes(meta('require: [{}]')), ['DOCUMENT_SHAPE'])
  assert.deepEqual(codes(meta('require: [{built: {}, signed: {}}]')), ['DOCUMENT_SHAPE'])
  assert.deepEqual(codes(meta('require: [{built: {}}]', '[{}]')), ['DOCUMENT_SHAPE'])
  assert.deepEqual(codes(meta('require: [{built: {}}]', '[]')), ['DOCUMENT_SHAPE'])
})

test('a policy that cannot be read is not blamed for what it lacks', () => {
  const broken = policy('', '  - bulit: {by: [ci]}')
  assert.deepEqual(codes(broken, meta('require: [{built: {}}]')), ['POLICY_RULE_UNKNOWN'])
})

test('demands are about rules and parameters that exist', () => {
  for (const [name, fields] of Object.entries(demands)) {
    const shape = JSON.stringify(rules.get(name)?.schema.toJSONSchema({ io: 'input' }))
    for (const { path } of Object.values(fields))
      for (const part of path) assert.ok(shape.includes(`"${part}":`), `${name}.${path.join('.')}`)
  }
})
