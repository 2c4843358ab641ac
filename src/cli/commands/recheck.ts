import type { RecheckItem, RecheckList, RecheckNowReport } from '#app'
import type { JsonObject } from '#document'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import type { Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

const listed = 50
const explained = 5

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--now', 'decide it again now, where no gate runs that does so by itself', false)
    .action(({ now }: { readonly now: boolean }) =>
      plan(now ? 'it was not decided again' : 'nothing was listed', (session) =>
        now ? decideAgain(session) : list(session),
      ),
    )
}

/** What is open could not be told: 3. What was refused has rung, and its decision is in the log. */
async function list(session: Session): Promise<Outcome> {
  const { listRechecks } = await import('#app')
  const report = await listRechecks(await session.config(), session.now())
  return outcome(report, report.open.length > 0 ? 3 : 0, session)
}

async function decideAgain(session: Session): Promise<Outcome> {
  const { recheckNow } = await import('#app')
  session.terminal.status('deciding again')
  const report = await recheckNow(await session.config(), session.now)
  const isRefused = report.settled.some((one) => isNewNo(one, report))
  return outcome(report, isRefused ? 1 : report.open.length > 0 ? 3 : 0, session)
}

function isNewNo({ state, entry }: RecheckList['settled'][number], { from }: RecheckNowReport) {
  return state === 'refused' && entry >= from
}

function outcome(report: RecheckList, exit: 0 | 1 | 3, session: Session): Outcome {
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'RecheckReport', ...body },
    text: textOf(report, session.outLook()),
  }
}

function textOf(report: RecheckList, look: Look): string {
  const { open, settled, pending, verified, refused, unread } = report
  if (open.length + settled.length === 0)
    return 'Nothing was ever let in here because evidence could not be had.'
  const items = [...open, ...settled]
  const more = items.length > listed ? [`${items.length - listed} more: --json`] : []
  const problems = items.filter(({ state }) => state !== 'verified').slice(0, explained)
  const behind = unread === 0 ? '' : `, ${unread} entries not looked through`
  const { paint } = look
  const tone = refused > 0 ? paint.bad : pending > 0 ? paint.warn : paint.good
  const total = `${pending} pending, ${verified} verified, ${refused} refused${behind}`
  return [
    table(items.slice(0, listed).map((one) => row(one, look))),
    ...more,
    ...problems.flatMap(fixOf),
    `sallyport: ${tone(total)}`,
  ].join('\n\n')
}

function row(one: RecheckItem, { paint }: Look): string[] {
  const { state, first, last, times, admitted, target, artifact, problems } = one
  const colour = {
    pending: paint.warn,
    overdue: paint.bad,
    refused: paint.bad,
    verified: paint.good,
  }
  const place = first === last ? String(first) : `${first}…${last}`
  const codes = [...new Set(problems.map(({ code }) => code))].slice(0, 3).join(', ')
  const answer = 'entry' in one ? `${one.verdict} ${one.entry}` : ''
  return [
    colour[state](state),
    paint.faint(times === 1 ? place : `${place} (${times})`),
    paint.faint(admitted === '' ? '' : escapeLine(`${admitted.slice(0, 19)}Z`)),
    escapeLine(`${target.environment}/${target.service}`),
    escapeLine(artifact.name),
    escapeLine(`${answer} ${codes}`.trim()),
  ]
}

function fixOf({ first, problems: [problem] }: RecheckItem): readonly string[] {
  if (problem === undefined) return []
  const { code, found, fix } = problem
  return [`${escapeLine(`entry ${first}: ${code}: found ${found}`)}\n  ${escapeLine(fix)}`]
}
