import type { GateAnswer, GateReport } from '#app'
import { SallyportError } from '#error'
import type { JsonObject } from '#document'
import type { CommandLine } from '../command-line.ts'
import { collect } from '../collect.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { gatePlace, tokenOptions, type TokenOptions } from '../gate-place.ts'
import { writeReports } from '../gate-reports.ts'
import type { Outcome } from '../outcome.ts'
import { renderDecision } from '../render-decision.ts'
import { problemJson } from '../run.ts'
import { renderProblems } from '../render.ts'
import type { Session } from '../session.ts'
import { artifactHelp, bundleHelp, evidenceHelp } from './verify.ts'

interface Options extends TokenOptions {
  readonly environment: string
  readonly service: string
  readonly from?: string
  readonly bundle: readonly string[]
  readonly evidence: readonly string[]
  readonly server?: string
  readonly env: readonly string[]
  readonly inEnvironment: boolean
  readonly summary?: string
  readonly sarif?: string
}

export function define(command: CommandLine, plan: Plan): void {
  tokenOptions(command)
    .usage('[options] <artifact...> [-- command...]')
    .argument('<artifact...>', artifactHelp)
    .needs('--environment <name>', 'where it would be deployed; "registry" for what is published')
    .needs('--service <name>', 'as which service')
    .option('--from <name>', 'the environment it is promoted from: it must be good there, too')
    .option('--bundle <file>', bundleHelp, collect, [])
    .option('--evidence <place>', evidenceHelp, collect, [])
    .option('--server <url>', 'ask a gate that runs, in place of the home of this machine')
    .option('--env <name>', 'a variable that the command is given (repeatable)', collect, [])
    .option('--in-environment', 'the command reads GATED_ARTIFACT, and has no {}', false)
    .option('--summary <file>', 'add the answers as Markdown (default: GITHUB_STEP_SUMMARY)')
    .option('--sarif <file>', 'write the reasons as SARIF 2.1.0')
    .addHelpText('after', help)
    .action((given: readonly string[], options: Options) => {
      const { artifacts, words } = split(given, rawArguments(command))
      plan('nothing was deployed', (session) => gate(session, artifacts, words, options))
    })
}

const help = `
The command behind -- is run when everything is allowed, without a shell, and with what was decided about in place of
  {}  every artifact   {2}  the second   {digest} {2.digest}  its digest
A file is copied first: the copy is decided about, and the command is given the copy.

exit codes:
  0 allowed, and the command was well   1 denied   2 usage or configuration   3 could not decide, or not do
  100 + N   allowed, and the command has ended with N (at most 255)`

function rawArguments(command: CommandLine): readonly string[] {
  let root = command as {
    readonly parent: CommandLine | null
    readonly rawArgs?: readonly string[]
  }
  while (root.parent !== null) root = root.parent as unknown as typeof root
  return root.rawArgs ?? []
}

/** What stands behind the first \`--\` is the command, whatever it looks like. */
function split(given: readonly string[], raw: readonly string[]) {
  const at = raw.indexOf('--')
  if (at < 0) return { artifacts: given, words: undefined }
  const words = raw.slice(at + 1)
  const artifacts = given.slice(0, given.length - words.length)
  const isWhole = words.every((word, index) => given[artifacts.length + index] === word)
  if (words.length > 0 && isWhole && artifacts.length > 0) return { artifacts, words }
  throw new SallyportError({
    code: words.length === 0 || artifacts.length === 0 ? 'USAGE_MISSING' : 'USAGE_VALUE',
    where: 'sallyport gate',
    expected: 'sallyport gate ARTIFACT… --environment NAME --service NAME -- COMMAND…',
    found: words.length === 0 ? 'no command behind "--"' : 'no artifact before "--"',
    fix: 'Name artifacts first and the command behind `--`, or leave `--` out',
  })
}

async function gate(
  session: Session,
  artifacts: readonly string[],
  words: readonly string[] | undefined,
  options: Options,
): Promise<Outcome> {
  const { gatePipeline } = await import('#app')
  const { environment, service, from, bundle, evidence, env, inEnvironment } = options
  const place = { where: 'sallyport gate', flag: '--server' }
  const server = gatePlace(options.server, options, place)
  const files = {
    summary: options.summary ?? session.env['GITHUB_STEP_SUMMARY'],
    sarif: options.sarif,
  }
  session.terminal.status('deciding')
  const report = await gatePipeline({
    artifacts,
    target: { environment, service },
    ...(from === undefined ? {} : { from }),
    bundles: bundle,
    evidence,
    ...(server === undefined ? {} : { server }),
    config: session.config,
    env: session.env,
    cwd: session.cwd,
    now: session.now,
    ...(words === undefined ? {} : { command: { words, env, inEnvironment, quiet: session.json } }),
    onDecided: async (answers) => {
      await writeReports(answers, files, session.version)
      if (!session.json) session.terminal.status()
      if (!session.json) tell(answers, session)
    },
  })
  return outcomeOf(report, session)
}

/** Before the command begins: what it prints comes after the answers. */
function tell(answers: readonly GateAnswer[], session: Session): void {
  const refused = answers.some(({ exit }) => exit !== 0)
  const { out, err } = session.terminal
  const texts = answers.map((answer) => textOf(answer, session, refused))
  ;(refused ? err : out)(`${texts.join('\n\n')}\n`)
}

function textOf(
  { decision, record, paths, artifact, places }: GateAnswer,
  session: Session,
  refused: boolean,
): string {
  const look = refused ? session.errLook(paths) : session.outLook(paths)
  if ('index' in record)
    return renderDecision(decision, look, { ...record, subject: { artifact, places } })
  const later = `durable at the gate (${escapeLine(record.spooled)}), and in the log as soon as that can be reached`
  return `${renderDecision(decision, look)}\n${later}`
}

function outcomeOf(report: GateReport, session: Session): Outcome {
  const { answers, exit, deployed } = report
  const json: JsonObject = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'GateReport',
    exit,
    answers: answers.map(answerJson),
    ...(deployed === undefined ? {} : { command: commandJson(deployed) }),
  }
  if (deployed === undefined) return { exit, json }
  const { code, signal, index, problems } = deployed
  const look = session.errLook()
  if (problems !== undefined) {
    const head = `sallyport: ${look.paint.bad('error')}: the command ended with ${code}, and that could not be recorded`
    return { exit: 3, json, refusal: `${head}\n\n${renderProblems(problems, look)}` }
  }
  const record = index === undefined ? '' : ` (entry ${index} in the log)`
  if (code === 0) return { exit: 0, json, text: `\nsallyport: ${look.paint.good('done')}${record}` }
  const how = signal === undefined ? `ended with ${code}` : `was ended by ${signal}`
  const refusal = `\nsallyport: ${look.paint.bad('failed')}: everything was allowed, and the command ${how}${record}`
  return { exit: 3, status: Math.min(100 + code, 255), json, refusal }
}

function answerJson({ decision, record, exit, artifact }: GateAnswer): JsonObject {
  return {
    exit,
    artifact: JSON.parse(JSON.stringify(artifact)) as JsonObject,
    decision: JSON.parse(JSON.stringify(decision)) as JsonObject,
    receipt: record,
  }
}

function commandJson({
  code,
  signal,
  index,
  problems,
}: NonNullable<GateReport['deployed']>): JsonObject {
  return {
    exit: code,
    ...(signal === undefined ? {} : { signal }),
    ...(index === undefined ? {} : { entry: index }),
    ...(problems === undefined ? {} : { problems: problems.map(problemJson) }),
  }
}
