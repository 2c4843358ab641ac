import { trackLevelOf, type Vsa } from '#attestation'
import { quote, type Problem } from '#error'
import { authenticated, claimed } from '#trust'
import { z } from 'zod'
import { judgeAny } from '../judge-each.ts'
import { levelOf, type Level } from '../kinds/level.ts'
import { provenanceKind } from '../kinds/provenance.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Outcome, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { countOwners } from './owners.ts'
import { futureProblem, verifierProblem } from './summary.ts'

const schema = z.strictObject({
  by: bySchema,
  level: z.int().min(1, 'a level from 1 to 3').max(3, 'a level from 1 to 3'),
})

type Parameters = z.output<typeof schema>

/** Built at a SLSA Build level at least: by provenance, or by the summary of a verifier (SLS-07). */
export const minimumLevel: Rule<Parameters> = {
  name: 'minimumLevel',
  schema,
  threats: ['T10', 'T12', 'T13', 'T14'],
  threat:
    'An artifact that was built where builds can be tampered with is deployed to where that is not good enough.',
  cannot:
    'A level says how hard the build is to tamper with, and nothing about what was built from where: `built` asks that. How far a builder is trusted is what the trust file says.',
  fixes: 'artifact',
  predicateTypes: () => [...provenanceKind.predicateTypes, ...predicateKinds.vsa.predicateTypes],
  check: ({ level }, signers, place) => {
    const highest = Math.max(
      0,
      ...signers.flatMap(({ builders, builderPrefixes, verifiers }) => [
        ...builders.values(),
        ...builderPrefixes.map((one) => one.level),
        ...(verifiers.size === 0 ? [] : [3]),
      ]),
    )
    if (level <= highest) return []
    const problem: Problem = {
      code: 'POLICY_LEVEL_UNREACHABLE',
      where: place.at('level'),
      expected: `at most level ${highest}, the highest that the trust file lets the named signers claim`,
      found: `level ${level}`,
      fix: `Name a signer whose builders have level ${level}, or lower the level`,
    }
    return [problem]
  },
  evaluate: (rule, context) => {
    const outcomes = [byProvenance(rule, context), bySummary(rule, context)]
    const [first] = outcomes
    const passed = outcomes.find(({ verdict }) => verdict === 'PASS')
    // That somebody says too little says more than that somebody else says nothing.
    const failed = outcomes.find(({ verdict }) => verdict === 'FAIL')
    return passed ?? failed ?? first ?? byProvenance(rule, context)
  },
}

function byProvenance({ by, level }: Parameters, context: RuleContext): Outcome {
  const { good, nothing } = judgeAny(context.search(provenanceKind, by), (testimony) => {
    const { level: found, limit } = levelOf(testimony)
    const findings =
      found >= level ? [] : [fail(tooLow(level, { level: found, limit }, by, context))]
    return { findings, facts: [authenticated('level', found), authenticated('level.limit', limit)] }
  })
  return nothing ?? countOwners(good, 1, by, context)
}

function bySummary({ by, level }: Parameters, context: RuleContext): Outcome {
  const { good, nothing } = judgeAny(context.search(predicateKinds.vsa, by), (testimony) => {
    const { said } = testimony
    const found = summarised(said)
    const limit = `all that ${quote(said.verifierId, 200)} says`
    const problems = [
      verifierOf(testimony, context),
      found >= level ? undefined : tooLow(level, { level: found, limit }, by, context),
      futureProblem(said.timeVerified, context.now, context.place.at()),
    ]
    return {
      findings: problems.flatMap((problem) => (problem === undefined ? [] : [fail(problem)])),
      facts: [claimed('verifier', said.verifierId), claimed('level', found)],
    }
  })
  return nothing ?? countOwners(good, 1, by, context)
}

function verifierOf({ said, signers }: Testimony<Vsa>, { trust, place }: RuleContext) {
  return verifierProblem(said.verifierId, signers, undefined, trust.signers, place)
}

/** Of a summary that says no nothing follows, whatever levels it lists. */
function summarised({ verificationResult, verifiedLevels }: Vsa): number {
  if (verificationResult !== 'PASSED') return 0
  const levels = verifiedLevels.map(trackLevelOf).filter((one) => one?.track === 'SLSA_BUILD')
  return Math.max(0, ...levels.map((one) => one?.level ?? 0))
}

function tooLow(
  level: number,
  found: Level,
  by: readonly string[],
  { place, request }: RuleContext,
): Problem {
  return {
    code: 'LEVEL_TOO_LOW',
    where: place.at('level'),
    expected: `SLSA Build level ${level} for ${request.target.environment}`,
    found: `level ${found.level}: ${found.limit}`,
    fix: `Build with a builder of ${by.join(' or ')} that the trust file lets claim level ${level}`,
  }
}
