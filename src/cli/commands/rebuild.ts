import type { RebuildReport } from '#app'
import type { JsonObject } from '#document'
import { collect } from '../collect.ts'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import { progressOf } from '../progress.ts'
import type { Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface Options {
  readonly bundle: readonly string[]
  readonly trust?: string
  readonly offline: boolean
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('<file>', 'an artifact, or a file with its provenance')
    .option(
      '--bundle <file>',
      'provenance, instead of that beside the file (repeatable)',
      collect,
      [],
    )
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .option('--offline', 'use the material store alone', false)
    .action((file: string, options: Options) =>
      plan('nothing was rebuilt', (session) => rebuild(session, file, options)),
    )
}

async function rebuild(session: Session, file: string, options: Options): Promise<Outcome> {
  const { rebuildArtifact } = await import('#app')
  const { bundle, trust, offline } = options
  session.terminal.status('reading the provenance')
  const report = await rebuildArtifact({
    config: await session.config(),
    file,
    bundles: bundle,
    offline,
    ...(trust === undefined ? {} : { trust }),
    now: session.now(),
    onEvent: (event) => session.terminal.status(progressOf(event)),
  })
  const json = { apiVersion: 'sallyport.dev/v1', kind: 'RebuildReport', ...asJson(report) }
  return report.verdict === 'reproduced'
    ? { exit: 0, json, text: textOf(report, session.outLook()) }
    : { exit: 1, json, refusal: textOf(report, session.errLook()) }
}

function asJson(report: RebuildReport): JsonObject {
  return JSON.parse(JSON.stringify(report)) as JsonObject
}

function textOf(report: RebuildReport, look: Look): string {
  const { paint } = look
  const { verdict, outputs, signers, properties } = report
  const head =
    verdict === 'reproduced'
      ? `sallyport: ${paint.good('reproduced')}: the same bytes again, from the provenance of ${signers.join(', ')} alone`
      : `sallyport: ${paint.bad('different')}: the provenance of ${signers.join(', ')} gives other bytes here`
  const rows = outputs.map(({ name, expected, found }) => [
    expected === found ? paint.good('same') : paint.bad('other'),
    escapeLine(name),
    expected === found
      ? `sha256:${found ?? ''}`
      : `sha256:${expected ?? 'nothing'} became ${found ?? 'nothing'}`,
  ])
  const held = { yes: paint.good('yes'), no: paint.bad('no'), unknown: paint.warn('unknown') }
  const known = properties.map(({ name, holds, evidence }) => [
    name,
    held[holds],
    paint.faint(escapeLine(evidence.join(' · '))),
  ])
  return [head, table(rows, '  '), ...differences(report), table(known, '  ')].join('\n\n')
}

function differences({ outputs }: RebuildReport): string[] {
  return outputs.flatMap(({ name, difference }) => {
    if (difference === undefined) return []
    const first = `  ${escapeLine(name)} differs from byte ${difference.offset} on`
    const entries = (difference.entries ?? []).map(
      ({ path, kind, expected, found }) =>
        `    ${kind}  ${escapeLine(path)}${expected === undefined ? '' : `  ${escapeLine(expected)} became ${escapeLine(found ?? '')}`}`,
    )
    return [[first, ...entries].join('\n')]
  })
}
