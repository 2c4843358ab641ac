import { userInfo } from 'node:os'
import type { Bell } from '#breakglass'
import type { Config } from '#config'
import { enforce, type RecordedInputs } from '#chokepoint'
import {
  decisionExitCode,
  evidenceBytes,
  exemptedIn,
  exportVerified,
  type Decision,
  type EvidenceSource,
  type Target,
} from '#decision'
import { SallyportError } from '#error'
import { recordDecision, type Receipt } from '#log'
import { selectPolicy } from '#policy'
import { bellOf, ringFor } from './breakglass/bell.ts'
import { openNetwork } from './artifact/network.ts'
import { lookForEvidence, type Looked } from './artifact/places.ts'
import { findArtifact, type FoundArtifact } from './artifact/resolve.ts'
import { openGate, startGateSigner, type Gate } from './gate.ts'
import { withRecord, type RecordedExport } from './policy/with-record.ts'
import { readRulebook, type Rulebook } from './rulebook.ts'

/** How long who asks waits for alarms to be heard; afterwards they wait on disk. */
const tellMs = 3_000

export interface VerifyOptions {
  readonly config: Config
  /** What names the artifact: see `parseArtifactName`. */
  readonly artifact: string
  readonly target: Target
  /** Files of evidence: then no other place is looked at but those of `evidence`. */
  readonly bundles: readonly string[]
  /** Files of grants of breakglass, besides the evidence wherever it is. */
  readonly grants?: readonly string[]
  /** Folders and stores of evidence, besides those of the configuration. */
  readonly evidence?: readonly string[]
  /** Policy files and folders, instead of those of the configuration. */
  readonly policies: readonly string[]
  readonly trust?: string
  /** The build must be recorded elsewhere; a file names the receipt where it is not beside the artifact. */
  readonly buildRecord?: { readonly file?: string }
  readonly now: Date
}

export interface VerifyReport {
  readonly decision: Decision
  /** Where it is recorded, and a signed checkpoint with it. */
  readonly receipt: Receipt & { readonly checkpoint: string }
  /** Alarms that nobody has heard yet; they wait, and are tried again. */
  readonly unheard: number
  /** 0 admitted, 1 denied, 2 the policy is wrong, 3 could not tell. */
  readonly exit: 0 | 1 | 2 | 3
  /** What to type for the artifact that the decision calls by its name. */
  readonly paths: ReadonlyMap<string, string>
  readonly artifact: Pick<FoundArtifact, 'kind' | 'name' | 'digest' | 'tag' | 'size'>
  /** Where evidence was looked for besides in files beside the artifact. */
  readonly places: readonly EvidenceSource[]
  /** What was believed, for other policy engines. */
  readonly exportVerified: () => RecordedExport
}

/**
 * Decides whether an artifact may run at a target, through the one way in. The decision is in the log before this
 * resolves; when it cannot be recorded there is no answer.
 */
export async function verifyArtifact(options: VerifyOptions): Promise<VerifyReport> {
  // The process with the log's keys takes the longest to start: it starts while everything else is read.
  const starting = startGateSigner(options.config)
  starting.catch(() => undefined)
  try {
    const question = await readQuestion(options)
    await using gate = await openGate(options.config, starting)
    return await ask(question, gate, options)
  } catch (error) {
    await starting.then((signer) => signer?.close()).catch(() => undefined)
    throw error
  }
}

export interface Question {
  readonly artifact: FoundArtifact
  readonly looked: Looked
  readonly rulebook: Rulebook
}

type Asked = Pick<
  VerifyOptions,
  'config' | 'artifact' | 'bundles' | 'grants' | 'evidence' | 'policies' | 'trust'
>

/** Reads everything that the answer depends on. What the person named and is not there is their mistake, not a refusal. */
export async function readQuestion(options: Asked): Promise<Question> {
  const { config } = options
  await using network = openNetwork(config.evidence)
  const finding = findArtifact(options.artifact, network)
  const [artifact, looked, rulebook] = await Promise.all([
    finding,
    finding.then((found) => lookForEvidence(found, network, options)),
    readRulebook(config, options),
  ])
  return { artifact, looked, rulebook }
}

