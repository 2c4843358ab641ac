import { userInfo } from 'node:os'
import { basename } from 'node:path'
import type { Config } from '#config'
import { enforce, type RecordedInputs } from '#chokepoint'
import { decisionExitCode, type Decision, type Evidence, type Target } from '#decision'
import { digestFile, findBesideFile } from '#evidence'
import { recordDecision, type Receipt } from '#log'
import { openGate, startLogSigner, type Gate } from './gate.ts'
import { readRulebook, type Rulebook } from './rulebook.ts'

export interface VerifyOptions {
  readonly config: Config
  /** Path of the artifact. */
  readonly artifact: string
  readonly target: Target
  /** Files of evidence, instead of those beside the artifact. */
  readonly bundles: readonly string[]
  /** Policy files and folders, instead of those of the configuration. */
  readonly policies: readonly string[]
  readonly trust?: string
  readonly now: Date
}

export interface VerifyReport {
  readonly decision: Decision
  readonly receipt: Receipt
  /** 0 admitted, 1 denied, 2 the policy is wrong, 3 could not tell. */
  readonly exit: 0 | 1 | 2 | 3
  /** Where the artifact is that the decision calls by its name. */
  readonly paths: ReadonlyMap<string, string>
}

/**
 * Decides whether an artifact may run at a target, through the one way in. The decision is in the log before this
 * resolves; when it cannot be recorded there is no answer.
 */
export async function verifyArtifact(options: VerifyOptions): Promise<VerifyReport> {
  // The process with the log's keys takes the longest to start: it starts while everything else is read.
  const starting = startLogSigner(options.config)
  starting.catch(() => undefined)
  try {
    const question = await readQuestion(options)
    await using gate = await openGate(options.config, starting)
    return await ask(question, gate, options)
  } catch (error) {
    await starting.then((signer) => signer.close()).catch(() => undefined)
    throw error
  }
}

export interface Question {
  readonly digest: Readonly<Record<string, string>>
  readonly evidence: Evidence
  readonly rulebook: Rulebook
}

/** Reads everything that the answer depends on. What the person named and is not there is their mistake, not a refusal. */
export async function readQuestion(
  options: Pick<VerifyOptions, 'config' | 'artifact' | 'bundles' | 'policies' | 'trust'>,
): Promise<Question> {
  const { config, artifact, bundles } = options
  const [{ digest }, evidence, rulebook] = await Promise.all([
    digestFile(artifact),
    findBesideFile(artifact, { bundles }),
    readRulebook(config, options),
  ])
  return { digest, evidence, rulebook }
}

/** Asks one question at an open gate. */
export async function ask(
  { digest, evidence, rulebook }: Question,
  gate: Gate,
  options: Pick<VerifyOptions, 'config' | 'artifact' | 'target' | 'now'>,
): Promise<VerifyReport> {
  const { artifact, target, now, config } = options
  const { decision, receipt } = await enforce({
    request: {
      artifact: { name: basename(artifact), digest },
      target,
      chokePoint: config.chokePoint,
      requester: requester(),
    },
    gather: () => Promise.resolve(evidence),
    policies: rulebook.policies,
    trust: rulebook.trust,
    verifier: rulebook.verifier,
    now,
    record: (made, inputs) =>
      recordDecision(gate.log, gate.bodies, recordOf(made, inputs, rulebook)),
  })
  const paths = new Map([[basename(artifact), artifact]])
  return { decision, receipt, exit: decisionExitCode(decision), paths }
}

/** Who asks at a command line is whom the operating system says: recorded, and never a reason to allow. */
function requester(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

function recordOf(decision: Decision, { evidence }: RecordedInputs, rulebook: Rulebook) {
  return { decision, inputs: [...rulebook.files, ...evidence.items.map(({ bytes }) => bytes)] }
}
