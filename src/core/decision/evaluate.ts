import { isBefore, isAtOrAfter } from '#document'
import { quote, type Problem } from '#error'
import {
  findUnknownSigners,
  shellName,
  type BoundRule,
  type DeploymentRequest,
  type EvidenceKind,
  type Exemption,
  type Link,
  type Outcome,
  type Place,
  type Policy,
  type RuleContext,
} from '#policy'
import { authenticated, type Trust } from '#trust'
import { buildersOf, judgeBinding } from './artifact-binding.ts'
import type { EvidenceSource, RuleResult } from './decision.ts'
import { everyImage, type ImageOutcome } from './oci/every-image.ts'
import type { Images } from './oci/images.ts'
import { searchEvidence, type EvidenceIndex } from './search.ts'

/** A result, and what a fix of it changes. */
export interface Evaluated {
  readonly result: RuleResult
  readonly fixes: 'artifact' | 'evidence'
}

/** What rules are evaluated over. */
export interface Looked {
  readonly index: EvidenceIndex
  /** The images of the index that the artifact is, where the policy lets them answer for it. */
  readonly images?: Images
}

/** Evaluates every rule of the policy; none stops another, and none can make the decision fail. */
export function evaluateAll(
  policy: Policy,
  looked: Looked,
  trust: Trust,
  now: Date,
): readonly Evaluated[] {
  const builders = buildersOf(policy)
  const judge = (place: Place, evaluate: (context: RuleContext) => Outcome): Outcome =>
    judgeArtifact(looked, place, (index) =>
      evaluate({
        request: index.request,
        now,
        trust,
        place,
        builders,
        ...(policy.artifacts === undefined ? {} : { artifacts: policy.artifacts }),
        search: <T>(kind: EvidenceKind<T>, by: readonly string[], link?: Link) =>
          searchEvidence(kind, by, index, place, link),
      }),
    )
  const required = policy.rules.map((bound) =>
    exempt(evaluateRule(bound, judge), policy.exemptions, now),
  )
  return [...required, ...evaluateBinding(policy, judge)]
}

type Judge = (place: Place, evaluate: (context: RuleContext) => Outcome) => Outcome

/** Judges the artifact itself; where that is no yes, and the policy says so, every image of it. */
function judgeArtifact(
  { index, images }: Looked,
  place: Place,
  evaluate: (index: EvidenceIndex) => Outcome,
): Outcome {
  const over = (one: EvidenceIndex): Outcome =>
    consider(
      throughIndex(
        guard(place, () => evaluate(one)),
        one,
      ),
      one,
      place,
    )
  const own = over(index)
  if (own.verdict === 'PASS' || own.verdict === 'ERROR' || images === undefined) return own
  if ('problem' in images) return { ...own, problems: [...own.problems, images.problem] }
  const outcomes: readonly ImageOutcome[] = images.list.map((one) => ({
    image: one.image,
    outcome: over(one.index),
  }))
  return everyImage(outcomes)
}

/** Where a rule rests on what is said about an index that lists the artifact, that link is named. */
function throughIndex(outcome: Outcome, { through }: EvidenceIndex): Outcome {
  const named = outcome.evidence.flatMap((digest) => through.get(digest) ?? [])
  const [first] = named
  if (first === undefined) return outcome
  const { hop } = outcome
  const facts = [...new Set(named)].map((name) => authenticated('through', name))
  return {
    ...outcome,
    facts: [...facts, ...outcome.facts],
    ...(hop === undefined && outcome.verdict === 'PASS'
      ? {}
      : { hop: `artifact → ${first}${hop?.replace(/^artifact/, '') ?? ''}` }),
  }
}

function evaluateRule(bound: BoundRule, judge: Judge): Evaluated {
  const { rule, parameters, place } = bound
  const outcome = judge(place, (context) => {
    const unknown = findUnknownSigners(bound, context.trust)
    return unknown.length > 0 ? broken(unknown) : rule.evaluate(parameters, context)
  })
  return { fixes: rule.fixes, result: resultOf(place.id, rule.name, outcome) }
}

/**
 * A rule that need not hold is evaluated and shown all the same. What would pass needs no exemption, and a rule that is
 * broken cannot be exempted: nobody knows what it would say.
 */
