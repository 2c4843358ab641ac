import type { BreakglassListReport, ListedUse } from '#app'
import type { JsonObject } from '#document'
import { collect } from '../collect.ts'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { decisionOutcome } from '../decision-outcome.ts'
import { parseDuration } from '../duration.ts'
import { escapeLine } from '../escape.ts'
import { parseCount } from '../number.ts'
import type { Outcome } from '../outcome.ts'
import { renderProblems, type Look } from '../render.ts'
import { reviewerText } from '../reviewer.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'
import { parseTime } from '../time.ts'
import { defineAudit } from './breakglass/audit.ts'
import { defineStatus } from './breakglass/status.ts'
import { artifactHelp } from './verify.ts'

interface RequestOptions {
  readonly environment: string
  readonly service: string
  readonly reason: string
  readonly incident: string
  readonly rules: readonly string[]
  readonly for: number
  readonly requester?: string
  readonly bundle: readonly string[]
  readonly output?: string
}

export function define(command: CommandLine, plan: Plan): void {
  defineAsking(command, plan)
  defineUsing(command, plan)
  defineReviewing(command, plan)
  defineStatus(command, plan)
  defineAudit(command, plan)
}

function defineAsking(command: CommandLine, plan: Plan): void {
  command
    .command('key')
    .description('make the key of an approver, and print what to write into the trust file')
    .action(() => plan('no key was made', key))
  command
    .command('request')
    .description('write down what would have to be waived, for somebody else to approve')
    .argument('<artifact>', artifactHelp)
    .needs('--environment <name>', 'where it would run')
    .needs('--service <name>', 'as which service')
    .needs('--reason <text>', 'why; it is signed, recorded, and told to everybody who has to know')
    .needs('--incident <reference>', 'where the emergency is written down')
    .option('--rules <rule>', 'a rule to waive (repeatable; default: all that fail)', collect, [])
    .option('--for <duration>', 'for how long, from the approval', parseDuration, 3_600_000)
    .option('--requester <name>', 'who asks (default: who you are on this machine)')
    .option('--bundle <file>', 'a file of evidence, in place of where it lies', collect, [])
    .option('--output <file>', 'the file of the request (default: breakglass-ID.json)')
    .action((artifact: string, options: RequestOptions) =>
      plan('nothing was requested', (session) => request(session, artifact, options)),
    )
  command
    .command('approve')
    .description('sign what was requested, from now on, with your key; needs no gate')
    .argument('<request>', 'the file of the request')
    .option('--approver <name>', 'who you are, in words (default: who you are on this machine)')
    .option('--output <file>', 'the file of the grant')
    .action((file: string, options: { approver?: string; output?: string }) =>
      plan('nothing was approved', (session) => approve(session, file, options)),
    )
}

function defineUsing(command: CommandLine, plan: Plan): void {
  command
    .command('use')
    .description('put grants where they are looked for, and print the annotation for pods')
    .argument('<artifact>', artifactHelp)
    .argument('<grant...>', 'files of grants')
    .action((artifact: string, grants: readonly string[]) =>
      plan('nothing was put anywhere', (session) => use(session, artifact, grants)),
    )
  command
    .command('import')
    .description('record afterwards what was let in by hand while the gate was down')
    .argument('<grant...>', 'the grants it was let in with')
    .option('--at <time>', 'when it was, such as 2026-06-01T12:00:00Z (default: now)', parseTime)
    .option('--service <name>', 'what was deployed, where the grant names no service')
    .action((grants: readonly string[], options: { at?: Date; service?: string }) =>
      plan('nothing was recorded', (session) => importGrants(session, grants, options)),
    )
}

function defineReviewing(command: CommandLine, plan: Plan): void {
  command
    .command('list')
    .description('every use, its review, how often, and alarms that nobody has heard')
    .action(() => plan('nothing was listed', list))
  command
    .command('review')
    .description('record what you found about a use, as somebody who had no part in it')
    .argument('<entry>', 'the use, by its place in the log', parseCount)
    .needs('--finding <text>', 'what you found, and what follows')
    .option('--by <name>', 'who you are (default: who you are on this machine)')
    .action((entry: number, options: { by?: string; finding: string }) =>
      plan('nothing was reviewed', (session) => review(session, entry, options)),
    )
}

