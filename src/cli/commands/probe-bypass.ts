import { existsSync } from 'node:fs'
import type { ProbeReport } from '#app'
import type { Config } from '#config'
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
  readonly cluster: boolean
  readonly pull: readonly string[]
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--kubeconfig <file>', 'who asks, and where (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'the context in it (default: the current one)')
    .option('--server <url>', 'the API server, without a kubeconfig')
    .option('--token-file <file>', 'with --server: a bearer token')
    .option('--ca-file <file>', 'with --server: the authority of its certificate')
    .option('--namespace <name>', 'where every way is tried (repeatable)', collect, [])
    .option('--no-cluster', 'ask no API server and no node: only registries, past the proxies')
    .option(
      '--pull <artifact>',
      'an image or package that only the gate should get from its registry (repeatable)',
      collect,
      [],
    )
    .action((options: Options) =>
      plan('it is not known whether there is a way around the gate', (session) =>
        probe(session, options),
      ),
    )
}

async function probe(session: Session, options: Options): Promise<Outcome> {
  const { probeBypass } = await import('#app')
  const { defaultEvidence } = await import('#config')
  session.terminal.status('trying the known ways around the gate; nothing is stored or started')
  const { namespace, pull, ...more } = options
  const { cwd, env } = session
  const config = await configOf(session)
  const evidence = config?.evidence ?? defaultEvidence(env)
  const registries = { config, evidence, named: pull }
  const report = await probeBypass({ cwd, env, namespaces: namespace, registries, ...more })
  return {
    exit: exitOf(report),
    json: { apiVersion: 'sallyport.dev/v1', kind: 'ProbeReport', ...jsonOf(report) },
    text: textOf(report, session.outLook()),
  }
}

/** Who asks from elsewhere, such as from a node, has no home of the gate; one that is named has to be there. */
async function configOf(session: Session): Promise<Config | undefined> {
  const { homeOf } = await import('#config')
  const isNamed = session.home !== undefined || (session.env['SALLYPORT_HOME'] ?? '') !== ''
  return isNamed || existsSync(homeOf(session)) ? await session.config() : undefined
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
    ...(notes.length === 0 ? [] : [notes.map((note) => `note: ${escapeLine(note)}`).join('\n')]),
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
