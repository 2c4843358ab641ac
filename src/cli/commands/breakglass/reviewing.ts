import type { BreakglassListReport, ListedUse } from '#app'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escapeLine } from '../../escape.ts'
import { gateOptions, type GateOptions } from '../../gate-place.ts'
import { parseCount } from '../../number.ts'
import type { Outcome } from '../../outcome.ts'
import { renderProblems, type Look } from '../../render.ts'
import { reviewerText } from '../../reviewer.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'
import { firstOf, words } from '../../words.ts'
import { atGate, homeOrGate, notAtGate } from './at-gate.ts'
import { jsonOf, outcome, type Rows } from './outcome.ts'

interface ReviewOptions extends GateOptions {
  readonly by?: string
  readonly finding: string
}

/** Afterwards: what was used, and what somebody else found about it. */
export function defineReviewing(command: CommandLine, plan: Plan): void {
  const listing = command
    .command('list')
    .description('every use, its review, how often, and alarms that nobody has heard')
  gateOptions(listing).action((options: GateOptions) =>
    plan('nothing was listed', (session) => list(session, options)),
  )
  const reviewing = command
    .command('review')
    .description('record what you found about a use, as somebody who had no part in it')
    .argument('<entry>', 'the use, by its place in the log', parseCount)
    .needs('--finding <text>', 'what you found, and what follows')
    .option('--by <name>', 'who you are (default: who you are on this machine)')
  gateOptions(reviewing).action((entry: number, options: ReviewOptions) =>
    plan('nothing was reviewed', (session) => review(session, entry, options)),
  )
}

async function list(session: Session, options: GateOptions): Promise<Outcome> {
  const { listBreakglass, usesAtGate } = await import('#app')
  const at = atGate(session, 'list', options)
  const look = session.outLook()
  if (at === undefined) {
    const report = await listBreakglass(await homeOrGate(session), session.now())
    return listed('BreakglassListReport', report, pendingText(report, look), look)
  }
  session.terminal.status('asking the gate')
  const uses = await usesAtGate(at)
  const unheard =
    uses.pending === 0 ? '' : look.paint.bad(`not heard: ${uses.pending} alarms of the gate`)
  return listed('BreakglassUses', uses, unheard, look)
}

type Listed = Pick<BreakglassListReport, 'uses' | 'rates' | 'findings'>

function listed(kind: string, report: Listed, unheard: string, look: Look): Outcome {
  const { findings } = report
  const parts = [usesText(report, look), ratesText(report, look), unheard]
  return {
    exit: findings.length > 0 ? 1 : 0,
    json: jsonOf(kind, report),
    text: [...parts, renderProblems(findings, look)].filter((part) => part !== '').join('\n\n'),
  }
}

function usesText({ uses, findings }: Listed, look: Look): string {
  if (uses.length === 0) return findings.length === 0 ? 'The glass has never been broken here.' : ''
  return table(uses.map((one) => row(one, look)))
}

function row(one: ListedUse, { paint }: Look): string[] {
  const state = { reviewed: paint.good, waiting: paint.warn, overdue: paint.bad }[one.state]
  const more =
    one.review === undefined
      ? `review by ${one.reviewBy}`
      : `${reviewerText(one.review)}: ${one.review.finding}`
  return [
    paint.faint(String(one.entry)),
    state(one.state),
    paint.faint(escapeLine(one.time.slice(0, 19).concat('Z'))),
    words(`${one.environment}/${one.service}`, 60),
    words(one.artifact.name, 200),
    `${firstOf(one.requesters, 5)} → ${firstOf(one.approvers, 5)}`,
    firstOf(one.incidents, 5),
    words(more),
  ]
}

function ratesText({ rates }: Listed, { paint }: Look): string {
  return rates
    .map(({ environment, lastDay, limit }) => {
      const text = `${environment}: ${lastDay} within a day, of at most ${limit}`
      return lastDay > limit ? paint.bad(escapeLine(text)) : escapeLine(text)
    })
    .join('\n')
}

function pendingText({ pending }: Pick<BreakglassListReport, 'pending'>, { paint }: Look): string {
  return pending
    .map(({ event, sink, attempts, failure }) => {
      if (sink === '') {
        const head = paint.bad('heard by nobody')
        return `${head} (no sink in "alarms" of sallyport.yaml): ${words(event.summary)}`
      }
      const why = failure === undefined ? '' : `, ${attempts} times in vain: ${failure}`
      return `${paint.bad('not heard')} by ${words(`${sink}${why}: ${event.summary}`)}`
    })
    .join('\n')
}

async function review(session: Session, entry: number, options: ReviewOptions): Promise<Outcome> {
  const { reviewAtGate, reviewBreakglass } = await import('#app')
  const { by, finding } = options
  const at = atGate(session, 'review', options)
  const head = `reviewed: entry ${entry}`
  const kind = 'BreakglassReviewReport'
  if (at !== undefined) {
    notAtGate('review', '--by', by)
    const index = await reviewAtGate(at, { entry, finding })
    const rows: Rows = [
      ['finding', finding],
      ['recorded', `entry ${index} of the log of the gate`],
    ]
    return outcome(session, kind, { entry, finding, index }, head, rows)
  }
  const who = by === undefined ? {} : { by }
  const config = await homeOrGate(session)
  const report = await reviewBreakglass({ config, entry, ...who, finding, now: session.now() })
  const rows: Rows = [
    ['by', reviewerText(report)],
    ['finding', report.finding],
    ['recorded', `entry ${report.index} of the log`],
  ]
  return outcome(session, kind, report, head, rows)
}
