import { judgeAcceptance, type AcceptedRisk, type Use } from '#breakglass'
import type { Config } from '#config'
import { decide, type Decision, type Evidence } from '#decision'
import { quote, SallyportError, type Problem } from '#error'
import { parseReference } from '#evidence'
import { shellName } from '#policy'
import { recordedQuestions, type RecordedQuestion } from '../policy/question.ts'
import type { ClusterOptions } from '../probe/kubeconfig.ts'
import { runningImages, type RunningImages } from '../probe/running.ts'
import { readLog } from '../log.ts'
import { readQuestion, type Question } from '../verify.ts'
import { readAccepted } from './accept.ts'
import { maxListed, readUses } from './review.ts'

/**
 * What became of something that was let in. `gone`: it runs no longer in the cluster that was asked. `undetermined`: it
 * could not be told.
 */
export type Compliance = 'non-compliant' | 'compliant' | 'accepted' | 'gone' | 'undetermined'

/** One artifact at one target that breakglass let in. */
export interface BreakglassStatus {
  readonly state: 'breakglass'
  readonly compliance: Compliance
  /** The newest use. */
  readonly entry: number
  readonly time: string
  readonly artifact: Use['artifact']
  readonly environment: string
  readonly service: string
  readonly incidents: readonly string[]
  /** What the policy says now, without any grant; absent when it could not be asked. */
  readonly verdict?: Decision['verdict']
  readonly reasons: readonly Problem[]
  readonly accepted?: AcceptedRisk
  /** What to do about it; there while it is non-compliant. */
  readonly problem?: Problem
  /** Acceptances that do not count, and why. */
  readonly refused: readonly Problem[]
  /** Pods with these bytes; absent when no cluster was asked. */
  readonly pods?: readonly string[]
}

export interface BreakglassStatusReport {
  /** The cluster that was asked what runs; absent when none was. */
  readonly server?: string
  readonly uses: readonly BreakglassStatus[]
  /** Entries of the log that may be uses, and cannot be read. */
  readonly unreadable: readonly Problem[]
}

export interface BreakglassStatusOptions {
  readonly config: Config
  readonly now: Date
  /** Asks a cluster whether it still runs. */
  readonly cluster?: ClusterOptions
}

/**
 * Decides again, with the policies and the evidence of now, everything that breakglass let in. It stays non-compliant until
 * it meets the policy, runs no longer, or somebody else has signed that they answer for it. Nobody is answered by this, so
 * nothing is recorded.
 *
 * @throws SallyportError LOG_…, PROBE_…, POLICY_…, TRUST_…
 */
export async function breakglassStatus(
  options: BreakglassStatusOptions,
): Promise<BreakglassStatusReport> {
  const { config, cluster } = options
  const book = await readLog(config, (view, bodies) => readUses(bodies, view))
  const running = cluster === undefined ? undefined : await runningImages(cluster)
  const accepted = await readAccepted(config)
  const uses: BreakglassStatus[] = []
  for (const use of newestOfEach(book.uses()))
    uses.push(await statusOf(use, options, running, accepted))
  const unreadable = book.unreadable().slice(0, maxListed)
  return { ...(running === undefined ? {} : { server: running.server }), uses, unreadable }
}

/** The same bytes at the same target are one thing to put right, however often they were let in. */
function newestOfEach(uses: readonly Use[]): readonly Use[] {
  const newest = new Map<string, Use>()
  for (const use of uses) {
    const key = `${use.artifact.sha256} ${use.environment} ${use.service}`
    const before = newest.get(key)
    const requesters = [...(before?.requesters ?? []), ...use.requesters]
    // What was recorded afterwards is named by its digest alone: an image is still one.
    const { artifact } = before !== undefined && isImage(before.artifact) ? before : use
    newest.delete(key)
    newest.set(key, { ...use, artifact, requesters })
  }
  return [...newest.values()]
}

type Accepted = Awaited<ReturnType<typeof readAccepted>>