async function key(session: Session): Promise<Outcome> {
  const { makeBreakglassKey } = await import('#app')
  const made = await makeBreakglassKey(await session.config())
  const pem = made.publicKeyPem.trim().split('\n')
  const now = session.now()
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'BreakglassKeyReport', ...made },
    text: [
      `sallyport: ${session.outLook().paint.good('made')}: ${escapeLine(made.file)}`,
      '',
      'Who believes this approver writes this into `signers` of their trust file:',
      '',
      '  sre-oncall:',
      '    keys:',
      '      - publicKey: |',
      ...pem.map((line) => `          ${line}`),
      '        owner: NAME OF THE APPROVER',
      `        validFrom: ${secondsOf(now)}`,
      `        validUntil: ${secondsOf(new Date(now.getTime() + yearMs))}`,
      '    predicateTypes: [https://sallyport.dev/attestation/breakglass/v1]',
    ].join('\n'),
  }
}

const yearMs = 365 * 86_400_000

function secondsOf(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

async function request(
  session: Session,
  artifact: string,
  options: RequestOptions,
): Promise<Outcome> {
  const { requestBreakglass } = await import('#app')
  const { environment, service, rules, bundle, for: forMilliseconds, ...rest } = options
  session.terminal.status('deciding')
  const report = await requestBreakglass({
    ...rest,
    config: await session.config(),
    artifact,
    target: { environment, service },
    ...(rules.length === 0 ? {} : { rules }),
    forMilliseconds,
    bundles: bundle,
    now: session.now(),
  })
  const { request: made, approvers, count, file } = report
  const who =
    approvers.length === 0
      ? 'nobody: neither policy nor trust file offers breakglass here'
      : `${count} of ${approvers.join(', ')}`
  const rows: [string, string][] = [
    ['artifact', `${made.artifact.name} sha256:${made.artifact.sha256}`],
    ['target', `${made.environment}/${made.service}`],
    ['otherwise', made.otherwise.verdict],
    ['waives', made.rules.join(', ')],
    ['reason', made.reason],
    ['incident', made.incident],
    ['asked by', made.requester],
    ['approved by', who],
    approvers.length === 0
      ? [
          'next',
          'have the owner of the policy write `breakglass: {approvers: [SIGNER], count: 1, maxDuration: 4h}`, and ask again',
        ]
      : ['next', `for the approver: sallyport breakglass approve ${file}`],
  ]
  return outcome(session, 'BreakglassRequestReport', report, `requested: ${file}`, rows)
}

async function approve(
  session: Session,
  file: string,
  options: { readonly approver?: string; readonly output?: string },
): Promise<Outcome> {
  const { approveBreakglass } = await import('#app')
  session.terminal.status('signing')
  const config = await session.config()
  const report = await approveBreakglass({ config, file, ...options, now: session.now() })
  const { request: made } = report
  const rows: [string, string][] = [
    ['artifact', `${made.artifact.name} sha256:${made.artifact.sha256}`],
    ['target', `${made.environment}/${made.service}`],
    ['waives', made.rules.join(', ')],
    ['reason', made.reason],
    ['asked by', made.requester],
    ['until', report.expires],
    ['key', report.keyid],
    ['next', `sallyport breakglass use ARTIFACT ${report.file}`],
  ]
  return outcome(session, 'GrantReport', report, `granted: ${report.file}`, rows)
}

async function use(
  session: Session,
  artifact: string,
  grants: readonly string[],
): Promise<Outcome> {
  const { useBreakglass } = await import('#app')
  const report = await useBreakglass({ config: await session.config(), artifact, grants })
  const { bundle, attached, annotation } = report
  const rows: [string, string][] = [
    ...(bundle === undefined ? [] : [['added to', bundle] as [string, string]]),
    ...(attached === undefined ? [] : [['attached', attached.artifact] as [string, string]]),
  ]
  const text = [
    'Or, where nothing else can be reached, as an annotation of the pods:',
    '',
    `${annotation.name}: ${annotation.value}`,
  ]
  const made = outcome(session, 'BreakglassUseReport', report, `ready: ${artifact}`, rows)
  return { ...made, text: `${made.text ?? ''}\n\n${text.join('\n')}` }
}

async function importGrants(
  session: Session,
  grants: readonly string[],
  { at = session.now(), ...options }: { readonly at?: Date; readonly service?: string },
): Promise<Outcome> {
  const { importBreakglass } = await import('#app')
  session.terminal.status('deciding')
  const report = await importBreakglass({ config: await session.config(), grants, at, ...options })
  return decisionOutcome(report, session)
}

async function list(session: Session): Promise<Outcome> {
  const { listBreakglass } = await import('#app')
  const report = await listBreakglass(await session.config(), session.now())
  const look = session.outLook()
  const { findings } = report
  return {
    exit: findings.length > 0 ? 1 : 0,
    json: jsonOf('BreakglassListReport', report),
    text: [
      usesText(report, look),
      ratesText(report, look),
      pendingText(report, look),
      renderProblems(findings, look),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  }
}

function usesText({ uses }: BreakglassListReport, look: Look): string {
  if (uses.length === 0) return 'The glass has never been broken here.'
  return table(uses.map((one) => row(one, look)))
}

function row(one: ListedUse, { paint }: Look): string[] {
  const state = { reviewed: paint.good, waiting: paint.warn, overdue: paint.bad }[one.state]
  const more =
    one.review === undefined
      ? `review by ${one.reviewBy}`
      : `${reviewerText(one.review)}: ${one.review.finding}`
  return [
    paint.faint(String(one.entry)),
    state(one.state),
    paint.faint(one.time.slice(0, 19).concat('Z')),
    escapeLine(`${one.environment}/${one.service}`),
    escapeLine(one.artifact.name),
    escapeLine(`${one.requesters.join(', ')} → ${one.approvers.join(', ')}`),
    escapeLine(one.incidents.join(', ')),
    escapeLine(more),
  ]
}

function ratesText({ rates }: BreakglassListReport, { paint }: Look): string {
  return rates
    .map(({ environment, lastDay, limit }) => {
      const text = `${environment}: ${lastDay} within a day, of at most ${limit}`
      return lastDay > limit ? paint.bad(escapeLine(text)) : escapeLine(text)
    })
    .join('\n')
}

function pendingText({ pending }: BreakglassListReport, { paint }: Look): string {
  return pending
    .map(({ event, sink, attempts, failure }) => {
      const who = sink === '' ? 'nobody (no sink in "alarms" of sallyport.yaml)' : sink
      const why = failure === undefined ? '' : `, ${attempts} times in vain: ${failure}`
      return `${paint.bad('not heard')} by ${escapeLine(`${who}${why}: ${event.summary}`)}`
    })
    .join('\n')
}

async function review(
  session: Session,
  entry: number,
  options: { readonly by?: string; readonly finding: string },
): Promise<Outcome> {
  const { reviewBreakglass } = await import('#app')
  const config = await session.config()
  const report = await reviewBreakglass({ config, entry, ...options, now: session.now() })
  const rows: [string, string][] = [
    ['by', reviewerText(report)],
    ['finding', report.finding],
    ['recorded', `entry ${report.index} of the log`],
  ]
  return outcome(session, 'BreakglassReviewReport', report, `reviewed: entry ${entry}`, rows)
}

function outcome(
  session: Session,
  kind: string,
  report: object,
  head: string,
  rows: readonly (readonly [string, string])[],
): Outcome {
  const { paint } = session.outLook()
  const lines = rows.map(([label, value]) => [paint.faint(label), escapeLine(value)])
  return {
    exit: 0,
    json: jsonOf(kind, report),
    text: [`sallyport: ${escapeLine(head)}`, table(lines, '  ')].join('\n\n'),
  }
}

function jsonOf(kind: string, report: object): JsonObject {
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return { apiVersion: 'sallyport.dev/v1', kind, ...body }
}
