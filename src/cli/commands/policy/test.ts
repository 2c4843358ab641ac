import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FixtureResult, PolicyTestReport } from '#app'
import type { JsonObject } from '#document'
import type { RuleProof } from '#decision'
import { collect } from '../../collect.ts'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { SallyportError } from '#error'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { writeOutput } from '../../output-file.ts'
import { field, plural, type Look } from '../../render.ts'
import { problemJson } from '../../run.ts'
import type { Session } from '../../session.ts'
import { junitOf } from './junit.ts'

interface Options {
  readonly policy: readonly string[]
  readonly trust?: string
  readonly update: boolean
  readonly allowUnproven: boolean
  readonly junit?: string
}

/** `sallyport policy test [folders…]` */
export function defineTest(command: CommandLine, plan: Plan): void {
  command
    .description('decide captured fixtures with the policies as they are, and compare')
    .argument('[folders...]', 'folders of fixtures; default is `fixtures` in the home')
    .option('--policy <file>', 'policies, instead of those of the home (repeatable)', collect, [])
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .option('--update', 'write what comes out as what is expected', false)
    .option('--allow-unproven', 'accept rules that were never seen to fail', false)
    .option('--junit <file>', 'write the results as JUnit XML too')
    .action((folders: readonly string[], options: Options) =>
      plan('nothing was tested', (session) => test(session, folders, options)),
    )
}

async function test(
  session: Session,
  folders: readonly string[],
  options: Options,
): Promise<Outcome> {
  const { testPolicies } = await import('#app')
  const { policy, trust, update, allowUnproven, junit } = options
  session.terminal.status('deciding the fixtures')
  const report = await testPolicies({
    config: await session.config(),
    folders,
    policies: policy,
    ...(trust === undefined ? {} : { trust }),
    update,
    allowUnproven,
  })
  if (junit !== undefined) await writeJunit(junit, junitOf(report, allowUnproven))
  const { exit } = report
  const json = jsonOf(report)
  return exit === 0
    ? { exit, json, text: textOf(report, allowUnproven, session.outLook()) }
    : { exit, json, refusal: textOf(report, allowUnproven, session.errLook()) }
}

async function writeJunit(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeOutput(file, text)
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: file,
        expected: 'a file that can be written, with room in it',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Name another file with --junit, or make this one writable',
      },
      { cause },
    )
  }
}

function jsonOf({ fixtures, rules, problems, exit }: PolicyTestReport): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'PolicyTestReport',
    exit,
    problems: problems.map(problemJson),
    fixtures: fixtures.map(({ folder, differences, updated, decision }) => ({
      folder,
      same: differences.length === 0,
      updated,
      verdict: decision.verdict,
      differences: differences.map((one) => ({ ...one })),
      reasons: decision.reasons.map(problemJson),
    })),
    rules: rules.map(({ failed, ...rule }) => ({
      ...rule,
      seenToFail: failed === undefined ? null : { ...failed },
    })),
  }
}

function textOf(report: PolicyTestReport, allowUnproven: boolean, look: Look): string {
  const fixtures = report.fixtures.map((result) => fixtureText(result, look))
  const unproven = report.rules.filter(({ failed }) => failed === undefined)
  const notes = unproven.map((rule) => ruleText(rule, allowUnproven, look))
  return [...fixtures, ...notes, `\n${summary(report, unproven.length, look)}`].join('\n')
}

function fixtureText(result: FixtureResult, look: Look): string {
  const { folder, differences, updated, decision } = result
  const { paint } = look
  const name = escapeLine(folder)
  if (differences.length === 0) return `${paint.good('ok')}       ${name}`
  const state = updated ? paint.warn('updated') : paint.bad('differs')
  const lines = differences.flatMap(({ what, expected, found }) => [
    `  ${escapeLine(what)}`,
    `  ${field('expected', escapeLine(expected), look)}`,
    `  ${field('found', escapeLine(found), look)}`,
  ])
  const [first] = decision.reasons
  const why =
    first === undefined || updated
      ? []
      : [`  ${escapeLine(`${first.where ?? 'the decision'}: found ${first.found}`)}`]
  return [`${state}  ${name}`, ...lines, ...why].join('\n')
}

function ruleText({ policy, id, line }: RuleProof, isAllowed: boolean, { paint }: Look): string {
  const mark = isAllowed ? paint.warn('unproven') : paint.bad('unproven')
  return `${mark} ${escapeLine(`rule ${id} of ${policy} was never seen to fail (${line})`)}`
}

function summary(
  { fixtures, rules, exit }: PolicyTestReport,
  unproven: number,
  look: Look,
): string {
  const { paint } = look
  const differ = fixtures.filter(({ differences, updated }) => differences.length > 0 && !updated)
  const wrong = differ.length > 0 ? 'not as expected' : 'unproven'
  const state = exit === 0 ? paint.good('as expected') : paint.bad(wrong)
  const updated = fixtures.filter((result) => result.updated).length
  const parts = [
    `${fixtures.length} ${plural(fixtures.length, 'fixture')}`,
    ...(differ.length === 0
      ? []
      : [`${differ.length} ${differ.length === 1 ? 'differs' : 'differ'}`]),
    ...(updated === 0 ? [] : [`${updated} updated`]),
    `${rules.length - unproven} of ${rules.length} ${plural(rules.length, 'rule')} seen to fail`,
  ]
  return `sallyport: ${state}: ${parts.join(' · ')}`
}