async function statusOf(
  use: Use,
  { config, now }: BreakglassStatusOptions,
  running: RunningImages | undefined,
  files: Accepted,
): Promise<BreakglassStatus> {
  const { lastEntry, time, artifact, environment, service, incidents } = use
  const asked = await askAgain(use, config, now)
  const pods = isImage(artifact) ? running?.podsWith(artifact.sha256) : undefined
  const { accepted, refused } =
    asked.question === undefined ? none : weigh(asked.question, use, files, now)
  const compliance = complianceOf(asked.decision, accepted, pods)
  return {
    state: 'breakglass',
    compliance,
    ...(compliance === 'non-compliant' ? { problem: nonCompliant(use, pods) } : {}),
    entry: lastEntry,
    time,
    artifact,
    environment,
    service,
    incidents,
    ...(asked.decision === undefined ? {} : { verdict: asked.decision.verdict }),
    reasons: asked.decision?.reasons ?? asked.problems,
    ...(accepted === undefined ? {} : { accepted }),
    refused,
    ...(pods === undefined ? {} : { pods }),
  }
}

const none = { accepted: undefined, refused: [] } as const

function complianceOf(
  decision: Decision | undefined,
  accepted: AcceptedRisk | undefined,
  pods: readonly string[] | undefined,
): Compliance {
  if (pods?.length === 0) return 'gone'
  if (decision?.verdict === 'ALLOW') return 'compliant'
  if (accepted !== undefined) return 'accepted'
  return decision === undefined || decision.verdict === 'UNDETERMINED'
    ? 'undetermined'
    : 'non-compliant'
}

function nonCompliant(
  { lastEntry, artifact, environment, service, until }: Use,
  pods: readonly string[] | undefined,
): Problem {
  const target = `--environment ${shellName(environment)} --service ${shellName(service)}`
  const runs = pods === undefined ? '' : `, and runs as ${pods.slice(0, 5).join(', ')}`
  return {
    code: 'BREAKGLASS_NON_COMPLIANT',
    where: `entry ${lastEntry}`,
    expected:
      'an artifact that meets the policy of its target, or a risk that somebody answers for',
    found: `${quote(artifact.name, 300)} was let in until ${until}${runs}`,
    fix: `Replace it by one that the policy lets in, or have the risk accepted: \`sallyport breakglass accept sha256:${artifact.sha256} ${target} --owner NAME --reason TEXT --until TIME\``,
  }
}

interface Asked {
  readonly question?: Question
  readonly decision?: Decision
  readonly problems: readonly Problem[]
}

/** The question of then, with the evidence of then and of now, under the policies of now. */
async function askAgain(use: Use, config: Config, now: Date): Promise<Asked> {
  try {
    const recorded: RecordedQuestion[] = []
    await recordedQuestions(config, { index: use.lastEntry }, (one) => recorded.push(one))
    const question = await readQuestion({
      config,
      artifact: typedOf(use.artifact),
      bundles: [],
      policies: [],
    })
    const { looked, rulebook } = question
    const { policies, trust, verifier } = rulebook
    const [then] = recorded
    if (then === undefined) return { problems: [] }
    const evidence = together(looked.evidence, then.question.evidence)
    const { request } = then.question
    return {
      question,
      decision: decide({ request, evidence, policies, trust, verifier, now }),
      problems: [],
    }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { problems: error.problems }
  }
}

function together(fresh: Evidence, then: Evidence): Evidence {
  const known = new Set(fresh.items.map(({ digest }) => digest))
  const kept = then.items.filter(({ digest }) => !known.has(digest))
  const related = [...(fresh.related ?? []), ...(then.related ?? [])]
  return { ...fresh, items: [...fresh.items, ...kept], related }
}

function weigh(
  { rulebook }: Question,
  use: Use,
  files: Accepted,
  now: Date,
): { readonly accepted?: AcceptedRisk | undefined; readonly refused: readonly Problem[] } {
  const { verifier } = rulebook
  const judged = files.flatMap(
    ({ file, bytes }) => judgeAcceptance(bytes, use, { source: file, verifier, now }) ?? [],
  )
  const good = judged.flatMap((one) => ('code' in one ? [] : [one]))
  const refused = judged.flatMap((one) => ('code' in one ? [one] : []))
  return { accepted: good.sort((a, b) => (a.expires > b.expires ? -1 : 1))[0], refused }
}

function isImage({ name, sha256 }: Use['artifact']): boolean {
  try {
    return parseReference(name).digest === sha256
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

/** What names it at a command line: files are known by their bytes alone. */
function typedOf(artifact: Use['artifact']): string {
  if (isImage(artifact)) return `oci://${artifact.name}`
  return artifact.name.startsWith('pkg:npm/') ? artifact.name : `sha256:${artifact.sha256}`
}