function exempt(evaluated: Evaluated, exemptions: readonly Exemption[], now: Date): Evaluated {
  const { result } = evaluated
  const exemption = exemptions.find(({ rule }) => rule === result.id)
  if (exemption === undefined || result.verdict === 'PASS' || result.verdict === 'ERROR') {
    return evaluated
  }
  const { reason, owner, since, expires } = exemption
  if (since !== undefined && isBefore(now, since)) return evaluated
  if (isAtOrAfter(now, expires)) {
    const problems = [...result.problems, overdue(exemption)]
    return { ...evaluated, result: { ...result, problems } }
  }
  const until = expires.toISOString()
  return {
    ...evaluated,
    result: {
      ...result,
      verdict: 'EXEMPTED',
      exemption: { reason, owner, expires: until, instead: result.verdict },
      staleAt: until,
    },
  }
}

function overdue({ where, owner, expires, rule }: Exemption): Problem {
  return {
    code: 'EXEMPTION_EXPIRED',
    where,
    expected: `${rule} to hold, or an exemption that is not over`,
    found: `an exemption of ${quote(owner)} until ${expires.toISOString()}`,
    fix: `Make ${rule} hold, or have ${quote(owner)} decide again whether it need not, and write a new "expires"`,
  }
}

function evaluateBinding(policy: Policy, judge: Judge): readonly Evaluated[] {
  const { artifacts } = policy
  if (artifacts === undefined) return []
  const place: Place = {
    id: 'artifacts',
    at: () => `${policy.line('artifacts')} artifacts`,
    line: () => policy.line('artifacts'),
  }
  const outcome = judge(place, (context) => judgeBinding(policy, artifacts, context))
  return [{ fixes: 'artifact', result: resultOf('artifacts', 'artifacts', outcome) }]
}

// A rule that stumbles over evidence must deny, and must not keep the others from being heard.
function guard(place: Place, evaluate: () => Outcome): Outcome {
  try {
    return evaluate()
  } catch (error) {
    const problem: Problem = {
      code: 'RULE_FAILED',
      where: place.at(),
      expected: 'a rule that can be evaluated',
      found: quote(error instanceof Error ? error.message : String(error)),
      fix: 'Report this as a defect of Sallyport, with the evidence; until then decide this deployment by hand',
    }
    return { verdict: 'ERROR', problems: [problem], evidence: [], facts: [] }
  }
}

function broken(problems: readonly Problem[]): Outcome {
  return { verdict: 'ERROR', problems, evidence: [], facts: [] }
}

/** What is missing may lie where nobody could look: then nobody can tell. Bad evidence stays bad. */
function consider(
  judged: Outcome,
  { sources, leftOut, request }: EvidenceIndex,
  place: Place,
): Outcome {
  const outcome = leftOut === 0 ? judged : flooded(judged, leftOut, request, place)
  const unavailable = sources.filter((source) => source.outcome === 'unavailable').map(unreachable)
  if (outcome.verdict === 'PASS' || unavailable.length === 0) return outcome
  if (outcome.verdict === 'ERROR') return outcome
  const problems = [...outcome.problems, ...unavailable]
  return {
    ...outcome,
    problems,
    verdict: outcome.verdict === 'MISSING' ? 'UNVERIFIABLE' : outcome.verdict,
  }
}

/** PRV-18: what was not looked at may say otherwise, so nothing passes; whatever is wrong anyway is told first. */
function flooded(
  outcome: Outcome,
  leftOut: number,
  { artifact, target }: DeploymentRequest,
  place: Place,
): Outcome {
  const { environment, service } = target
  const problem: Problem = {
    code: 'EVIDENCE_TOO_MUCH',
    where: place.at(),
    expected: 'no more records than any one artifact has',
    found: `${leftOut} more records than were looked at`,
    fix: `Pass only the record that is meant: \`sallyport verify ${shellName(artifact.name)} --environment ${shellName(environment)} --service ${shellName(service)} --bundle FILE\``,
  }
  const problems = [...outcome.problems, problem]
  if (outcome.verdict !== 'PASS') return { ...outcome, problems }
  const { evidence, facts } = outcome
  return { evidence, facts, verdict: 'FAIL', problems }
}

function unreachable({ name, detail }: EvidenceSource): Problem {
  const shown = name.toWellFormed()
  return {
    code: 'EVIDENCE_UNAVAILABLE',
    where: shown,
    expected: 'to be able to look for evidence there',
    found: detail === undefined ? 'it could not be reached' : quote(detail.toWellFormed(), 400),
    fix: `Make ${quote(shown, 200)} reachable again, then ask again`,
  }
}

function resultOf(id: string, rule: string, outcome: Outcome): RuleResult {
  const { verdict, problems, evidence, facts, staleAt, hop } = outcome
  return {
    id,
    rule,
    verdict,
    problems,
    evidence,
    facts,
    ...(staleAt === undefined ? {} : { staleAt: staleAt.toISOString() }),
    ...(hop === undefined || verdict === 'PASS' ? {} : { hop }),
  }
}
