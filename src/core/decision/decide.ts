import { isBefore, isSha256, Moment } from '#document'
import { quote, type Problem } from '#error'
import {
  modeAt,
  selectPolicy,
  type DeploymentRequest,
  type Policy,
  type PolicySet,
  type Rechecked,
} from '#policy'
import { createVerifier, type Trust, type Verifier } from '#trust'
import { judgeBreakglass } from './breakglass.ts'
import { judgeDeployer } from './deployer.ts'
import { knownPredicateTypes } from './known-types.ts'
import type { DecisionMemory } from './memory.ts'
import type {
  Decision,
  DeployerResult,
  Effect,
  Evidence,
  EvidenceResult,
  RuleResult,
  Verdict,
} from './decision.ts'
import { engine } from './engine.ts'
import { withinBounds } from './flood.ts'
import { evaluateAll, type Evaluated, type Looked } from './evaluate.ts'
import { examineAll, resultOf, strong, type Examined } from './examine.ts'
import { imagesIn, type Images } from './oci/images.ts'
import { showListed } from './oci/read-index.ts'
import { relationsOf, type Relations } from './oci/relations.ts'
import { orderReasons } from './reasons.ts'
import { indexEvidence, type EvidenceIndex } from './search.ts'

/** Everything that a decision is a function of. */
export interface DecisionInput {
  readonly request: DeploymentRequest
  readonly evidence: Evidence
  readonly policies: PolicySet
  readonly trust: Trust
  readonly now: Date
  /**
   * Remembers signatures between decisions. It changes how long a decision takes and nothing else; one that was made
   * for another trust file is not used.
   */
  readonly verifier?: Verifier
  /**
   * Remembers decisions, for evidence that is asked about again: the very object, which MUST NOT change. It, too, changes how
   * long a decision takes and nothing else; one that was made for other policies or another trust file is not used.
   */
  readonly memory?: DecisionMemory
}

/**
 * Decides whether an artifact may be deployed to a target. Pure and total: the same input gives the same decision, and no
 * evidence, however odd, makes it throw. Every rule is evaluated. Nothing passes because something is empty, unknown or
 * unreadable.
 *
 * @throws TypeError only when `now` is not a time
 */
export function decide(everything: DecisionInput): Decision {
  const time = everything.now.getTime()
  if (Number.isNaN(time)) throw new TypeError('now is not a time')
  const { evidence, policies, trust } = everything
  const request = cleanRequest(everything.request)
  const at = everything.now.toISOString()
  const memory = everything.memory?.isOf(policies, trust) === true ? everything.memory : undefined
  const known = memory?.recall(request, evidence, time)
  if (known !== undefined) return { ...known, time: at, request }
  const now = new Moment(time)
  const input = {
    ...everything,
    now,
    time: at,
    request,
    evidence: withinBounds(evidence),
  }
  try {
    const decision = decideOn(input)
    memory?.keep(decision, evidence, { from: time, until: now.until })
    return decision
  } catch (error) {
    return failed(input, error)
  }
}

/** What is decided on: bounded, and with a time that is looked at sparingly, for it is noted when it matters. */
interface Input extends DecisionInput {
  /** As it is written. */
  readonly time: string
}

interface Findings {
  readonly policy: Policy | undefined
  readonly examined: readonly Examined[]
  readonly evidence: readonly EvidenceResult[]
  readonly evaluated: readonly Evaluated[]
  /** What is wrong before any rule is asked. */
  readonly problems: readonly Problem[]
  readonly verdict: Verdict
  readonly deployer?: DeployerResult
}

