import type { FixtureResult, PolicyTestReport } from '#app'
import type { RuleProof } from '#decision'
import { escapeLine } from '../../escape.ts'

/** The results as JUnit XML: a test case for each fixture, and one for each rule that has to be able to fail. */
export function junitOf({ fixtures, rules }: PolicyTestReport, allowUnproven: boolean): string {
  const differ = fixtures.filter(isFailure).length
  const unproven = allowUnproven ? 0 : rules.filter(({ failed }) => failed === undefined).length
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sallyport policy test" tests="${fixtures.length + rules.length}" failures="${differ + unproven}">`,
    `  <testsuite name="fixtures" tests="${fixtures.length}" failures="${differ}">`,
    ...fixtures.map(fixtureCase),
    '  </testsuite>',
    `  <testsuite name="rules" tests="${rules.length}" failures="${unproven}">`,
    ...rules.map((rule) => ruleCase(rule, allowUnproven)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function isFailure({ differences, updated }: FixtureResult): boolean {
  return differences.length > 0 && !updated
}

function fixtureCase(result: FixtureResult): string {
  const { folder, differences } = result
  const lines = differences.map(
    ({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`,
  )
  return testCase('fixtures', folder, isFailure(result) ? lines.join('; ') : undefined)
}

function ruleCase({ policy, id, failed, line }: RuleProof, allowUnproven: boolean): string {
  const isOpen = failed === undefined && !allowUnproven
  return testCase(policy, id, isOpen ? `never seen to fail (${line})` : undefined)
}

function testCase(suite: string, name: string, failure: string | undefined): string {
  const head = `    <testcase classname="${xml(suite)}" name="${xml(name)}"`
  if (failure === undefined) return `${head}/>`
  return `${head}>\n      <failure message="${xml(failure)}"/>\n    </testcase>`
}

/** Attributes hold names that others chose: no quote, no bracket, and no character that XML cannot hold. */
function xml(text: string): string {
  return escapeLine(text)
    .replace(/[\ufffe\uffff\t\r]/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
