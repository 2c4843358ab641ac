import type { BuildReport } from '#app'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { localise, localisePaths, shellWord } from '../invocation.ts'
import { parseParameter } from '../parameter.ts'
import type { Outcome } from '../outcome.ts'
import { progressOf } from '../progress.ts'
import { highlight, plural, renderProblem, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface Options {
  readonly repository?: string
  readonly revision: string
  readonly ref?: string
  readonly recipe?: string
  readonly parameter: Readonly<Record<string, string>>
  readonly output?: string
  readonly root?: 'auto' | 'pinned' | 'measured'
  readonly reuse: boolean
  readonly identityTokenFile?: string
  readonly identityTokenEnv?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--repository <place>', 'a checkout or an address (default: this checkout)')
    .option('--revision <name>', 'branch, tag or commit (default: HEAD)', 'HEAD')
    .option('--ref <name>', 'the ref that must contain the commit, refs/heads/…')
    .option('--recipe <path>', 'in the repository (default: sallyport.build.json)')
    .option(
      '--parameter <name=value>',
      'a parameter of the recipe (repeatable)',
      parseParameter,
      {},
    )
    .option('--output <folder>', 'where artifact and provenance go (default: in the home)')
    .addOption(
      command
        .createOption('--root <kind>', 'pinned, measured, or auto (default: as configured)')
        .choices(['auto', 'pinned', 'measured']),
    )
    .option('--no-reuse', 'build, even if the very same build was made before')
    .option(
      '--identity-token-file <file>',
      'an OpenID Connect token of who asks, in a file; it is recorded in the log',
    )
    .option('--identity-token-env <name>', 'the same, in an environment variable')
    .action((options: Options) =>
      plan('nothing was built', (session) => buildCommit(session, options)),
    )
}

async function buildCommit(session: Session, options: Options): Promise<Outcome> {
  const { buildArtifact } = await import('#app')
  const { repository, revision, ref, recipe, parameter, output, root, reuse } = options
  const identity = identityOf(options)
  session.terminal.status('fetching the source')
  const report = await buildArtifact({
    config: await session.config(),
    cwd: session.cwd,
    ...(repository === undefined ? {} : { repository }),
    revision,
    parameters: parameter,
    reuse,
    ...(ref === undefined ? {} : { ref }),
    ...(recipe === undefined ? {} : { recipe }),
    ...(output === undefined ? {} : { output }),
    ...(root === undefined ? {} : { root }),
    env: session.env,
    ...(identity === undefined ? {} : { identity }),
    now: session.now,
    onEvent: (event) => session.terminal.status(progressOf(event)),
  })
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'BuildReport', ...asJson(report) },
    text: textOf(report, session.outLook()),
  }
}

function identityOf({ identityTokenFile: file, identityTokenEnv: env }: Options) {
  if (file !== undefined && env !== undefined)
    throw new SallyportError({
      code: 'USAGE_VALUE',
      where: 'sallyport build',
      expected: 'one token: --identity-token-file or --identity-token-env',
      found: 'both',
      fix: 'Leave one of them out',
    })
  if (file !== undefined) return { file }
  return env === undefined ? undefined : { env }
}

function asJson(report: BuildReport): JsonObject {
  return JSON.parse(JSON.stringify(report)) as JsonObject
}

function textOf(report: BuildReport, look: Look): string {
  const { paint, invocation } = look
  const { source, artifacts, root, inputs, reused, builderId } = report
  const head = reused
    ? `sallyport: ${paint.good('built before')}: the very same build was made, and is used again`
    : `sallyport: ${paint.good('built')}: ${artifacts.map(({ name }) => escapeLine(name)).join(', ')}`
  const rows = [
    ['source', `${source.uri} ${source.ref ?? ''} ${source.commit}`],
    ['builder', builderId],
    ['root', `${root.kind}, ${root.packages} Debian ${plural(root.packages, 'package')}`],
    ['inputs', String(inputs)],
    ['steps', reused ? 'none had to run' : stepsOf(report)],
    ...artifacts.flatMap(({ path, sha256, bundlePath, recordPath }) => [
      ['artifact', `${localisePaths(path, invocation)} sha256:${sha256}`],
      ['provenance', localisePaths(bundlePath, invocation)],
      ...(recordPath === undefined ? [] : [['receipt', localisePaths(recordPath, invocation)]]),
    ]),
    ...recordRow(report),
  ].map(([name = '', value = '']) => [paint.faint(name), escapeLine(value)])
  const why = root.because === undefined ? [] : [measuredBecause(report, look)]
  return [head, table(rows, '  '), ...leftOut(report), ...why, next(report, look)].join('\n\n')
}

/** Where somebody else keeps a record of it. */
function recordRow({ record }: BuildReport): string[][] {
  if (record === undefined) return []
  const { origin } = record
  if ('index' in record) return [['recorded', `entry ${record.index} of ${origin}`]]
  return [['recorded', `NOWHERE: ${origin} did not answer (${record.missing.join(', ')})`]]
}

function leftOut({ changed = 0 }: BuildReport): string[] {
  if (changed === 0) return []
  return [
    `${changed} ${plural(changed, 'file')} here that ${changed === 1 ? 'differs' : 'differ'} from the commit: not built, only the commit is`,
  ]
}

function stepsOf({ steps }: BuildReport): string {
  return steps
    .map(({ id, probes, network }) => {
      const held = probes.filter(({ contained }) => contained).length
      const attempts = network.attempts.reduce((sum, { count }) => sum + count, 0)
      return `${id} (${held} ${plural(held, 'probe')} contained, ${attempts} network ${plural(attempts, 'attempt')})`
    })
    .join(', ')
}

function measuredBecause({ root }: BuildReport, look: Look): string {
  return root.because === undefined ? '' : renderProblem(root.because, look, 'warning')
}

/** The service that `init` names its policies for: the package that was built. */
function next({ artifacts, statement }: BuildReport, look: Look): string {
  const path = localisePaths(artifacts[0]?.path ?? '', look.invocation)
  const service = /^pkg:[^@?#]*\/([^@/?#]+)/.exec(statement.subject[0]?.uri ?? '')?.[1] ?? 'NAME'
  const command = `\`sallyport verify ${shellWord(path)} --environment staging --service ${service}\``
  return highlight(`next: ${localise(command, look.invocation)}`, look.paint)
}