function decideOn(input: Input): Decision {
  const { request, policies, now, trust } = input
  const { items, sources, leftOut = 0 } = input.evidence
  const selected = selectPolicy(policies, request.target)
  const identifiers = [...strong, ...('problem' in selected ? [] : selected.policy.identifiedBy)]
  const invalid = checkRequest(request, identifiers)
  const verifier = input.verifier?.trust === trust ? input.verifier : createVerifier(trust)
  const relations = relationsIn(input)
  const question = { request, relations, verifier, now, identifiers }
  const examined = examineAll(items, question)
  if ('problem' in selected || invalid.length > 0) {
    const evidence = tell(examined, new Set())
    const problems = 'problem' in selected ? [selected.problem, ...invalid] : invalid
    const verdict = 'problem' in selected ? 'POLICY_ERROR' : 'UNDETERMINED'
    return assemble(input, {
      policy: undefined,
      examined,
      evidence,
      evaluated: [],
      problems,
      verdict,
    })
  }
  const { policy } = selected
  const expired = trustProblem(trust, now)
  if (expired !== undefined) {
    const evidence = tell(examined, new Set())
    return assemble(input, {
      policy,
      examined,
      evidence,
      evaluated: [],
      problems: [expired],
      verdict: 'UNDETERMINED',
    })
  }
  const parts = { sources, leftOut, knownTypes: knownPredicateTypes }
  const index = indexEvidence(examined, { ...parts, request, relations })
  const own = policy.multiPlatform === 'images' ? relations.own : undefined
  const images = own === undefined ? undefined : imagesIn(own, items, question, parts)
  const evaluated = evaluateAll(policy, lookedAt(index, images), trust, now)
  const deployer = judgeDeployer(policy, request, verdictOf(evaluated))
  return assemble(input, {
    policy,
    examined,
    evidence: tellWithImages(tell(examined, index.reached), images),
    evaluated,
    problems: [...deployer.problems, ...vacuous(policy, evaluated)],
    verdict: deployer.verdict,
    ...deployer.told,
  })
}

function lookedAt(index: EvidenceIndex, images: Images | undefined): Looked {
  return images === undefined ? { index } : { index, images }
}

/** KEY-07: who was believed then may have been revoked since; that cannot be told from a file nobody has renewed. */
function trustProblem({ expires, file, owner, line }: Trust, now: Date): Problem | undefined {
  if (expires === undefined || isBefore(now, expires)) return undefined
  return {
    code: 'TRUST_EXPIRED',
    where: `${line('expires')} metadata.expires`,
    expected: `a trust file that is good at ${now.toISOString()}`,
    found: `${file}, which expired at ${expires.toISOString()}`,
    fix: `Have ${quote(owner)} check who may still sign, and write a new "expires"; until then nothing is decided with it`,
  }
}

function relationsIn({ request, evidence }: DecisionInput): Relations {
  return relationsOf(request.artifact.digest['sha256'] ?? '', evidence.related ?? [])
}

function tell(
  examined: readonly Examined[],
  reached: ReadonlySet<string>,
): readonly EvidenceResult[] {
  return examined.map((one) => resultOf(one, knownPredicateTypes, reached))
}

/** A record that counts for an image of the artifact is shown as what it is there. */
function tellWithImages(
  own: readonly EvidenceResult[],
  images: Images | undefined,
): readonly EvidenceResult[] {
  if (images === undefined || 'problem' in images) return own
  const others = images.list.map(({ image, examined, index }) => ({
    about: `image ${showListed(image)}`,
    told: tell(examined, index.reached),
  }))
  return own.map((result, at) => {
    if (result.verified) return result
    const other = others.find(({ told }) => told[at]?.verified === true)
    const better = other?.told[at]
    return better === undefined ? result : { ...better, about: other?.about ?? '' }
  })
}

/** Exemptions from everything leave nothing that says yes. */
function vacuous({ file, line }: Policy, evaluated: readonly Evaluated[]): readonly Problem[] {
  if (evaluated.some(({ result }) => result.verdict !== 'EXEMPTED')) return []
  return [
    {
      code: 'EXEMPTED_EVERYTHING',
      where: line('exemptions'),
      expected: 'at least one rule that holds',
      found: `${evaluated.length} rules, all of them exempted`,
      fix: `Remove an exemption from ${file}, or add a rule that holds: what nothing vouches for is not let in`,
    },
  ]
}

