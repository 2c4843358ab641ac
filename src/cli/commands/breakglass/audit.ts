import type { AuditReport } from '#app'
import type { JsonObject } from '#document'
import { collect } from '../../collect.ts'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { parseTime } from '../../time.ts'

interface Options {
  readonly since?: Date
  readonly webhook: readonly string[]
  readonly configuration: readonly string[]
  readonly ownNamespace: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

/** The audit log of the platform against the log of the gate. */
export function defineAudit(command: CommandLine, plan: Plan): void {
  command
    .command('audit')
    .description('find in the audit log of Kubernetes what the log of the gate has not let in')
    .argument('<file...>', 'audit logs of API servers: JSON lines of audit.k8s.io/v1')
    .option('--since <time>', 'pass over what was before, such as 2026-06-01T00:00:00Z', parseTime)
    .option('--webhook <name>', 'a webhook of the gate (default: gate.sallyport.dev)', collect, [])
    .option(
      '--configuration <name>',
      'an object that guards (default: those of deploy/kubernetes)',
      collect,
      [],
    )
    .option('--own-namespace <name>', 'where the gate itself runs', 'sallyport-system')
    .option('--kubeconfig <file>', 'ask this cluster, too, what runs in it')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .option('--server <url>', 'the API server, without a kubeconfig')
    .option('--token-file <file>', 'with --server: a bearer token')
    .option('--ca-file <file>', 'with --server: the authority of its certificate')
    .action((files: readonly string[], options: Options) =>
      plan('it is not known what came in', (session) => audit(session, files, options)),
    )
}

/** What deploy/kubernetes has of them. @internal */
export const guards = [
  'sallyport',
  'sallyport-pin',
  'sallyport-own-namespace',
  'sallyport-bindings',
]

async function audit(
  session: Session,
  files: readonly string[],
  { since, webhook, configuration, ownNamespace, ...access }: Options,
): Promise<Outcome> {
  const { auditPlatform } = await import('#app')
  const { cwd, env } = session
  const asksCluster = access.kubeconfig !== undefined || access.server !== undefined
  session.terminal.status('reading')
  const report = await auditPlatform({
    config: await session.config(),
    files,
    ...(since === undefined ? {} : { since }),
    webhooks: webhook.length > 0 ? webhook : ['gate.sallyport.dev'],
    configurations: configuration.length > 0 ? configuration : guards,
    ownNamespace,
    ...(asksCluster ? { cluster: { cwd, env, ...access } } : {}),
    now: session.now(),
  })
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: exitOf(report),
    json: { apiVersion: 'sallyport.dev/v1', kind: 'PlatformAuditReport', ...body },
    text: textOf(report, session.outLook()),
  }
}

function exitOf({ findings, unknown, events, running = 0 }: AuditReport): 0 | 1 | 3 {
  if (findings.length > 0) return 1
  // Where nothing was read, nothing was found.
  return unknown.length > 0 || events + running === 0 ? 3 : 0
}

function textOf(report: AuditReport, { paint }: Look): string {
  const { findings, more, unknown, events, first, last, matched, own, running, unheard } = report
  const listed = [
    ...findings.map((one) => ({ ...one, word: paint.bad(one.code) })),
    ...unknown.map((one) => ({ ...one, word: paint.warn(one.code) })),
  ].map(
    ({ word, where = '', found, fix }) =>
      `${word} ${escapeLine(where)}\n  found  ${escapeLine(found)}\n  fix    ${escapeLine(fix)}`,
  )
  const notes = [
    ...(own === 0
      ? []
      : [`${own} deployments in the namespace of the gate were not held against the log`]),
    ...(running === undefined ? [] : [`${running} pods run, and were held against the log`]),
    ...(unheard === 0 ? [] : [`${unheard} alarms wait to be heard: sallyport breakglass list`]),
    `read ${events} events${first === undefined ? '' : ` from ${first} to ${last ?? first}`}; the log has let in ${matched} deployments of them`,
  ]
  return [
    ...listed,
    notes.map((note) => `note: ${escapeLine(note)}`).join('\n'),
    verdictOf(report, more, paint),
  ].join('\n\n')
}

function verdictOf(report: AuditReport, more: number, paint: Look['paint']): string {
  const { findings } = report
  const exit = exitOf(report)
  if (exit === 1)
    return `sallyport: ${paint.bad(`${findings.length + more} ways around the gate were used`)}`
  return exit === 3
    ? `sallyport: ${paint.warn('could not tell')}`
    : `sallyport: ${paint.good('nothing came in that the log has not let in')}`
}
