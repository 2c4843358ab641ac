import type { PointsReport } from '#app'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

export interface PointsOptions {
  readonly exitCode: boolean
  readonly entries: number
  readonly ownNamespace: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

/** `sallyport access points`. */
export async function listPoints(session: Session, options: PointsOptions): Promise<Outcome> {
  const { chokePoints } = await import('#app')
  const { exitCode, entries, ownNamespace, ...access } = options
  const { cwd, env } = session
  const asksCluster = access.kubeconfig !== undefined || access.server !== undefined
  session.terminal.status('reading policies and log')
  const report = await chokePoints({
    config: await session.config(),
    now: session.now(),
    maxEntries: entries,
    ownNamespace,
    ...(asksCluster ? { cluster: { cwd, env, ...access } } : {}),
  })
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: exitCode ? exitOf(report) : 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'ChokePointsReport', ...body },
    text: textOf(report, session.outLook()),
  }
}

/** Entries and pods that could not be read may be findings. */
function exitOf({ findings, unknown, read }: PointsReport): 0 | 1 | 3 {
  if (findings.length > 0) return 1
  return unknown.length > 0 || !read.complete ? 3 : 0
}

function textOf(report: PointsReport, look: Look): string {
  const { targets, findings, unknown, running, read } = report
  const { paint } = look
  const rows = targets.map(({ environment, service, through, letIn }) => [
    escapeLine(`${environment}/${service}`),
    through.length === 0 ? paint.bad('not declared') : escapeLine(through.join(', ')),
    escapeLine(
      letIn.map(({ chokePoint, count }) => `${chokePoint} let in ${count}`).join(', ') ||
        'nothing came in',
    ),
  ])
  const { entries, since, complete } = read
  const notes = [
    `read ${entries} ${entries === 1 ? 'entry' : 'entries'} of the log${since === undefined ? '' : ` from ${since} on`}${complete ? '' : '; older ones were left out: --entries'}`,
    running === undefined
      ? 'no cluster was asked what runs: --kubeconfig'
      : `${running} pods run, and were held against the log`,
  ]
  const problems = [...findings, ...unknown]
  const verdict =
    problems.length === 0
      ? paint.good('nothing came in but through declared points')
      : paint.bad(`${findings.length} ${plural(findings.length, 'finding')}`)
  return [
    table(rows),
    ...(problems.length === 0 ? [] : [renderProblems(problems, look)]),
    notes.map((note) => `note: ${escapeLine(note)}`).join('\n'),
    `sallyport: ${verdict}`,
  ].join('\n\n')
}