/** No vacuous yes: ALLOW takes at least one PASS, and nothing but passes and exemptions beside it. */
function verdictOf(evaluated: readonly Evaluated[]): Verdict {
  const verdicts = new Set(evaluated.map(({ result }) => result.verdict))
  const broken = evaluated.some(
    ({ result }) =>
      result.verdict === 'ERROR' && result.problems.some(({ code }) => code.startsWith('POLICY_')),
  )
  if (broken) return 'POLICY_ERROR'
  const says = (verdict: Evaluated['result']['verdict']): boolean => verdicts.has(verdict)
  if (says('FAIL') || says('MISSING') || says('STALE') || says('UNSUPPORTED')) return 'DENY'
  if (says('ERROR') || says('UNVERIFIABLE')) return 'UNDETERMINED'
  return says('PASS') ? 'ALLOW' : 'DENY'
}

/** Only what could not be looked for may be let through, and only where the policy of this target says so. */
function effectOf(
  verdict: Verdict,
  policy: Policy | undefined,
  evaluated: readonly Evaluated[],
  now: Date,
): Effect {
  if (verdict === 'ALLOW') return 'admitted'
  if (policy !== undefined && modeAt(policy, now) === 'audit') return 'admitted-audit'
  const wasUnavailable = evaluated.some(({ result }) => result.verdict === 'UNVERIFIABLE')
  const nothingElse = evaluated.every(({ result }) =>
    ['PASS', 'EXEMPTED', 'UNVERIFIABLE'].includes(result.verdict),
  )
  const isChosen = policy?.whenUnavailable === 'allow' && verdict === 'UNDETERMINED'
  return isChosen && wasUnavailable && nothingElse ? 'admitted-unavailable' : 'blocked'
}

function assemble(input: Input, findings: Findings): Decision {
  const { policy, evidence, evaluated, problems, verdict, deployer } = findings
  const { trust, policies, now } = input
  const { leftOut = 0 } = input.evidence
  const { effect, breakglass, refused } = openIn(input, findings)
  const indexes = [...relationsIn(input).all.keys()]
  const rules = evaluated.map(({ result }) => result)
  const ends = rules.flatMap(({ staleAt }) => (staleAt === undefined ? [] : [staleAt]))
  if (trust.expires !== undefined) ends.push(trust.expires.toISOString())
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Decision',
    time: input.time,
    engine,
    request: input.request,
    policy:
      policy === undefined
        ? null
        : {
            name: policy.name,
            file: policy.file,
            digest: policy.digest,
            mode: modeAt(policy, now),
          },
    inputs: {
      trust: trustInputs(trust),
      policies: policies.files.map(({ file, digest }) => ({ file, digest })),
      evidence: input.evidence.items.map(({ digest, source }) => ({
        digest: digest.toWellFormed(),
        source: source.toWellFormed(),
      })),
      ...(leftOut === 0 ? {} : { evidenceLeftOut: leftOut }),
      ...(indexes.length === 0 ? {} : { indexes }),
      sources: input.evidence.sources.map(({ name, outcome, detail }) => ({
        name: name.toWellFormed(),
        outcome,
        ...(detail === undefined ? {} : { detail: detail.toWellFormed() }),
      })),
    },
    evidence,
    rules,
    verdict,
    effect,
    reasons: [...problems, ...orderReasons(evaluated), ...refused],
    ...(verdict === 'ALLOW' && ends.length > 0 ? { validUntil: ends.sort()[0] ?? '' } : {}),
    ...(deployer === undefined ? {} : { deployer }),
    ...(breakglass === undefined ? {} : { breakglass }),
  }
}

