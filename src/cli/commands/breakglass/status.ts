import { InvalidArgumentError } from 'commander'
import type { AcceptRiskOptions, BreakglassStatus, BreakglassStatusReport } from '#app'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'
import { parseTime } from '../../time.ts'
import { words } from '../../words.ts'
import { outcome, type Rows } from './outcome.ts'
import { keyOptions, ownKey, type KeyOptions } from './own-key.ts'

interface StatusOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

interface AcceptOptions extends KeyOptions {
  readonly environment: string
  readonly service: string
  readonly owner: string
  readonly reason: string
  readonly until: Date
  readonly approver?: string
  readonly output?: string
}

/** What became of what was let in: decided again, replaced, or accepted as a risk. */
export function defineStatus(command: CommandLine, plan: Plan): void {
  command
    .command('status')
    .description('decide again what was let in: it is non-compliant until replaced or accepted')
    .option('--kubeconfig <file>', 'ask this cluster whether it still runs')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .option('--server <url>', 'the API server, without a kubeconfig')
    .option('--token-file <file>', 'with --server: a bearer token')
    .option('--ca-file <file>', 'with --server: the authority of its certificate')
    .action((options: StatusOptions) =>
      plan('it is not known what became of it', (session) => status(session, options)),
    )
  const accepting = command
    .command('accept')
    .description('sign that somebody answers for what was let in, until then; lets nothing in')
    .argument('<digest>', 'the artifact: sha256:HEX', parseDigest)
    .needs('--environment <name>', 'where it runs')
    .needs('--service <name>', 'as which service')
    .needs('--owner <name>', 'who carries the risk and has to end it')
    .needs('--reason <text>', 'why it may stay')
    .needs('--until <time>', 'when that ends, such as 2026-07-01T00:00:00Z', parseTime)
    .option('--approver <name>', 'who you are, in words (default: who you are on this machine)')
    .option('--output <file>', 'the file (default: in breakglass/accepted of the home folder)')
  keyOptions(accepting).action((sha256: string, options: AcceptOptions) =>
    plan('nothing was accepted', (session) => accept(session, sha256, options)),
  )
}

function parseDigest(text: string): string {
  const sha256 = /^sha256:([0-9a-f]{64})$/.exec(text)?.[1]
  if (sha256 !== undefined) return sha256
  throw new InvalidArgumentError('sha256: and 64 hexadecimal digits in lower case')
}

async function status(session: Session, options: StatusOptions): Promise<Outcome> {
  const { breakglassStatus } = await import('#app')
  const { kubeconfig, server } = options
  const asksCluster = kubeconfig !== undefined || server !== undefined
  const { cwd, env } = session
  session.terminal.status('deciding again')
  const report = await breakglassStatus({
    config: await session.config(),
    now: session.now(),
    ...(asksCluster ? { cluster: { cwd, env, ...options } } : {}),
  })
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: exitOf(report),
    json: { apiVersion: 'sallyport.dev/v1', kind: 'BreakglassStatusReport', ...body },
    text: textOf(report, session.outLook()),
  }
}

function exitOf({ uses, unreadable }: BreakglassStatusReport): 0 | 1 | 3 {
  if (uses.some(({ compliance }) => compliance === 'non-compliant')) return 1
  const isUnknown = uses.some(({ compliance }) => compliance === 'undetermined')
  return isUnknown || unreadable.length > 0 ? 3 : 0
}

function textOf({ uses, server, unreadable }: BreakglassStatusReport, look: Look): string {
  if (uses.length + unreadable.length === 0) return 'The glass has never been broken here.'
  const asked =
    server === undefined
      ? 'No cluster was asked what runs: --kubeconfig'
      : `What runs is what ${server} has now`
  const open = uses.filter(({ compliance }) => compliance === 'non-compliant')
  const unknown = [...uses.filter(({ compliance }) => compliance === 'undetermined'), ...unreadable]
  const counts = [
    ...(open.length === 0 ? [] : [look.paint.bad(`${open.length} non-compliant`)]),
    ...(unknown.length === 0 ? [] : [look.paint.warn(`of ${unknown.length} it could not be told`)]),
  ]
  const verdict =
    counts.join(', ') || look.paint.good('nothing that breakglass let in is non-compliant')
  return [
    table(uses.map((use) => row(use, look))),
    ...open.map(fixOf),
    renderProblems(unreadable, look),
    escapeLine(asked),
    `sallyport: ${verdict}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function row(use: BreakglassStatus, { paint }: Look): string[] {
  const { compliance, entry, time, artifact, environment, service, accepted, pods, verdict } = use
  const colour = {
    'non-compliant': paint.bad,
    undetermined: paint.warn,
    accepted: paint.warn,
    compliant: paint.good,
    gone: paint.good,
  }[compliance]
  const codes = [...new Set(use.reasons.map(({ code }) => code))].slice(0, 3).join(', ')
  const why =
    accepted === undefined
      ? `${verdict ?? 'not decided'} ${codes}`
      : `${accepted.owner} until ${accepted.expires}, by ${accepted.by.join(', ')}: ${accepted.reason}`
  return [
    colour(compliance),
    paint.faint(String(entry)),
    paint.faint(escapeLine(`${time.slice(0, 19)}Z`)),
    words(`${environment}/${service}`, 60),
    words(artifact.name, 200),
    escapeLine(pods === undefined ? '' : pods.slice(0, 5).join(', ') || 'not running'),
    words(why.trim()),
  ]
}

function fixOf({ problem, refused }: BreakglassStatus): string {
  const faults = refused.map(
    ({ where = '', expected, found }) =>
      `  not accepted by ${where}: expected ${expected}, found ${found}`,
  )
  return [`${problem?.found ?? ''}: ${problem?.fix ?? ''}`, ...faults].map(escapeLine).join('\n')
}

async function accept(session: Session, sha256: string, options: AcceptOptions): Promise<Outcome> {
  const { acceptRisk } = await import('#app')
  const { environment, service, owner, reason, until, approver } = options
  checkComing(until, session.now())
  session.terminal.status('signing')
  const report = await acceptRisk({
    owner,
    reason,
    until,
    ...(approver === undefined ? {} : { approver }),
    key: await ownKey(session, 'accept', options),
    ...(await placeOf(session, options)),
    sha256,
    target: { environment, service },
    now: session.now(),
  })
  const isHere = options.key === undefined && options.output === undefined
  const next = isHere
    ? 'sallyport breakglass status, which says whether it counts'
    : 'put the file into breakglass/accepted of the home of the gate; `sallyport breakglass status` there says whether it counts'
  const rows: Rows = [
    ['until', report.expires],
    ['key', report.keyid],
    ['next', next],
  ]
  return outcome(session, 'AcceptRiskReport', report, `signed: ${report.file}`, rows)
}

/** Who has no home of a gate sends the file to who has. */
async function placeOf(
  session: Session,
  { key, output }: AcceptOptions,
): Promise<Pick<AcceptRiskOptions, 'output'>> {
  if (output !== undefined) return { output }
  return key === undefined ? { output: await session.config() } : {}
}

/** An acceptance that is over accepts nothing. */
function checkComing(until: Date, now: Date): void {
  if (until > now) return
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport breakglass accept --until',
    expected: `a time to come; it is ${now.toISOString()} now`,
    found: until.toISOString(),
    fix: 'Name the time by which it will have been replaced',
  })
}
