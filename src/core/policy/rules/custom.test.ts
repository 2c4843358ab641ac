import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { Json } from '#document'
import { decide, type Decision } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import { parseTrust } from '#trust'
import { envelopeBytes, keyEntry, makeKey, trustBytes } from '../../trust/testing/fixtures.ts'
import { parsePolicies } from '../index.ts'

const type = 'https://acme.example/audit/v1'
const [auditor, builder] = [makeKey(), makeKey()]
const trust = parseTrust(
  trustBytes({
    auditor: { keys: [keyEntry(auditor)], predicateTypes: [type, 'https://acme.example/other/v1'] },
    other: { keys: [keyEntry(builder)], predicateTypes: [type] },
  }),
  { file: 'trust.yaml' },
)
const sha256 = sha256Hex('artifact')

function policiesOf(expression: string) {
  const rule = JSON.stringify({
    custom: {
      by: ['auditor'],
      type,
      expression,
      expects: 'an audit that passed',
      fix: 'Run the audit again',
    },
  })
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

function decideOn(expression: string, ...predicates: readonly Json[]): Decision {
  const items = predicates.map((predicate) => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'shop', digest: { sha256 } }],
      predicateType: type,
      predicate,
    }
    const bytes = envelopeBytes(statement, [auditor])
    return { bytes, digest: sha256Hex(bytes), source: 'beside' }
  })
  return decide({
    request: {
      artifact: { name: 'shop', digest: { sha256 } },
      target: { environment: 'prod', service: 'shop' },
      chokePoint: 'test',
    },
    evidence: { items, sources: [{ name: 'beside', outcome: 'found' }] },
    policies: policiesOf(expression),
    trust,
    now: new Date('2026-06-01T00:00:00Z'),
  })
}

/** What the rule says, and by which code. */
function says(expression: string, ...predicates: readonly Json[]): string {
  const { rules } = decideOn(expression, ...predicates)
  const [rule] = rules
  return [rule?.verdict, ...(rule?.problems ?? []).map(({ code }) => code)].join(' ')
}

function refusalOf(expression: string): Problem {
  try {
    policiesOf(expression)
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    const [problem] = error.problems
    assert.match(problem?.fix ?? '', /^[A-Z][a-z]+ /)
    if (problem !== undefined) return problem
  }
  assert.fail(`${expression.slice(0, 60)} was accepted`)
}

const audit = {
  result: 'PASSED',
  score: 9,
  ratio: 0.5,
  findings: [
    { id: 'A', severity: 'low' },
    { id: 'B', severity: 'high' },
  ],
}

test('what the expression finds true passes', () => {
  for (const expression of [
    'predicate.result == "PASSED"',
    'predicate.score + 1 == 10',
    'predicate.score >= 7 && predicate.ratio > 0.1',
    'predicate.findings.all(f, f.severity != "critical")',
    'predicate.findings.filter(f, f.severity == "high").map(f, f.id) == ["B"]',
    'predicate.findings.exists_one(f, f.id.matches("^[AB]$") && f.severity == "low")',
    'subject.exists(s, s.digest.sha256 == request.artifact.digest.sha256)',
    'request.target.environment == "prod" && request.target.service == "shop"',
    'facts.signers.all(s, s.name == "auditor") && size(facts.digest) == 64',
    `facts.signers == [{"name": "auditor", "owner": "auditor", "keyid": "${auditor.keyid}"}]`,
    'has(predicate.result) && !has(predicate.waiver)',
    'timestamp("2026-01-01T00:00:00Z") - timestamp("2025-12-31T00:00:00Z") == duration("24h")',
    'int("42") == 42 && double("1.5") == 1.5 && string(42) == "42"',
    '{"a": 1}["a"] == 1',
  ]) {
    assert.equal(says(expression, audit), 'PASS', expression)
  }
})

test('nothing but the value true is a yes', () => {
  for (const expression of [
    'predicate.result == "FAILED"',
    'predicate.score',
    'predicate.result',
    'predicate.findings',
    '"true"',
    '1',
    'null',
    'predicate',
  ]) {
    assert.equal(says(expression, audit), 'FAIL CUSTOM_FALSE', expression)
  }
})