/** Grants change what follows from a verdict, never the verdict; those that do not count are told where that matters. */
function openIn(
  { request, trust, now }: DecisionInput,
  { policy, examined, evaluated, problems, verdict }: Findings,
): Pick<Decision, 'effect' | 'breakglass'> & { readonly refused: readonly Problem[] } {
  // POL-27: what was let in unseen is asked about without any choice that would let it in again.
  if (request.rechecks !== undefined)
    return { effect: verdict === 'ALLOW' ? 'admitted' : 'blocked', refused: [] }
  const effect = effectOf(verdict, policy, evaluated, now)
  const rules = evaluated.map(({ result }): RuleResult => result)
  const question = { request, trust, now, policy, examined, rules, problems, verdict, effect }
  const breakglass = judgeBreakglass(question)
  if (breakglass === undefined) return { effect, refused: [] }
  if (breakglass.used !== undefined)
    return { effect: 'admitted-breakglass', breakglass, refused: [] }
  const refused = effect === 'blocked' ? breakglass.grants.flatMap((one) => one.problems) : []
  return { effect, breakglass, refused: refused.slice(0, 8) }
}

function trustInputs({ file, digest, roots }: Trust): Decision['inputs']['trust'] {
  if (roots.size === 0) return { file, digest }
  const files = [...roots.values()].map((root) => ({ file: root.file, digest: root.digest }))
  return { file, digest, roots: files }
}

/** The request as it is recorded: known fields only, and text that can be written as JSON. */
function cleanRequest({
  artifact,
  target,
  chokePoint,
  requester,
  principal,
  asked,
  rechecks,
}: DeploymentRequest): DeploymentRequest {
  const { downloadLocation } = artifact
  return {
    artifact: {
      name: artifact.name.toWellFormed(),
      digest: cleanRecord(artifact.digest),
      ...(downloadLocation === undefined
        ? {}
        : { downloadLocation: downloadLocation.toWellFormed() }),
    },
    target: {
      environment: target.environment.toWellFormed(),
      service: target.service.toWellFormed(),
    },
    chokePoint: chokePoint.toWellFormed(),
    ...(requester === undefined ? {} : { requester: requester.toWellFormed() }),
    ...(principal === undefined ? {} : { principal: principal.toWellFormed() }),
    ...(asked === undefined ? {} : { asked: cleanRecord(asked) }),
    ...(rechecks === undefined ? {} : { rechecks: cleanRechecks(rechecks) }),
  }
}

function cleanRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
  )
}

function cleanRechecks({ first, last, question }: Rechecked): Rechecked {
  return { first, last, question: question.toWellFormed() }
}

function checkRequest(
  { artifact: { digest } }: DeploymentRequest,
  identifiers: readonly string[],
): readonly Problem[] {
  const { sha256 } = digest
  const isWhole = sha256 === undefined || isSha256(sha256)
  if (isWhole && identifiers.some((name) => (digest[name] ?? '') !== '')) return []
  return [
    {
      code: 'REQUEST_INVALID',
      where: 'request.artifact.digest.sha256',
      expected: 'the sha256 of what would run, 64 lower-case hexadecimal characters',
      found: sha256 === undefined ? 'nothing' : quote(sha256, 100),
      fix: 'Compute the sha256 of the artifact where it is deployed, and ask with it',
    },
  ]
}

// Whatever goes wrong in here, the answer is no and says why; an exception could be taken for an outage and let through.
function failed(input: Input, error: unknown): Decision {
  const problem: Problem = {
    code: 'DECISION_FAILED',
    where: 'decide',
    expected: 'a decision',
    found: quote(error instanceof Error ? error.message : String(error)),
    fix: 'Report this as a defect of Sallyport, with the evidence; until then decide this deployment by hand',
  }
  const nothing = { policy: undefined, examined: [], evidence: [], evaluated: [] }
  return assemble(input, { ...nothing, problems: [problem], verdict: 'UNDETERMINED' })
}
