import { quote, type Problem } from '#error'
import {
  findUnknownSigners,
  type BoundRule,
  type EvidenceKind,
  type Outcome,
  type Place,
  type Policy,
  type RuleContext,
} from '#policy'
import type { Trust } from '#trust'
import { judgeBinding } from './artifact-binding.ts'
import type { EvidenceSource, RuleResult } from './decision.ts'
import { searchEvidence, type EvidenceIndex } from './search.ts'

/** A result, and what a fix of it changes. */
export interface Evaluated {
  readonly result: RuleResult
  readonly fixes: 'artifact' | 'evidence'
}

/** Evaluates every rule of the policy; none stops another, and none can make the decision fail. */
export function evaluateAll(
  policy: Policy,
  index: EvidenceIndex,
  trust: Trust,
  now: Date,
): readonly Evaluated[] {
  const contextAt = (place: Place): RuleContext => ({
    request: index.request,
    now,
    trust,
    place,
    search: <T>(kind: EvidenceKind<T>, by: readonly string[]) =>
      searchEvidence(kind, by, index, place),
  })
  const required = policy.rules.map((bound) =>
    evaluateRule(bound, contextAt(bound.place), index.sources),
  )
  return [...required, ...evaluateBinding(policy, contextAt, index.sources)]
}

function evaluateRule(
  bound: BoundRule,
  context: RuleContext,
  sources: readonly EvidenceSource[],
): Evaluated {
  const { rule, parameters, place } = bound
  const outcome = guard(place, () => {
    const unknown = findUnknownSigners(bound, context.trust)
    return unknown.length > 0 ? broken(unknown) : rule.evaluate(parameters, context)
  })
  return { fixes: rule.fixes, result: resultOf(place.id, rule.name, consider(outcome, sources)) }
}

function evaluateBinding(
  policy: Policy,
  contextAt: (place: Place) => RuleContext,
  sources: readonly EvidenceSource[],
): readonly Evaluated[] {
  const { artifacts } = policy
  if (artifacts === undefined) return []
  const place: Place = {
    id: 'artifacts',
    at: () => `${policy.line('artifacts')} artifacts`,
    line: () => policy.line('artifacts'),
  }
  const outcome = guard(place, () => judgeBinding(policy, artifacts, contextAt(place)))
  return [
    { fixes: 'artifact', result: resultOf('artifacts', 'artifacts', consider(outcome, sources)) },
  ]
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
function consider(outcome: Outcome, sources: readonly EvidenceSource[]): Outcome {
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