test('a field that is not there is missing, and never a yes', () => {
  for (const expression of [
    'predicate.waiver == null',
    'predicate.nothing.at.all == 1',
    'predicate["x"] != "y"',
    'predicate.findings[7].id != "A"',
    '!predicate.blocked',
  ]) {
    assert.equal(says(expression, audit), 'MISSING CUSTOM_FIELD', expression)
  }
})

test('names of prototypes are names like any other', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    assert.equal(says(`predicate.${name} != null`, audit), 'MISSING CUSTOM_FIELD', name)
    assert.equal(says(`has(predicate.${name})`, audit), 'FAIL CUSTOM_FALSE', name)
    assert.equal(says(`"${name}" in predicate`, audit), 'FAIL CUSTOM_FALSE', name)
  }
  const own = JSON.parse('{"__proto__": {"admin": true}}') as Json
  assert.equal(says('predicate.__proto__.admin', own), 'PASS')
  const named = { constructor: { name: 'x' }, toString: 1 }
  assert.equal(says('predicate.constructor.name == "x" && predicate.toString == 1', named), 'PASS')
  assert.equal(says('predicate.admin', own), 'MISSING CUSTOM_FIELD')
})

test('what cannot be evaluated is no', () => {
  for (const expression of [
    'predicate.score + predicate.result == "x"',
    'predicate.score / 0 == 1',
    '9223372036854775807 + predicate.score > 0',
    'int(predicate.result) == 0',
    'int("") == 0',
    'double("") == 0.0',
    'double("0x10") == 16.0',
    'predicate.score.all(x, true)',
    'predicate.findings.all(f, f)',
  ]) {
    assert.equal(says(expression, audit), 'FAIL CUSTOM_ERROR', expression)
  }
})

test('a refusal quotes what the author expects, what was found, and the author’s fix', () => {
  const [rule] = decideOn('predicate.score > 9', audit).rules
  assert.deepEqual(rule?.problems, [
    {
      code: 'CUSTOM_FALSE',
      where: 'p.yaml:6:73 require[0].custom.expression',
      expected: 'an audit that passed',
      found: '"predicate.score > 9" is false',
      fix: 'Run the audit again',
    },
  ])
})

test('records that disagree are ambiguous, and nobody’s word is nothing', () => {
  const failed = { ...audit, result: 'FAILED' }
  assert.equal(says('predicate.result == "PASSED"', audit, failed), 'FAIL EVIDENCE_AMBIGUOUS')
  assert.equal(says('predicate.result == "PASSED"'), 'MISSING CUSTOM_MISSING')
  assert.equal(says('true'), 'MISSING CUSTOM_MISSING')
})

test('syntax is refused when the policy is read, with its place in file and expression', () => {
  const problem = refusalOf('predicate.result ==\n * 1')
  assert.equal(problem.code, 'POLICY_EXPRESSION')
  assert.match(
    problem.where ?? '',
    /^p\.yaml:6:73 require\[0\]\.custom\.expression \(line \d+, column \d+ of it\)$/,
  )
  for (const bad of ['', ' ', '1 +', 'predicate.', '"unclosed', 'a = b', '"x".matches("(")']) {
    assert.ok(['POLICY_EXPRESSION', 'DOCUMENT_SHAPE'].includes(refusalOf(bad).code), bad)
  }
})

test('the cage knows every name and every function that it lets through', () => {
  for (const expression of [
    'now > timestamp("2026-01-01T00:00:00Z")',
    'now() == 1',
    'env.HOME == ""',
    'process.exit(1)',
    'predicate.result.getFullYear() == 1',
    'type(predicate) == map',
    'bytes("x") == b"x"',
    'google.protobuf.Value{} == null',
    'google.protobuf.NullValue.NULL_VALUE == null',
    'predicate.result.matches(predicate.result)',
    `predicate.result.matches("${'a'.repeat(300)}")`,
    'predicate.result.matches("((a{9}){9}){9}")',
    'predicate.findings.all(predicate, true)',
    'predicate.findings.all(x, predicate.findings.all(x, true))',
    'predicate.findings.all(@result, true)',
    '[1].all(a, [1].all(b, [1].all(c, true)))',
    `${'('.repeat(40)}true${')'.repeat(40)}`,
    Array.from({ length: 600 }, () => 'true').join(' && '),
    '1'.repeat(5000),
    'size(predicate, predicate) == 1',
    'has(predicate)',
  ]) {
    const { code } = refusalOf(expression)
    assert.ok(['POLICY_EXPRESSION', 'POLICY_EXPRESSION_LIMIT'].includes(code), expression)
  }
})

