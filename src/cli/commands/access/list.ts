import type { AccessReport, ListedGrant } from '#app'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import { reviewerText } from '../../reviewer.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

export interface ListOptions {
  readonly findings: boolean
  readonly kind?: string
  readonly entries: number
  readonly exitCode: boolean
}

/** `sallyport access list`. */
export async function listGrants(session: Session, options: ListOptions): Promise<Outcome> {
  const { listAccess } = await import('#app')
  session.terminal.status('reading policies, trust file and log')
  const config = await session.config()
  const all = await listAccess({ config, now: session.now(), maxEntries: options.entries })
  const report = { ...all, grants: all.grants.filter((one) => isWanted(one, options)) }
  const hasFindings = report.grants.some(({ findings }) => findings.length > 0)
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: options.exitCode && hasFindings ? 1 : 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'AccessReport', ...body },
    text: textOf(report, options, session.outLook()),
  }
}

function isWanted({ kind, findings }: ListedGrant, options: ListOptions): boolean {
  return (
    (options.kind === undefined || options.kind === kind) &&
    (!options.findings || findings.length > 0)
  )
}

function textOf(report: AccessReport, { findings }: ListOptions, look: Look): string {
  const { grants } = report
  const problems = grants.flatMap((one) => one.findings)
  return [
    ...(findings
      ? problems.length === 0
        ? []
        : [renderProblems(problems, look)]
      : grants.map((one) => blockOf(one, look))),
    readText(report),
    verdictOf(grants, look),
  ].join('\n\n')
}

function blockOf(grant: ListedGrant, { paint }: Look): string {
  const { sha256, id, who, may, where, until, findings } = grant
  const head = `${paint.faint(sha256.slice(0, 12))}  ${stateOf(grant, paint)}  ${escapeLine(id)}`
  const rows = [
    ['who', who],
    ...may.map((deed, index) => [index === 0 ? 'may' : '', deed]),
    ['written', where],
    ...(until === undefined ? [] : [['until', until]]),
    ['reviewed', reviewText(grant)],
    ['used', useText(grant)],
  ].map(([label = '', value = '']) => [paint.faint(label), escapeLine(value)])
  const codes = findings.map(({ code }) => paint.bad(code)).join(', ')
  return [head, table(rows, '  '), ...(codes === '' ? [] : [`  ${codes}`])].join('\n')
}

function stateOf({ state, endsSoon, use }: ListedGrant, paint: Look['paint']): string {
  if (state === 'ended') return paint.faint('ended')
  const more = [...(use.state === 'unused' ? ['unused'] : []), ...(endsSoon ? ['ends soon'] : [])]
  const text = [state === 'never' ? 'never reviewed' : state, ...more].join(', ')
  return state === 'reviewed' && more.length === 0 ? paint.good(text) : paint.bad(text)
}

function reviewText({ review, state, reviewBy }: ListedGrant): string {
  if (review === undefined) return 'never'
  const who = `${review.time.slice(0, 10)} by ${reviewerText(review)}, entry ${review.entry}: ${review.finding}`
  if (state === 'changed') return `${who}; it has changed since`
  return reviewBy === undefined ? who : `${who}; again by ${reviewBy.slice(0, 10)}`
}

function useText({ use }: ListedGrant): string {
  switch (use.state) {
    case 'used':
      return use.last
    case 'shared':
      return `${use.last}, by it or by another that shows in the same way`
    case 'unused':
      return use.last === undefined ? `not since ${use.since}` : `last at ${use.last}`
    case 'unknown':
      return `not known: ${use.why}`
  }
}

function readText({ read, everyGrantWithinDays }: AccessReport): string {
  const { entries, since, complete } = read
  const from = since === undefined ? '' : ` from ${since} on`
  const rest = complete ? '' : '; older ones were left out: --entries'
  return `note: a review holds ${everyGrantWithinDays} days; ${entries} ${entries === 1 ? 'entry' : 'entries'} of the log tell of uses${from}${rest}`
}

function verdictOf(grants: readonly ListedGrant[], { paint }: Look): string {
  const bad = grants.filter(({ findings }) => findings.length > 0).length
  const count = `${grants.length} ${plural(grants.length, 'grant')}`
  return bad === 0
    ? `sallyport: ${paint.good(`nothing to do about ${count}`)}`
    : `sallyport: ${paint.bad(`something to do about ${bad}`)} of ${count}`
}
