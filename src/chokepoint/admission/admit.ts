import type { Decision } from '#decision'
import { formatReference, type Reference } from '#evidence'
import { SallyportError, type Problem } from '#error'
import type { Target } from '#policy'
import { answerOf, type AdmissionAnswer } from './answer.ts'
import { artifactOf, undecidable, unpinned } from './artifact.ts'
import type { NamedImage } from './images.ts'
import { questionsOf, type AdmissionSettings, type Questions } from './questions.ts'
import { askedIn, type AdmissionRequest } from './review.ts'

/** One image that has to be decided. */
export interface ImageQuestion {
  /** With a digest. */
  readonly reference: Reference
  readonly target: Target
  /** Annotations of the pods; evidence may travel in them. */
  readonly annotations: Questions['annotations']
  readonly requester: string
  /** What the API server asked, for the record. */
  readonly asked: Readonly<Record<string, string>>
  /** Nothing is deployed and nothing may change: decide, and do not record. */
  readonly dryRun: boolean
}

export interface ImageAnswer {
  readonly decision: Decision
  /** Where it stands in the log; `spooled` while it waits for its place, absent for a dry run. */
  readonly index?: number | bigint | 'spooled'
}

/** What admission needs of the rest. */
export interface AdmissionPorts {
  /**
   * Decides through the one way in; resolves when the decision is durable, or with why there was no time for one
   * (ADMISSION_TIMEOUT). MUST be bounded in time.
   *
   * @throws SallyportError when it could not be recorded
   */
  readonly decide: (question: ImageQuestion) => Promise<ImageAnswer | Problem>
  /**
   * The digest that a tag means now, or why that is not known: EVIDENCE_REGISTRY_NOT_ALLOWED, EVIDENCE_ARTIFACT_MISSING, or a
   * problem of asking. MUST be bounded in time, and MUST NOT reject.
   */
  readonly resolve: (reference: Reference) => Promise<string | Problem>
  /** Whether the policy of this target lets everything in and only tells (`mode: audit`). */
  readonly audits: (target: Target) => boolean
  /** Records a refusal that is not about an artifact; resolves when it is durable. */
  readonly refuse: (request: AdmissionRequest, problems: readonly Problem[]) => Promise<void>
  /** The answer for people, in a few lines. */
  readonly explain: (decision: Decision, index: ImageAnswer['index']) => string
  readonly explainProblem: (problem: Problem) => string
  /** How long a use of breakglass may wait for its review. */
  readonly reviewMs?: number
}

/** Answers one request of an API server. Every image is decided, and every reason is told. */
export async function admit(
  request: AdmissionRequest,
  settings: AdmissionSettings,
  ports: AdmissionPorts,
): Promise<AdmissionAnswer> {
  const questions = readQuestions(request, settings)
  if ('nothing' in questions) return passed(request, questions.nothing)
  if ('code' in questions) return await refused(request, [questions], ports)
  const results = await Promise.all(
    questions.images.map((image) => judge(image, questions, request, ports)),
  )
  const problems = results.flatMap((result) => ('code' in result ? [result] : []))
  if (problems.length > 0 && !request.dryRun) await ports.refuse(request, problems)
  const answers = results.flatMap((result) => ('code' in result ? [] : [result]))
  return answered(request, problems, answers, ports)
}

/** Answered with a status of HTTP, the API server would tell nobody what is wrong with the object. */
function readQuestions(
  request: AdmissionRequest,
  settings: AdmissionSettings,
): ReturnType<typeof questionsOf> {
  try {
    return questionsOf(request, settings)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'ADMISSION_REVIEW') throw error
    const { code, where = 'object', expected, found, fix } = error
    return { code, where, expected, found, fix }
  }
}

interface Judged extends ImageAnswer {
  readonly image: NamedImage
  /** Why it would have been refused before it was decided. */
  readonly unpinned?: Problem
}

