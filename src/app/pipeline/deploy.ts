import { engine, type Target } from '#decision'
import { canonicalJson, cut, sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import { recordDeployment } from '#log'
import { openGate, startGateSigner } from '../gate.ts'
import { askerOf } from './asker.ts'
import type { DeployOptions, GateAnswer, GateOptions } from './options.ts'
import { reportToServer } from './report-server.ts'
import { pinCommand, type PinnedArtifact } from './placeholders.ts'
import { environmentOf, runCommand, type CommandEnd } from './run-command.ts'

export interface Deployed extends CommandEnd {
  /** Where the result is recorded; absent while the log of a gate is away. */
  readonly index?: number
  /** Why the result could not be recorded. */
  readonly problems?: readonly Problem[]
}

type Place = Pick<GateOptions, 'config' | 'cwd' | 'env' | 'now' | 'server' | 'target'> & {
  readonly answers: readonly GateAnswer[]
}

/** Whether a command can be run at all, seen before anything is decided. */
export function checkCommand(
  { words, env: names, inEnvironment }: DeployOptions,
  artifacts: readonly string[],
  env: GateOptions['env'],
): void {
  const pinned = artifacts.map((typed) => ({ typed, value: typed, digest: '' }))
  pinCommand(words, pinned, { inEnvironment })
  environmentOf(env, names, {})
}

/** Runs the command with what was decided about, and records how it ended. */
export async function deploy(
  command: DeployOptions,
  pinned: readonly PinnedArtifact[],
  place: Place,
): Promise<Deployed> {
  const { words, env: names, inEnvironment, quiet } = command
  const env = environmentOf(place.env, names, told(pinned, place))
  const started = place.now()
  const argv = pinCommand(words, pinned, { inEnvironment })
  const end = await runCommand(argv, { env, cwd: place.cwd, quiet })
  try {
    const index = await record(command, end, started, place)
    return index === undefined ? end : { ...end, index }
  } catch (error) {
    // It has been deployed: whoever reads the result must not believe that nothing happened.
    if (!(error instanceof SallyportError)) throw error
    return { ...end, problems: error.problems }
  }
}

/** What a script may want to know. */
function told(
  pinned: readonly PinnedArtifact[],
  { target, answers }: Place,
): Readonly<Record<string, string>> {
  const numbered = pinned.flatMap(({ value, digest }, at) => [
    [`GATED_ARTIFACT_${at + 1}`, value] as const,
    [`GATED_DIGEST_${at + 1}`, digest] as const,
  ])
  const [only, ...others] = pinned
  const single: readonly (readonly [string, string])[] =
    only === undefined || others.length > 0
      ? []
      : [
          ['GATED_ARTIFACT', only.value],
          ['GATED_DIGEST', only.digest],
        ]
  return {
    ...Object.fromEntries([...numbered, ...single]),
    GATED_DECISIONS: answers
      .flatMap(({ record: at }) => ('index' in at ? [at.index] : []))
      .join(' '),
    GATED_ENVIRONMENT: target.environment,
    GATED_SERVICE: target.service,
  }
}

async function record(
  { words }: DeployOptions,
  { code, signal }: CommandEnd,
  started: Date,
  place: Place,
): Promise<number | undefined> {
  const { server, env, now, answers, target } = place
  const program = cut(words[0] ?? '', 500)
  const artifacts = answers.filter((one) => isFor(one, target)).flatMap(shown)
  const told = {
    started: started.toISOString(),
    command: { program, sha256: sha256Hex(canonicalJson([...words])) },
    exit: Math.min(code, 255),
    ...(signal === undefined ? {} : { signal }),
  }
  if (server !== undefined) {
    const decisions = artifacts.map(({ decision }) => decision)
    // While the gate spools, its decisions have no place yet that a report could name.
    if (decisions.length === 0) return undefined
    return await reportToServer(server, { ...told, decisions }, env)
  }
  const config = await place.config()
  await using gate = await openGate(config, startGateSigner(config))
  const receipt = await recordDeployment(gate.log, {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Deployment',
    ...told,
    time: now().toISOString(),
    engine,
    chokePoint: 'ci',
    ...askerOf(env),
    target,
    artifacts,
  })
  return receipt.index
}

function isFor({ decision }: GateAnswer, { environment }: Target): boolean {
  return decision.request.target.environment === environment
}

function shown({ artifact, record: at }: GateAnswer) {
  if (!('index' in at)) return []
  const { name, digest } = artifact
  return [{ name: cut(name, 300), sha256: digest.sha256, decision: at.index }]
}