export type AskOptions = Pick<VerifyOptions, 'config' | 'target' | 'now' | 'buildRecord'> & {
  /** Who asks, where that is not simply whoever runs this. */
  readonly asker?: ReturnType<typeof whoAsks>
}

/** Asks one question at an open gate. */
export async function ask(
  { artifact, looked, rulebook }: Question,
  gate: Gate,
  { target, now, config, asker, buildRecord }: AskOptions,
): Promise<VerifyReport> {
  if (buildRecord !== undefined || config.build.record?.required === true) {
    const { requireBuildRecord } = await import('./builds/require-record.ts')
    const { requester: who } = asker ?? whoAsks()
    const options = { config, target, now, requester: who, ...buildRecord }
    await requireBuildRecord({ artifact, looked }, gate, options)
  }
  const { name, digest, typed } = artifact
  refuseChosenOutage(looked, rulebook, target)
  const bell = bellOf(config, () => new Date())
  const { decision, receipt } = await enforce({
    request: {
      artifact: { name, digest },
      target,
      chokePoint: config.chokePoint,
      ...(asker ?? whoAsks()),
    },
    gather: () => Promise.resolve(looked.evidence),
    policies: rulebook.policies,
    trust: rulebook.trust,
    verifier: rulebook.verifier,
    now,
    record: async (made, inputs) => {
      const recorded = await recordDecision(gate.log, gate.bodies, recordOf(made, inputs, rulebook))
      await ringFor(bell, config, made, recorded.index)
      return recorded
    },
  })
  return {
    decision,
    receipt: { ...receipt, checkpoint: (await gate.log.view()).checkpoint.note },
    unheard: await tell(bell, decision, gate, config),
    exit: decisionExitCode(decision),
    paths: new Map([[name, typed]]),
    artifact: {
      kind: artifact.kind,
      name,
      digest,
      ...(artifact.tag === undefined ? {} : { tag: artifact.tag }),
      ...(artifact.size === undefined ? {} : { size: artifact.size }),
    },
    places: looked.places,
    exportVerified: () =>
      withRecord(
        exportVerified(decision, looked.evidence, rulebook.verifier),
        config,
        receipt.index,
      ),
  }
}

/** Whoever is let in without meeting the policy waits until that has been told, or could not be. */
async function tell(
  bell: Bell,
  decision: Decision,
  { log, bodies }: Gate,
  config: Config,
): Promise<number> {
  const { effect, time } = decision
  const isPlain = effect === 'admitted' && exemptedIn(decision).length === 0
  if (isPlain || effect === 'blocked') return 0
  if (effect === 'admitted-breakglass') {
    // One use too many is told with the use, not when somebody looks.
    const { readUses, ringFollowUps } = await import('./breakglass/review.ts')
    const book = await readUses(bodies, await log.view())
    await ringFollowUps(bell, config, book.uses(), new Date(time))
  }
  await bell.deliver({ withinMs: tellMs, all: true })
  return (await bell.pending()).length
}

/**
 * Where a policy lets outages through, there must be none that whoever asks can bring about: a registry of their own that
 * hands out the image and nothing else would be a way in.
 */
function refuseChosenOutage(
  { chosenOutages }: Looked,
  { policies }: Rulebook,
  target: Target,
): void {
  const selected = selectPolicy(policies, target)
  if ('problem' in selected || selected.policy.whenUnavailable !== 'allow') return
  SallyportError.throwAll(
    chosenOutages.map(({ name, detail = 'no answer' }) => ({
      code: 'EVIDENCE_SOURCE_UNAVAILABLE',
      where: name,
      expected:
        'an answer: the policy lets outages through, and not of a place that whoever asks has chosen',
      found: detail,
      fix: 'Ask again when it answers; list it in sallyport.yaml (evidence.registries.allow, stores or directories) if its outages may be let through',
    })),
  )
}

/** Whoever runs this, to whom the operating system gave the home with its keys. */
export function whoAsks(): { readonly requester: string; readonly principal: string } {
  const name = requester()
  return { requester: name, principal: `os:${name}` }
}

/** Who asks at a command line is whom the operating system says: recorded, and never a reason to allow. */
export function requester(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

function recordOf(decision: Decision, { evidence }: RecordedInputs, rulebook: Rulebook) {
  return { decision, inputs: [...rulebook.files, ...evidenceBytes(evidence)] }
}
