import type { ProbeReport } from '#app'
import { collect } from '../collect.ts'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import type { Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface Options {
  readonly kubeconfig?: string
  readonly context?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
  readonly namespace: readonly string[]
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--kubeconfig <file>', 'who asks, and where (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'the context in it (default: the current one)')
    .option('--server <url>', 'the API server, without a kubeconfig')
    .option('--token-file <file>', 'with --server: a bearer token')
    .option('--ca-file <file>', 'with --server: the authority of its certificate')
    .option('--namespace <name>', 'where every way is tried (repeatable)', collect, [])
    .action((options: Options) =>
      plan('it is not known whether there is a way around the gate', (session) =>
        probe(session, options),
      ),
    )
}

async function probe(session: Session, options: Options): Promise<Outcome> {
  const { probeBypass } = await import('#app')
  session.terminal.status('trying the known ways around the gate, all as dry runs')
  const { namespace, ...more } = options
  const { cwd, env } = session
  const report = await probeBypass({ cwd, env, namespaces: namespace, ...more })
  return {
    exit: exitOf(report),
    json: { apiVersion: 'sallyport.dev/v1', kind: 'ProbeReport', ...jsonOf(report) },
    text: textOf(report, session.outLook()),
  }
}

function exitOf({ findings, unknown }: ProbeReport): 0 | 1 | 3 {
  if (findings.length > 0) return 1
  return unknown.length > 0 ? 3 : 0
}

function jsonOf({ findings, closed, unknown, ...report }: ProbeReport) {
  return {
    ...report,
    findings: findings.map((one) => ({ ...one })),
    closed: closed.map((one) => ({ ...one })),
    unknown: unknown.map((one) => ({ ...one })),
  }
}

function textOf(report: ProbeReport, { paint }: Look): string {
  const { findings, closed, unknown, notes } = report
  const rows = [
    ...closed.map(({ way, by }) => [paint.good('closed'), escapeLine(way), escapeLine(by)]),
    ...unknown.map(({ way, why }) => [paint.warn('unknown'), escapeLine(way), escapeLine(why)]),
    ...findings.map(({ way, found }) => [paint.bad('OPEN'), escapeLine(way), escapeLine(found)]),
  ]
  const fixes = findings.map(({ way, fix }) => `${escapeLine(way)}: ${escapeLine(fix)}`)
  return [
    table(rows),
    ...(fixes.length === 0 ? [] : [fixes.join('\n')]),
    notes.map((note) => `note: ${escapeLine(note)}`).join('\n'),
    `sallyport: ${verdictOf(report, paint)}`,
  ].join('\n\n')
}

function verdictOf({ findings, closed, unknown }: ProbeReport, paint: Look['paint']): string {
  const counts = `${closed.length} closed, ${unknown.length} unknown`
  if (findings.length > 0) return `${paint.bad(`${findings.length} open`)}, ${counts}`
  return unknown.length > 0
    ? `${paint.warn('could not tell')}: ${counts}`
    : `${paint.good('no known way around the gate works')}: ${counts}`
}
