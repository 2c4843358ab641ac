import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toSarif, type SarifFinding } from '../index.ts'

const finding: SarifFinding = {
  code: 'POLICY_MISSING',
  severity: 'error',
  where: 'policies/a b.yaml:3:5 require[0].built',
  expected: 'a',
  found: 'b',
  fix: 'Write it',
}

interface Sarif {
  readonly $schema: string
  readonly version: string
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly Rule[] } }
    readonly results: readonly Result[]
    readonly properties?: { readonly leftOut: number }
  }[]
}
interface Rule {
  readonly id: string
  readonly shortDescription: { readonly text: string }
  readonly help: { readonly text: string }
  readonly helpUri: string
}
interface Result {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: string
  readonly message: { readonly text: string }
  readonly partialFingerprints: Readonly<Record<string, string>>
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string }
      readonly region?: { readonly startLine: number; readonly startColumn: number }
    }
  }[]
}

const made = (findings: readonly SarifFinding[], elsewhere?: string): Sarif =>
  JSON.parse(
    JSON.stringify(
      toSarif(findings, { version: '1.2.3', ...(elsewhere === undefined ? {} : { elsewhere }) }),
    ),
  ) as Sarif

/** What the schema of SARIF 2.1.0 demands of the parts that are written. */
function checkStructure({ version, runs }: Sarif): void {
  assert.equal(version, '2.1.0')
  for (const { tool, results } of runs) {
    assert.ok(tool.driver.name)
    assert.equal(new Set(tool.driver.rules.map(({ id }) => id)).size, tool.driver.rules.length)
    for (const rule of tool.driver.rules) {
      assert.ok(rule.shortDescription.text && rule.help.text)
      assert.ok(URL.canParse(rule.helpUri))
    }
    for (const result of results) {
      assert.equal(tool.driver.rules[result.ruleIndex]?.id, result.ruleId)
      assert.match(result.level, /^(?:none|note|warning|error)$/)
      assert.ok(result.message.text)
      for (const value of Object.values(result.partialFingerprints))
        assert.match(value, /^[0-9a-f]{64}$/)
      for (const { physicalLocation } of result.locations) {
        const { uri } = physicalLocation.artifactLocation
        assert.ok(/^[\w.~%!$&'()*+,;=:@/-]+$/.test(uri), uri)
        const { startLine = 1, startColumn = 1 } = physicalLocation.region ?? {}
        assert.ok(startLine >= 1 && startColumn >= 1)
      }
    }
  }
}

test('SARIF has what its schema demands, and rules with their help', () => {
  const sarif = made(
    [finding, { ...finding, code: 'DEPLOYER_NOT_ALLOWED', where: 'x' }],
    'sallyport.yaml',
  )
  checkStructure(sarif)
  const [run] = sarif.runs
  assert.match(run?.tool.driver.rules[0]?.help.text ?? '', /denies a deployment/)
  assert.equal(
    run?.results[1]?.locations[0]?.physicalLocation.artifactLocation.uri,
    'sallyport.yaml',
  )
  assert.match(run?.results[1]?.message.text ?? '', /Where: x/)
})

test('text of others is text in SARIF: no link, control, mark or half a character', () => {
  const evil = '[click](https://evil.example) \u202e\u0007\u001b[31m \ud800 \\'
  const sarif = made([
    {
      ...finding,
      where: `${evil}/x.yaml:1:1 a`,
      expected: evil,
      found: evil,
      fix: evil,
      about: evil,
    },
    { ...finding, where: evil },
  ])
  checkStructure(sarif)
  for (const { message } of sarif.runs[0]?.results ?? []) {
    assert.doesNotMatch(message.text, /(?<!\\)\[click\]/)
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(message.text, /[\u0000-\u001f\u202e]/)
    assert.ok(message.text.isWellFormed())
  }
})

test('a finding is known again when its line or what was found has changed', () => {
  const print = (more: Partial<SarifFinding>): string =>
    Object.values(
      made([{ ...finding, ...more }]).runs[0]?.results[0]?.partialFingerprints ?? {},
    ).join()
  assert.equal(print({}), print({ where: 'policies/a b.yaml:9:1 require[0].built', found: 'c' }))
  assert.notEqual(print({}), print({ about: 'another artifact' }))
  assert.notEqual(print({}), print({ where: 'policies/a b.yaml:3:5 require[1].built' }))
  assert.notEqual(print({}), print({ code: 'POLICY_AMBIGUOUS' }))
})

test('a long list is bounded, and what is left out is counted', () => {
  const many = Array.from({ length: 1003 }, () => ({ ...finding, found: 'x'.repeat(100_000) }))
  const sarif = made(many)
  assert.equal(sarif.runs[0]?.results.length, 1000)
  assert.equal(sarif.runs[0]?.properties?.leftOut, 3)
  assert.ok(JSON.stringify(sarif).length < 4_000_000)
})