async function judge(
  image: NamedImage,
  { target, annotations }: Questions,
  request: AdmissionRequest,
  { resolve, decide, audits }: AdmissionPorts,
): Promise<Problem | Judged> {
  const reference = artifactOf(image)
  if ('code' in reference) return reference
  const { user, dryRun } = request
  const asked = { ...askedIn(request), field: image.field, image: image.image.slice(0, 1024) }
  const question = { target, annotations, requester: user, asked, dryRun }
  const judged = (answer: ImageAnswer | Problem) =>
    'code' in answer ? { ...answer, where: image.field } : { image, ...answer }
  if (reference.digest !== undefined) return judged(await decide({ ...question, reference }))
  const means = await resolve(reference)
  const problem = unpinned(image, means)
  if (!audits(target)) return problem
  if (typeof means !== 'string') return undecidable(image, means) ?? problem
  // What is only observed is not refused for its name: the record is about what the tag means now.
  const decided = judged(await decide({ ...question, reference: { ...reference, digest: means } }))
  return 'code' in decided ? decided : { unpinned: problem, ...decided }
}

function passed({ uid }: AdmissionRequest, reason: string): AdmissionAnswer {
  return answerOf({ uid, refusals: [], isFinal: true, warnings: [], audit: { undecided: reason } })
}

async function refused(
  request: AdmissionRequest,
  problems: readonly Problem[],
  ports: AdmissionPorts,
): Promise<AdmissionAnswer> {
  if (!request.dryRun) await ports.refuse(request, problems)
  return answered(request, problems, [], ports)
}

function answered(
  { uid }: AdmissionRequest,
  problems: readonly Problem[],
  answers: readonly Judged[],
  { explain, explainProblem, reviewMs }: AdmissionPorts,
): AdmissionAnswer {
  const blocked = answers.filter(({ decision }) => decision.effect === 'blocked')
  const refusals = blocked.map(
    ({ image, decision, index }) => `${image.field}: ${explain(decision, index)}`,
  )
  return answerOf({
    uid,
    refusals: [...problems.map(explainProblem), ...refusals],
    isFinal: problems.some(isNo) || blocked.some(({ decision }) => decision.verdict === 'DENY'),
    warnings: [
      ...answers.flatMap(({ unpinned: problem }) => problem ?? []).map(wouldRefuse),
      ...answers.filter(isAdmittedAgainstTheVerdict).map((one) => warningOf(one, reviewMs)),
    ],
    audit: auditOf(problems, answers),
  })
}

/** Otherwise it could not be told, and asking again may help. */
function isNo({ code }: Problem): boolean {
  return code !== 'EVIDENCE_SOURCE_UNAVAILABLE' && code !== 'ADMISSION_TIMEOUT'
}

function auditOf(
  problems: readonly Problem[],
  answers: readonly Judged[],
): Readonly<Record<string, string>> {
  const texts = {
    reasons: problems.map(({ code }) => code),
    verdicts: answers.map(({ decision }) => decision.verdict),
    effects: answers.map(({ decision }) => decision.effect),
    entries: answers.flatMap(({ index }) => (index === undefined ? [] : [String(index)])),
  }
  const filled = Object.entries(texts).filter(([, list]) => list.length > 0)
  return Object.fromEntries(filled.map(([name, list]) => [name, list.join(',')]))
}

function isAdmittedAgainstTheVerdict({ decision }: ImageAnswer): boolean {
  return decision.effect !== 'blocked' && decision.verdict !== 'ALLOW'
}

/** For one who is let in because nothing is refused there yet. */
function wouldRefuse({ code, where, fix }: Problem): string {
  return `${where}: ${code}, admitted-audit: ${fix}`
}

/** Whoever applies it reads who let it in, and until when it has to be looked at. */
function glassOf({ breakglass, time }: Decision, reviewMs: number | undefined): string {
  const used = breakglass?.used
  if (used === undefined) return ''
  const due = reviewMs === undefined ? undefined : new Date(Date.parse(time) + reviewMs)
  const review = due === undefined ? '' : `; review before ${due.toISOString()}`
  const grants = used.grants.map((digest) => digest.slice(0, 12)).join(', ')
  return `BREAKGLASS by ${used.approvers.join(', ')} until ${used.until}${review}; grant ${grants}; `
}

function warningOf({ image, decision }: Judged, reviewMs: number | undefined): string {
  const glass = glassOf(decision, reviewMs)
  const [first] = decision.reasons
  const reason = first === undefined ? '' : `: ${first.code} ${first.fix}`
  return `${image.field}: ${glass}${decision.verdict}, ${decision.effect}${reason}`
}

/** How an image is called in a decision: with its digest, without what can change. */
export function nameOf(reference: Reference): string {
  const { tag: _, ...fixed } = reference
  return formatReference(fixed)
}
