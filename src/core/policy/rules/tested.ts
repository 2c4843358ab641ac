import type { TestResult } from '#attestation'
import { quote, type Problem } from '#error'
import { claimed } from '#trust'
import { z } from 'zod'
import { earliest, endOfSigners, signerFacts } from '../judge-each.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Outcome, Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { builtBySchema, findCommit, type SourceCommit } from './chain.ts'

const schema = z.strictObject({
  by: bySchema,
  suites: z
    .array(z.string().min(1).max(500))
    .min(1, 'at least one suite')
    .max(64)
    .describe('what must have passed: names of the configuration that was run, or of tests'),
  of: z
    .enum(['artifact', 'commit'])
    .default('commit')
    .describe('what was tested: the commit that was built, or the artifact itself'),
  warnings: z
    .enum(['deny', 'allow'])
    .default('deny')
    .describe('whether a run that only warned counts as passed'),
  builtBy: builtBySchema,
})

type Parameters = z.output<typeof schema>

/** Every suite has been run on what is deployed, or on its source, and has passed. */
export const tested: Rule<Parameters> = {
  name: 'tested',
  schema,
  threats: ['T01'],
  threat:
    'A change that breaks what the tests protect is deployed before, or without, running them.',
  cannot:
    'It cannot tell whether the tests test anything, and believes whoever ran them about what was run. A result of the commit says nothing about a builder that makes something else of it.',
  fixes: 'evidence',
  predicateTypes: () => [...predicateKinds.testResult.predicateTypes],
  evaluate: (rule, context) => {
    if (rule.of === 'artifact') return judge(rule, undefined, context)
    const chain = findCommit(context, rule.builtBy)
    return 'broken' in chain ? chain.broken : judge(rule, chain.source, context)
  },
}

function judge(rule: Parameters, source: SourceCommit | undefined, context: RuleContext): Outcome {
  const search = context.search(predicateKinds.testResult, rule.by, source?.link)
  if (search.nothing !== undefined) return search.nothing
  const suites = rule.suites.map((suite) => judgeSuite(suite, search.found, rule, context.place))
  const problems = suites.flatMap(({ problem }) => problem ?? [])
  const used = [...new Set(suites.flatMap(({ records }) => records))]
  const evidence = [...(source?.evidence ?? []), ...used.map(({ verified }) => verified.digest)]
  const facts = [
    ...(source?.facts ?? []),
    ...used.flatMap(({ said, signers }) => [
      ...signerFacts(signers),
      claimed('test.result', said.result),
    ]),
  ]
  if (problems.length > 0) {
    const isBad = suites.some(({ isFailed }) => isFailed)
    return { verdict: isBad ? 'FAIL' : 'MISSING', problems, evidence, facts, hop: hopOf(source) }
  }
  const end = earliest(source?.staleAt, ...used.map(({ signers }) => endOfSigners(signers)))
  return {
    verdict: 'PASS',
    problems: [],
    evidence,
    facts,
    ...(end === undefined ? {} : { staleAt: end }),
  }
}

interface Suite {
  readonly records: readonly Testimony<TestResult>[]
  readonly isFailed: boolean
  readonly problem?: Problem
}

/** A failure counts whatever other runs say: a result has no time, so nobody knows which one came last. */
function judgeSuite(
  suite: string,
  found: readonly Testimony<TestResult>[],
  { warnings, by }: Parameters,
  place: Place,
): Suite {
  const records = found.filter(({ said }) => mentions(said, suite))
  const bad = records.find(({ said }) => !hasPassed(said, warnings))
  const at = { where: place.at('suites'), expected: `the suite ${quote(suite)} to pass` }
  if (bad !== undefined) {
    const { result, failedTests, warnedTests, url } = bad.said
    const names = [...failedTests, ...(warnings === 'deny' ? warnedTests : [])].slice(0, 4)
    const shown = names.map((name) => quote(name, 80)).join(', ')
    const problem: Problem = {
      ...at,
      code: 'TEST_FAILED',
      found: `${result}${shown === '' ? '' : `: ${shown}`}`,
      fix: `Correct what ${url === undefined ? 'failed' : `failed (${quote(url, 200)})`}, and build the new commit; if another run counts, pass only that result with --bundle`,
    }
    return { records: [bad], isFailed: true, problem }
  }
  const [good] = records
  if (good !== undefined) return { records: [good], isFailed: false }
  const problem: Problem = {
    ...at,
    code: 'TEST_SUITE_MISSING',
    found: `results of ${suitesIn(found)}`,
    fix: `Have ${by.join(' or ')} run ${quote(suite)} and sign its result`,
  }
  return { records: [], isFailed: false, problem }
}

function mentions(result: TestResult, suite: string): boolean {
  const { configuration, passedTests, warnedTests, failedTests } = result
  return (
    configuration.some(({ name, uri }) => name === suite || uri === suite) ||
    [passedTests, warnedTests, failedTests].some((tests) => tests.includes(suite))
  )
}

/** The run as a whole: what failed beside the suite may be why the suite could pass. */
function hasPassed(result: TestResult, warnings: 'deny' | 'allow'): boolean {
  if (result.failedTests.length > 0 || result.result === 'FAILED') return false
  if (warnings === 'allow') return true
  return result.result === 'PASSED' && result.warnedTests.length === 0
}

function suitesIn(found: readonly Testimony<TestResult>[]): string {
  const names = found.flatMap(({ said }) => [
    ...said.configuration.flatMap(({ name, uri }) => name ?? uri ?? []),
    ...said.passedTests,
  ])
  const shown = [...new Set(names)].slice(0, 6).map((name) => quote(name, 80))
  return shown.length === 0 ? 'runs that do not say what was run' : shown.join(', ')
}

function hopOf(source: SourceCommit | undefined): string {
  return source === undefined ? 'artifact → test result' : 'commit → test result'
}
