import type { Config } from '#config'
import { SallyportError } from '#error'
import { findArtifact, type FoundArtifact } from '../artifact/resolve.ts'
import { lookForEvidence } from '../artifact/places.ts'
import { openNetwork, type Network } from '../artifact/network.ts'
import { openGate, startGateSigner, type Gate } from '../gate.ts'
import { readRulebook } from '../rulebook.ts'
import { ask } from '../verify.ts'
import { askerOf } from './asker.ts'
import { checkCommand, deploy, type Deployed } from './deploy.ts'
import { targetsOf, type GateAnswer, type GateOptions } from './options.ts'
import { openPinnedFiles, type PinnedFiles } from './pinned.ts'
import { findPinned, type Asked } from './question.ts'
import { askServer } from './ask-server.ts'

export interface GateReport {
  readonly answers: readonly GateAnswer[]
  /** 0 all allowed; 1 one is denied; 3 one could not be told; 2 a policy is wrong. */
  readonly exit: 0 | 1 | 2 | 3
  /** Present when the command was run. */
  readonly deployed?: Deployed
}

const maxArtifacts = 32

/**
 * Decides about every artifact, and runs the command only when all are allowed: with the very bytes or digests that were
 * decided about in place of its placeholders.
 *
 * @throws SallyportError when something could not be decided, or the command could not be started
 */
export async function gatePipeline(options: GateOptions): Promise<GateReport> {
  checkCount(options.artifacts)
  await using stack = new AsyncDisposableStack()
  const { command } = options
  if (command !== undefined) checkCommand(command, options.artifacts, options.env)
  const files = command === undefined ? undefined : stack.use(await openPinnedFiles())
  const { answers, pinned, check } = await decideAll(options, files)
  const exit = exitOf(answers)
  await options.onDecided?.(answers)
  if (command === undefined || exit !== 0) return { answers, exit }
  await check()
  const deployed = await deploy(command, pinned, { ...options, answers })
  return { answers, exit, deployed }
}

interface Decided {
  readonly answers: readonly GateAnswer[]
  readonly pinned: readonly Asked['pinned'][]
  /** Throws when a name leads elsewhere by now. */
  readonly check: () => Promise<void>
}

async function decideAll(options: GateOptions, files: PinnedFiles | undefined): Promise<Decided> {
  const { server } = options
  return server === undefined
    ? await decideHere(options, files)
    : await askServer(server, options, files)
}

async function decideHere(options: GateOptions, files: PinnedFiles | undefined): Promise<Decided> {
  const config = { ...(await options.config()), chokePoint: 'ci' }
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  try {
    await using network = openNetwork(config.evidence)
    const { asked, questions } = await readQuestions(options, config, network, files)
    await using gate = await openGate(config, starting)
    const answers = await askAll(questions, gate, options, config)
    return {
      answers,
      pinned: asked.map(({ pinned }) => pinned),
      check: () => checkTags(options.artifacts, asked, config),
    }
  } catch (error) {
    await starting.then((signer) => signer?.close()).catch(() => undefined)
    throw error
  }
}

async function readQuestions(
  { artifacts, bundles, evidence }: GateOptions,
  config: Config,
  network: Network,
  files: PinnedFiles | undefined,
) {
  const rulebook = await readRulebook(config, { policies: [] })
  const asked: Asked[] = []
  for (const typed of artifacts) asked.push(await findPinned(typed, network, files))
  const questions = await Promise.all(
    asked.map(async ({ found }) => ({
      artifact: found,
      looked: await lookForEvidence(found, network, { bundles, evidence }),
      rulebook,
    })),
  )
  return { asked, questions }
}

async function askAll(
  questions: Awaited<ReturnType<typeof readQuestions>>['questions'],
  gate: Gate,
  { target, from, env, now }: GateOptions,
  config: Config,
): Promise<readonly GateAnswer[]> {
  const asker = askerOf(env)
  const answers: GateAnswer[] = []
  for (const question of questions)
    for (const one of targetsOf(target, from)) {
      const report = await ask(question, gate, { target: one, now: now(), config, asker })
      answers.push({ ...report, record: { index: report.receipt.index } })
    }
  return answers
}

/** A digest is what is deployed. A tag that has moved meanwhile means that somebody expects something else. */
async function checkTags(
  artifacts: readonly string[],
  asked: readonly Asked[],
  config: Config,
): Promise<void> {
  const tagged = asked.flatMap(({ found }, at) =>
    found.tag === undefined ? [] : [{ found, typed: artifacts[at] ?? '' }],
  )
  if (tagged.length === 0) return
  await using network = openNetwork(config.evidence)
  for (const { found, typed } of tagged) {
    // A digest beside the tag says what was meant; what the tag means is asked for without it.
    const again = await findArtifact(typed.replace(/@sha256:[0-9a-f]{64}$/, ''), network)
    if (again.digest.sha256 !== found.digest.sha256) throw moved(typed, found, again)
  }
}

/** What is certain comes first: a "no" is a "no" whatever else could not be told. */
function exitOf(answers: readonly GateAnswer[]): GateReport['exit'] {
  const exits = new Set(answers.map(({ exit }) => exit))
  return ([1, 2, 3] as const).find((exit) => exits.has(exit)) ?? 0
}

function checkCount(artifacts: readonly string[]): void {
  if (artifacts.length > 0 && artifacts.length <= maxArtifacts) return
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport gate',
    expected: `between 1 and ${maxArtifacts} artifacts`,
    found: `${artifacts.length}`,
    fix: artifacts.length === 0 ? 'Name what is to be deployed' : 'Ask about fewer at a time',
  })
}

function moved(typed: string, before: FoundArtifact, after: FoundArtifact): SallyportError {
  return new SallyportError({
    code: 'GATE_TAG_MOVED',
    where: typed,
    expected: `sha256:${before.digest.sha256}, which was decided about`,
    found: `sha256:${after.digest.sha256}`,
    fix: 'Find out who moved the tag; then ask about the digest that you mean',
  })
}
