import { InvalidArgumentError } from 'commander'
import type { AskedRequest, BreakglassRequestReport } from '#app'
import { quote, SallyportError } from '#error'
import { collect } from '../../collect.ts'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { parseDuration, writeDuration } from '../../duration.ts'
import { gateOptions, type GateOptions } from '../../gate-place.ts'
import { shellWord } from '../../invocation.ts'
import type { Outcome } from '../../outcome.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'
import { words } from '../../words.ts'
import { artifactHelp } from '../verify.ts'
import { atGate, homeOrGate, notAtGate } from './at-gate.ts'
import { jsonOf, outcome, type Rows } from './outcome.ts'

interface RequestOptions extends GateOptions {
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

interface RequestsOptions extends GateOptions {
  readonly output?: string
}

/** Who needs a grant asks for it, and approvers read what was asked for. */
export function defineAsking(command: CommandLine, plan: Plan): void {
  const request = command
    .command('request')
    .description('write down what would have to be waived, for somebody else to approve')
    .argument('<artifact>', artifactHelp)
    .needs('--environment <name>', 'where it would run')
    .needs('--service <name>', 'as which service')
    .needs('--reason <text>', 'why; it is signed, recorded, and told to everybody who has to know')
    .needs('--incident <reference>', 'where the emergency is written down')
    .option('--rules <rule>', 'a rule to waive (repeatable; default: all that fail)', collect, [])
    .option('--for <duration>', 'for how long, from the approval', parseSpan, 3_600_000)
    .option('--requester <name>', 'who asks (default: who you are on this machine)')
    .option('--bundle <file>', 'a file of evidence, in place of where it lies', collect, [])
    .option('--output <file>', 'the file of the request (default: breakglass-ID.json)')
  gateOptions(request).action((artifact: string, options: RequestOptions) =>
    plan('nothing was requested', (session) => ask(session, artifact, options)),
  )
  const requests = command
    .command('requests')
    .description('what a gate was asked for; one of them in full, and in a file to approve')
    .argument('[request]', 'the first digits of its id; without --gate a file, which is shown')
    .option('--output <file>', 'the file of the request (default: breakglass-ID.json)')
  gateOptions(requests, 'ask a gate that runs').action(
    (request: string | undefined, options: RequestsOptions) =>
      plan('nothing was shown', (session) => show(session, request, options)),
  )
}

/** As long as a grant may hold at all; what is allowed here, the policy says. */
function parseSpan(text: string): number {
  const span = parseDuration(text)
  if (span >= 60_000 && span <= 168 * 3_600_000) return span
  throw new InvalidArgumentError('from 1m to 168h')
}

async function ask(session: Session, artifact: string, options: RequestOptions): Promise<Outcome> {
  const { requestAtGate, requestBreakglass } = await import('#app')
  const { environment, service, reason, incident, rules, requester, output } = options
  const at = atGate(session, 'request', options)
  session.terminal.status('deciding')
  const given = {
    artifact,
    target: { environment, service },
    reason,
    incident,
    ...(rules.length === 0 ? {} : { rules }),
    forMilliseconds: options.for,
    ...(output === undefined ? {} : { output }),
    bundles: options.bundle,
  }
  if (at !== undefined) {
    notAtGate('request', '--requester', requester)
    const report = await requestAtGate({ ...given, ...at })
    const id = report.id.slice(0, 12)
    const next = `for the approver: sallyport breakglass requests ${id} --gate ${shellWord(at.gate.url)} --token-file FILE, or with the file: sallyport breakglass approve ${shellWord(report.file)} --key FILE`
    return requested(session, report, next)
  }
  const report = await requestBreakglass({
    ...given,
    ...(requester === undefined ? {} : { requester }),
    config: await homeOrGate(session),
    now: session.now(),
  })
  const next = `for the approver: sallyport breakglass approve ${shellWord(report.file)} --key FILE`
  return requested(session, report, next)
}

function requested(session: Session, report: BreakglassRequestReport, next: string): Outcome {
  const { request, approvers, count, file } = report
  const rows: Rows = [
    ...rowsOf(request),
    ['approved by', `${count} of ${approvers.join(', ')}`],
    ['next', next],
  ]
  return outcome(session, 'BreakglassRequestReport', report, `requested: ${file}`, rows)
}

/** What an approver has to know before they sign. */
export function rowsOf(request: AskedRequest['request']): Rows {
  return [
    // Names are chosen by who asks: the digest stands alone.
    ['artifact', `sha256:${request.artifact.sha256}`],
    ['called', quote(request.artifact.name, 300)],
    ['target', words(`${request.environment}/${request.service}`)],
    ['otherwise', words(request.otherwise.verdict)],
    ['waives', words(request.rules.join(', '))],
    ['reason', words(request.reason)],
    ['incident', words(request.incident)],
    ['asked by', words(request.requester)],
    ['for', `${writeDuration(request.seconds * 1000)} from the approval on`],
  ]
}

async function show(
  session: Session,
  typed: string | undefined,
  options: RequestsOptions,
): Promise<Outcome> {
  const { fetchRequest, openRequest, requestsAtGate } = await import('#app')
  const at = atGate(session, 'requests', options)
  if (at === undefined) {
    if (typed === undefined) throw noGate()
    const next = `sallyport breakglass approve ${shellWord(typed)} --key FILE`
    return shown(session, await openRequest(typed), next)
  }
  session.terminal.status('asking the gate')
  if (typed === undefined) return listed(session, await requestsAtGate(at))
  const { output } = options
  const more = output === undefined ? {} : { output }
  const one = await fetchRequest({ ...at, id: typed, ...more })
  const place = `--gate ${shellWord(at.gate.url)} --token-file FILE`
  const next = `sallyport breakglass approve ${shellWord(one.file)} --key FILE ${place}`
  return shown(session, one, next)
}

function shown(
  session: Session,
  one: AskedRequest & { readonly file: string },
  next: string,
): Outcome {
  const { request, file } = one
  const rows: Rows = [
    ...rowsOf(request),
    ['asked on', request.requestedOn],
    ...request.otherwise.reasons.map((reason): Rows[number] => ['refused for', words(reason)]),
    ['next', next],
  ]
  return outcome(session, 'BreakglassRequestReport', one, `asked for: ${file}`, rows)
}

function listed(session: Session, requests: readonly AskedRequest[]): Outcome {
  const { paint } = session.outLook()
  const rows = requests.map(({ id, request }) => [
    id.slice(0, 12),
    paint.faint(request.requestedOn),
    words(`${request.environment}/${request.service}`, 60),
    words(request.artifact.name, 60),
    words(request.requester, 60),
    words(request.incident, 40),
    words(request.reason, 200),
  ])
  return {
    exit: 0,
    json: jsonOf('BreakglassRequestList', { requests }),
    text: rows.length === 0 ? 'Nobody has asked for anything.' : table(rows),
  }
}

function noGate(): SallyportError {
  return new SallyportError({
    code: 'USAGE_MISSING',
    where: 'sallyport breakglass requests',
    expected: '--gate, and a token of an approver, auditor or operator',
    found: 'neither',
    fix: 'Add `--gate https://gate.example:8443 --token-file FILE`; whoever has sent you the file of a request needs no gate: `sallyport breakglass approve FILE`',
  })
}
