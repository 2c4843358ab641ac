import type { ApproveReport } from '#app'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { parseDuration } from '../duration.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import type { Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface Options {
  readonly environment: string
  readonly reason: string
  readonly approver?: string
  readonly for?: number
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('<artifact>', 'the file that is approved: exactly these bytes')
    .needs('--environment <name>', 'where it may run')
    .needs('--reason <text>', 'why; it is signed, and recorded with every decision')
    .option('--approver <name>', 'who decided, in words')
    .option(
      '--for <duration>',
      'how long the approval holds, such as 30d (default: for ever)',
      parseDuration,
    )
    .action((artifact: string, options: Options) =>
      plan('nothing was approved', (session) => approve(session, artifact, options)),
    )
}

async function approve(session: Session, artifact: string, options: Options): Promise<Outcome> {
  const { approveArtifact } = await import('#app')
  const { environment, reason, approver, for: forMilliseconds } = options
  session.terminal.status('signing')
  const report = await approveArtifact({
    config: await session.config(),
    artifact,
    environment,
    reason,
    ...(approver === undefined ? {} : { approver }),
    ...(forMilliseconds === undefined ? {} : { forMilliseconds }),
    now: session.now(),
  })
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'ApproveReport', ...report },
    text: textOf(report, session.outLook()),
  }
}

function textOf(report: ApproveReport, { paint }: Look): string {
  const { artifact, environment, reason, expires, keyid, bundle } = report
  const rows: [string, string][] = [
    ['artifact', `${artifact.name} sha256:${artifact.sha256}`],
    ['reason', reason],
    ['holds', expires === undefined ? 'until the key is retired' : `until ${expires}`],
    ['key', keyid],
    ['added to', bundle],
  ]
  const name = escapeLine(`${artifact.name} for ${environment}`)
  return [
    `sallyport: ${paint.good('approved')}: ${name}`,
    table(
      rows.map(([label, value]) => [paint.faint(label), escapeLine(value)]),
      '  ',
    ),
  ].join('\n\n')
}
