import type { PolicyCheckReport } from '#app'
import type { JsonObject } from '#document'
import type { LintFinding } from '#policy'
import type { CommandLine } from '../../command-line.ts'
import { collect } from '../../collect.ts'
import type { Plan } from '../../commands.ts'
import { jsonText } from '../../json-text.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { countsOf, findingJson, findingTexts, isFailing } from './findings.ts'

interface Options {
  readonly trust?: string
  readonly targets?: string
  readonly strict?: true
  readonly sarif?: true
  readonly ignore: readonly string[]
}

/** `sallyport policy check [files…]` */
export function defineCheck(command: CommandLine, plan: Plan): void {
  command
    .description(
      'find what is wrong with policies, meta-policies and trust file before they decide',
    )
    .argument('[files...]', 'policies, instead of those of the home; a folder is all in it')
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .option('--targets <file>', 'a list of the targets that exist: each must have its policy')
    .option('--strict', 'let warnings fail the check as errors do')
    .option('--ignore <code>', 'leave out findings of a lint (repeatable)', collect, [])
    .option('--sarif', 'print SARIF 2.1.0')
    .action((files: readonly string[], options: Options) =>
      plan('nothing was checked', (session) => check(session, files, options)),
    )
}

async function check(
  session: Session,
  files: readonly string[],
  options: Options,
): Promise<Outcome> {
  const { checkPolicyFiles } = await import('#app')
  const { trust, targets } = options
  const report = await checkPolicyFiles({
    config: session.config,
    cwd: session.cwd,
    policies: files,
    ...(trust === undefined ? {} : { trust }),
    ...(targets === undefined ? {} : { targets }),
    now: session.now(),
  })
  const { findings, ignored } = await withoutIgnored(report.findings, options.ignore)
  const exit = findings.some(isFailing(options.strict === true)) ? 1 : 0
  if (options.sarif === true) {
    const { toSarif } = await import('#policy')
    const json = toSarif(findings, { version: session.version })
    return { exit, json, text: jsonText(json) }
  }
  const told = { ...report, findings }
  return { exit, json: asJson(told, ignored, exit), text: textOf(told, ignored, session.outLook()) }
}

/** Errors cannot be ignored: a rulebook that has them is not used. */
async function withoutIgnored(findings: readonly LintFinding[], codes: readonly string[]) {
  const { lints } = await import('#policy')
  const unknown = codes.filter((code) => !lints.some((lint) => lint.code === code))
  if (unknown.length > 0) {
    const { quote, SallyportError } = await import('#error')
    throw new SallyportError({
      code: 'USAGE_VALUE',
      where: 'sallyport policy check --ignore',
      expected: `the code of a lint: ${lints.map(({ code }) => code).join(', ')}`,
      found: unknown.map((code) => quote(code, 60)).join(', '),
      fix: 'Correct the code; only lints can be ignored, and errors never',
    })
  }
  const kept = findings.filter(({ code }) => !codes.includes(code))
  return { findings: kept, ignored: findings.length - kept.length }
}

function asJson(report: PolicyCheckReport, ignored: number, exit: number): JsonObject {
  const { findings, files, policies, metaPolicies, targets, linted } = report
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'PolicyCheck',
    exit,
    files,
    policies,
    metaPolicies,
    ...(targets === undefined ? {} : { targets }),
    linted,
    ignored,
    findings: findings.map(findingJson),
  }
}

function textOf(report: PolicyCheckReport, ignored: number, look: Look): string {
  const { findings, linted, sources } = report
  const left = ignored === 0 ? '' : `, ${ignored} ignored`
  const notes = linted ? [] : ['lints were not looked at: correct the errors first']
  const total = [`${subjectOf(report)}: ${countsOf(findings)}${left}`, ...notes].join('\n')
  return [...findingTexts(findings, sources, look), total].join('\n\n')
}

function subjectOf({ files, policies, metaPolicies, targets }: PolicyCheckReport): string {
  if (policies + metaPolicies === 0) return `${files} ${plural(files, 'file')}`
  const parts = [
    `${policies} ${policies === 1 ? 'policy' : 'policies'}`,
    ...(metaPolicies === 0
      ? []
      : [`${metaPolicies} ${metaPolicies === 1 ? 'meta-policy' : 'meta-policies'}`]),
    ...(targets === undefined ? [] : [`${targets} ${plural(targets, 'target')}`]),
  ]
  return parts.join(', ')
}
