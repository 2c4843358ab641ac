import type { DoctorReport, DoctorRow } from '#app'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { localise } from '../invocation.ts'
import type { Outcome } from '../outcome.ts'
import { highlight, uncapitalise, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

export function define(command: CommandLine, plan: Plan): void {
  command.action(() => plan('the machine was not looked at', doctor))
}

async function doctor(session: Session): Promise<Outcome> {
  const { doctorReport } = await import('#app')
  const { homeOf } = await import('#config')
  session.terminal.status('looking at this machine')
  const report = await doctorReport({ home: homeOf(session), env: session.env })
  return {
    exit: report.ready ? 0 : 3,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'DoctorReport', ...jsonOf(report) },
    text: textOf(report, session.outLook()),
  }
}

function jsonOf(report: DoctorReport) {
  return { ready: report.ready, rows: report.rows.map((row) => ({ ...row })) }
}

function textOf(report: DoctorReport, look: Look): string {
  const { paint } = look
  const states = {
    ok: paint.good('ok'),
    limited: paint.warn('limited'),
    missing: paint.bad('missing'),
  }
  const rows = report.rows.map(({ name, state, found, purpose }) => [
    states[state],
    name,
    escapeLine(found),
    paint.faint(purpose),
  ])
  const fixes = report.rows.flatMap((row) => fixOf(row, look))
  const verdict = report.ready
    ? 'sallyport: this machine is ready'
    : `sallyport: ${paint.bad('this machine is not ready')}`
  return [table(rows), ...fixes, verdict].join('\n\n')
}

function fixOf(row: DoctorRow, look: Look): string[] {
  if (row.fix === undefined) return []
  const fix = highlight(escapeLine(localise(row.fix, look.invocation)), look.paint)
  return [`${row.name}: ${uncapitalise(fix)}`]
}
