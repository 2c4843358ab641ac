import type { PolicyDiffReport } from '#app'
import type { JsonObject } from '#document'
import { collect } from '../../collect.ts'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escapeLine } from '../../escape.ts'
import { parseCount } from '../../number.ts'
import type { Outcome } from '../../outcome.ts'
import { renderProblem, type Look } from '../../render.ts'
import { problemJson } from '../../run.ts'
import type { Session } from '../../session.ts'

interface Options {
  readonly old: string
  readonly new?: string
  readonly trust?: string
  readonly fixtures: readonly string[]
  readonly log: boolean
  readonly limit: number
  readonly markdown: boolean
}

/** `sallyport policy diff --old PATH [--new PATH] [--fixtures DIR | --log]` */
export function defineDiff(command: CommandLine, plan: Plan): void {
  command
    .description('say what a change of policies does: in words, and to decisions')
    .needs('--old <path>', 'policies as they were: a file, a folder, or a folder with trust.yaml')
    .option('--new <path>', 'policies as they would be; default is those of the home')
    .option('--trust <file>', 'the trust file for both, instead of that of the home')
    .option('--fixtures <folder>', 'decide these fixtures by both (repeatable)', collect, [])
    .option('--log', 'decide the newest decisions of the log by both', false)
    .option('--limit <count>', 'how many of the log', parseCount, 1000)
    .option('--markdown', 'print Markdown, for a comment on a pull request', false)
    .action((options: Options) => plan('nothing was compared', (session) => diff(session, options)))
}

async function diff(session: Session, options: Options): Promise<Outcome> {
  const { diffPolicies } = await import('#app')
  const { old, new: next, trust, fixtures, log, limit, markdown } = options
  const report = await diffPolicies({
    config: await session.config(),
    old,
    ...(next === undefined ? {} : { new: next }),
    ...(trust === undefined ? {} : { trust }),
    fixtures,
    ...(log ? { newest: limit } : {}),
    onProgress: session.terminal.status,
  })
  const { diffMarkdown, headlineOf, outcomeTitles } = await import('#decision')
  const text = (look: Look): string =>
    markdown
      ? diffMarkdown(report).trimEnd()
      : textOf(report, headlineOf(report), outcomeTitles, look)
  // A comparison that finds something is a result like any other: it stands on standard output.
  return { exit: report.exit, json: jsonOf(report), text: text(session.outLook()) }
}

function jsonOf({ policies, decisions, exit }: PolicyDiffReport): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'PolicyDiffReport',
    exit,
    policies: policies.map((change) => ({ ...change })),
    decisions: decisions.map(({ reasons, differences, before, after, ...rest }) => ({
      ...rest,
      before: { ...before },
      after: { ...after },
      differences: differences.map((one) => ({ ...one })),
      reasons: reasons.map(problemJson),
    })),
  }
}

function textOf(
  report: PolicyDiffReport,
  headline: string,
  titles: Readonly<Record<string, string>>,
  look: Look,
): string {
  const { paint } = look
  const policies = report.policies.map(({ policy, direction, words }) => {
    const mark = { loosened: paint.warn, tightened: paint.good, changed: paint.faint }[direction]
    return `${mark(direction.padEnd(9))}  ${escapeLine(`${policy}: ${words}`)}`
  })
  const groups = Object.keys(titles).flatMap((outcome) => groupOf(report, outcome, titles, look))
  const parts = [policies.join('\n'), ...groups, `sallyport: ${headline}`]
  return parts.filter((part) => part !== '').join('\n\n')
}

function groupOf(
  { decisions }: PolicyDiffReport,
  outcome: string,
  titles: Readonly<Record<string, string>>,
  look: Look,
): readonly string[] {
  const changes = decisions.filter((one) => one.outcome === outcome)
  if (changes.length === 0) return []
  const mark = outcome === 'now-denied' ? look.paint.bad : look.paint.warn
  return changes.map(({ artifact, target, source, reasons }) => {
    const line = `${mark(titles[outcome] ?? outcome)}: ${escapeLine(`${artifact} in ${target} (${source})`)}`
    const severity = outcome === 'now-denied' ? 'error' : 'warning'
    const why = outcome === 'other-reasons' ? reasons.slice(0, 1) : reasons
    return [line, ...why.map((problem) => renderProblem(problem, look, severity))].join('\n')
  })
}
