import { SallyportError, type Problem } from '#error'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { decisionOutcome } from '../../decision-outcome.ts'
import { escapeLine } from '../../escape.ts'
import { gateOptions, type GateOptions } from '../../gate-place.ts'
import { shellWord } from '../../invocation.ts'
import type { Outcome } from '../../outcome.ts'
import { renderProblems } from '../../render.ts'
import type { Session } from '../../session.ts'
import { parseTime } from '../../time.ts'
import { artifactHelp } from '../verify.ts'
import { rowsOf } from './asking.ts'
import { atGate, homeOrGate } from './at-gate.ts'
import { outcome, type Rows } from './outcome.ts'
import { keyOptions, ownKey, type KeyOptions } from './own-key.ts'

interface ApproveOptions extends GateOptions, KeyOptions {
  readonly approver?: string
  readonly output?: string
}

interface ImportOptions {
  readonly at?: Date
  readonly artifact?: string
  readonly service?: string
}

/** Approvers sign, and grants go where they are looked for. */
export function defineGranting(command: CommandLine, plan: Plan): void {
  const making = command
    .command('key')
    .description('make the key of an approver, and print what to write into the trust file')
  keyOptions(making, 'where to make it (default: in the home of this machine)').action(
    (options: KeyOptions) => plan('no key was made', (session) => key(session, options)),
  )
  const approving = command
    .command('approve')
    .description('sign what was requested, from now on, with your key; needs no gate')
    .argument('<request>', 'the file of the request')
    .option('--approver <name>', 'who you are, in words (default: who you are on this machine)')
    .option('--output <file>', 'the file of the grant')
  keyOptions(approving)
  gateOptions(approving, 'hand the grant in at a gate that runs').action(
    (file: string, options: ApproveOptions) =>
      plan('nothing was approved', (session) => approve(session, file, options)),
  )
  const using = command
    .command('use')
    .description('put grants where they are looked for, and print the annotation for pods')
    .argument('<artifact>', artifactHelp)
    .argument('<grant...>', 'files of grants')
  gateOptions(using, 'hand them in at a gate that runs').action(
    (artifact: string, grants: readonly string[], options: GateOptions) =>
      plan('nothing was put anywhere', (session) => use(session, artifact, grants, options)),
  )
  command
    .command('import')
    .description('record afterwards what was let in by hand while the gate was down')
    .argument('<grant...>', 'the grants it was let in with')
    .option(
      '--artifact <artifact>',
      'what was let in, to find the evidence about it: as `verify` takes it, an image by its digest (default: the digest alone)',
    )
    .option('--at <time>', 'when it was, such as 2026-06-01T12:00:00Z (default: now)', parseTime)
    .option('--service <name>', 'what was deployed, where the grant names no service')
    .action((grants: readonly string[], options: ImportOptions) =>
      plan('nothing was recorded', (session) => importGrants(session, grants, options)),
    )
}

async function key(session: Session, options: KeyOptions): Promise<Outcome> {
  const { makeBreakglassKey } = await import('#app')
  const made = await makeBreakglassKey(await ownKey(session, 'key', options))
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

async function approve(session: Session, file: string, options: ApproveOptions): Promise<Outcome> {
  const { approveBreakglass } = await import('#app')
  const { approver, output } = options
  const at = atGate(session, 'approve', options)
  session.terminal.status('signing')
  const report = await approveBreakglass({
    key: await ownKey(session, 'approve', options),
    file,
    ...(approver === undefined ? {} : { approver }),
    ...(output === undefined ? {} : { output }),
    ...(at === undefined ? {} : { at }),
    now: session.now(),
  })
  const { request: made, handedIn } = report
  const isKept = handedIn !== undefined && !('problems' in handedIn)
  const rows: Rows = [
    ...rowsOf(made),
    ['until', report.expires],
    ['key', report.keyid],
    isKept
      ? ['handed in', `the gate keeps it, signed by ${handedIn.signers.join(', ')}`]
      : ['next', `sallyport breakglass use ARTIFACT ${shellWord(report.file)}`],
    ...(isKept ? [['next', 'deploy: the answer says whether it is enough'] as const] : []),
  ]
  const told = outcome(session, 'GrantReport', report, `granted: ${report.file}`, rows)
  return handedIn !== undefined && 'problems' in handedIn
    ? { ...told, ...notHandedIn(session, report.file, handedIn.problems) }
    : told
}

/** What is signed is signed: only the gate does not have it. */
function notHandedIn(
  session: Session,
  file: string,
  problems: readonly Problem[],
): Pick<Outcome, 'exit' | 'refusal'> {
  const look = session.errLook()
  const head = `\nsallyport: ${look.paint.bad('error')}: the gate does not have the grant; it is in ${escapeLine(file)}`
  return { exit: 3, refusal: `${head}\n\n${renderProblems(problems, look)}` }
}

async function use(
  session: Session,
  artifact: string,
  grants: readonly string[],
  options: GateOptions,
): Promise<Outcome> {
  const { useBreakglass } = await import('#app')
  const at = atGate(session, 'use', options)
  const config = () => homeOrGate(session)
  const place = at === undefined ? {} : { at }
  const report = await useBreakglass({ config, artifact, grants, ...place, now: session.now() })
  const { bundle, attached, kept = [], annotation } = report
  const rows: Rows = [
    ...(bundle === undefined ? [] : [['added to', bundle] as const]),
    ...(attached === undefined ? [] : [['attached', attached.artifact] as const]),
    ...kept.map(({ signers }) => ['handed in', `signed by ${signers.join(', ')}`] as const),
  ]
  const text = [
    rows.length === 0
      ? 'As an annotation of the pods:'
      : 'Or, where nothing else can be reached, as an annotation of the pods:',
    '',
    `${annotation.name}: ${annotation.value}`,
  ]
  const { problems = [] } = report
  const head = problems.length === 0 ? `ready: ${artifact}` : `for ${artifact}`
  const made = outcome(session, 'BreakglassUseReport', report, head, rows)
  const told = { ...made, text: `${made.text ?? ''}\n\n${text.join('\n')}` }
  if (problems.length === 0) return told
  const look = session.errLook()
  const refusal = `\nsallyport: ${look.paint.bad('error')}: not all of it was put where it is looked for; the annotation above needs no such place`
  return { ...told, exit: 3, refusal: `${refusal}\n\n${renderProblems(problems, look)}` }
}

async function importGrants(
  session: Session,
  grants: readonly string[],
  { at = session.now(), ...options }: ImportOptions,
): Promise<Outcome> {
  const { importBreakglass } = await import('#app')
  checkPast(at, session.now())
  session.terminal.status('deciding')
  const report = await importBreakglass({ config: await session.config(), grants, at, ...options })
  return decisionOutcome(report, session)
}

/** What is imported has happened. */
function checkPast(at: Date, now: Date): void {
  if (at <= now) return
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport breakglass import --at',
    expected: `a time that is over; it is ${now.toISOString()} now`,
    found: at.toISOString(),
    fix: 'Name the time at which it was let in',
  })
}