test('an expression may be so large and so deep, and no more of either', () => {
  const size = (parts: number): string => Array.from({ length: parts }, () => 'true').join(' && ')
  const deep = (levels: number): string => `true${' == true'.repeat(levels)}`
  const isRefused = (expression: string): boolean => {
    try {
      policiesOf(expression)
      return false
    } catch (error) {
      assert.ok(error instanceof SallyportError)
      return true
    }
  }
  // A chain of && is balanced, one of == is not: 251 parts and 250 signs are one node more than 500.
  assert.deepEqual([isRefused(size(250)), isRefused(size(251))], [false, true])
  assert.deepEqual([isRefused(deep(40)), isRefused(deep(60))], [false, true])
})

const numbers = (count: number): Json => ({ list: Array.from({ length: count }, (_, at) => at) })

test('the worst case is computed from sizes, and what is too large is not evaluated', () => {
  const nested = 'predicate.list.all(a, predicate.list.all(b, a + b >= 0))'
  assert.equal(says(nested, numbers(200)), 'PASS')
  const components = Array.from({ length: 400 }, (_, at) => ({ name: `c${at}`, licenses: ['MIT'] }))
  const licences = 'predicate.list.all(c, c.licenses.all(l, l != "AGPL-3.0-only"))'
  assert.equal(says(licences, { list: components }), 'PASS')
  assert.equal(says(nested, numbers(2000)), 'UNSUPPORTED CUSTOM_COST')
  const text = { text: 'a'.repeat(100_000) }
  for (const [expression, predicate] of [
    ['predicate.text.matches("(a?){50}(a+)+b") || true', text],
    ['predicate.text.contains(predicate.text + "b") || true', text],
    [
      `predicate.text${' + predicate.text'.repeat(20)} != predicate.text`,
      { text: 'a'.repeat(1_000_000) },
    ],
    ['predicate.list.map(a, predicate.list.map(b, [a, b])) != []', numbers(900)],
    ['predicate.list.map(a, a).map(a, a).map(a, a) != []', numbers(1500)],
    ['predicate.list.filter(a, a in predicate.list) != []', numbers(5000)],
  ] as const) {
    assert.equal(says(expression, predicate), 'UNSUPPORTED CUSTOM_COST', expression.slice(0, 60))
  }
})

test('texts that double in each step are found before they grow', () => {
  const doubled = `["ab"]${'.map(x, x + x)'.repeat(20)} != []`
  assert.equal(says(doubled, audit), 'UNSUPPORTED CUSTOM_COST')
})

test('what all records cost together is bounded', () => {
  // What need not be evaluated counts, too.
  const nested = 'true || predicate.list.all(a, predicate.list.all(b, a + b >= 0))'
  let most = 200
  while (says(nested, numbers(most + 50)) === 'PASS') most += 50
  assert.equal(says(nested, numbers(most)), 'PASS')
  assert.equal(says(nested, numbers(most), numbers(most - 1)), 'UNSUPPORTED CUSTOM_COST')
})

test('a record that is too large to be measured is asked nothing', () => {
  const asked = (length: number) => says('size(predicate.text) > 0', { text: 'a'.repeat(length) })
  assert.equal(asked(1000), 'PASS')
  assert.equal(asked(4_000_001), 'UNSUPPORTED CUSTOM_COST')
})

test('one record that is too large refuses all: what it would say is not known', () => {
  const expression = 'predicate.list.all(a, predicate.list.all(b, true))'
  assert.equal(says(expression, numbers(3)), 'PASS')
  assert.equal(says(expression, numbers(3), numbers(5000)), 'UNSUPPORTED CUSTOM_COST')
})

test('expressions need no code from strings', () => {
  const program = `
    import { compile } from ${JSON.stringify(new URL('./custom/compile.ts', import.meta.url).href)}
    const { evaluate } = compile('predicate.all(x, x.matches("^a+$"))', () => '')
    console.log(evaluate(new Map([['predicate', ['aaa']]])).value)`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  assert.equal(stdout.trim(), 'true', stderr)
})
