import type { ApproveReport } from '#app'
import type { JsonObject } from '#document'
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
  readonly output?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument(
      '<artifact>',
      'what is approved, exactly these bytes: a file, sha256:HEX, oci://HOST/NAME@sha256:HEX, or pkg:npm/NAME@VERSION',
    )
    .needs('--environment <name>', 'where it may run')
    .needs('--reason <text>', 'why; it is signed, and recorded with every decision')
    .option('--approver <name>', 'who decided, in words')
    .option(
      '--for <duration>',
      'how long the approval holds, such as 30d (default: for ever)',
      parseDuration,
    )
    .option(
      '--output <file>',
      'the file it is added to (default: beside a file, attached to an image, else HEX.sigstore.jsonl)',
    )
    .action((artifact: string, options: Options) =>
      plan('nothing was approved', (session) => approve(session, artifact, options)),
    )
}

async function approve(session: Session, artifact: string, options: Options): Promise<Outcome> {
  const { approveArtifact } = await import('#app')
  const { environment, reason, approver, output, for: forMilliseconds } = options
  session.terminal.status('signing')
  const report = await approveArtifact({
    config: await session.config(),
    artifact,
    environment,
    reason,
    ...(output === undefined ? {} : { output }),
    ...(approver === undefined ? {} : { approver }),
    ...(forMilliseconds === undefined ? {} : { forMilliseconds }),
    now: session.now(),
  })
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'ApproveReport',
      ...(JSON.parse(JSON.stringify(report)) as JsonObject),
    },
    text: textOf(report, session.outLook()),
  }
}

function textOf(report: ApproveReport, look: Look): string {
  const { paint } = look
  const { artifact, environment, reason, expires, keyid, bundle, attached } = report
  const rows: [string, string][] = [
    ['artifact', `${artifact.name} sha256:${artifact.sha256}`],
    ['reason', reason],
    ['holds', expires === undefined ? 'until the key is retired' : `until ${expires}`],
    ['key', keyid],
    ...(bundle === undefined ? [] : [['added to', bundle] as [string, string]]),
    ...(attached === undefined ? [] : [['attached', attached.artifact] as [string, string]]),
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
