import type { Svr } from '#attestation'
import { isBefore } from '#document'
import { quote, type Problem } from '#error'
import { claimed, type Signer } from '#trust'
import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Outcome, Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { futureProblem, judgeSummary, verifierProblem } from './summary.ts'

const schema = z
  .strictObject({
    by: bySchema,
    form: z
      .enum(['vsa', 'svr'])
      .default('vsa')
      .describe('SLSA verification summary, or in-toto simple verification result'),
    verifier: z.string().min(1).max(2000).describe('the id of the verifier, exactly'),
    resource: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .describe('the URI under which it was verified, exactly; a result (svr) names none'),
    levels: z
      .array(z.string().min(1).max(200))
      .min(1, 'at least one level or property')
      .max(64)
      .describe('SLSA levels (a higher one of the same track counts) or properties, all of them'),
    within: durationSchema.optional().describe('how old the verification may be'),
  })
  .refine(
    ({ form, resource }) => (form === 'vsa') === (resource !== undefined),
    'a "resource" for a summary (vsa), and none for a result (svr)',
  )

type Parameters = z.output<typeof schema>

/** A named verifier has verified it: whoever trusts that verifier need not verify again. */
export const verified: Rule<Parameters> = {
  name: 'verified',
  schema,
  threats: ['T05', 'T31'],
  threat:
    'An artifact from elsewhere, whose own evidence cannot be had here, is deployed without anybody having verified it.',
  cannot:
    'It believes the verifier: what that did not look at, or let through, is not looked at again. A result in the simple form names no resource, so it holds wherever the bytes are.',
  fixes: 'evidence',
  predicateTypes: ({ form }) => [
    ...(form === 'vsa' ? predicateKinds.vsa : predicateKinds.svr).predicateTypes,
  ],
  check: ({ verifier }, signers, place) => checkVerifier(verifier, signers, place),
  evaluate: (rule, context) =>
    rule.form === 'vsa' ? bySummary(rule, context) : byResult(rule, context),
}

function bySummary(rule: Parameters, context: RuleContext): Outcome {
  const { resource = '', verifier, levels } = rule
  return judgeEach(context.search(predicateKinds.vsa, rule.by), context, ({ said, signers }) => {
    const asked = { verifier, levels, resources: [resource] }
    const findings = [
      ...judgeSummary(said, signers, asked, context),
      ...judgeAge(said.timeVerified, rule, context),
    ]
    const facts = [
      claimed('verifier', said.verifierId),
      claimed('resource', said.resourceUri),
      ...said.verifiedLevels.slice(0, 16).map((level) => claimed('verifiedLevel', level)),
    ]
    return withEnd({ findings, facts }, said.timeVerified, rule)
  })
}

function byResult(rule: Parameters, context: RuleContext): Outcome {
  return judgeEach(context.search(predicateKinds.svr, rule.by), context, (testimony) =>
    judgeResult(testimony, rule, context),
  )
}

function judgeResult(
  { said, signers }: Testimony<Svr>,
  rule: Parameters,
  context: RuleContext,
): Judgement {
  const { place, trust } = context
  const missing = rule.levels.filter((level) => !said.properties.includes(level))
  const problems = [
    verifierProblem(said.verifierId, signers, rule.verifier, trust.signers, place),
    missing.length === 0 ? undefined : withoutProperties(said, missing, place),
  ]
  const findings: readonly Finding[] = [
    ...problems.flatMap((problem) => (problem === undefined ? [] : [fail(problem)])),
    ...judgeAge(said.timeCreated, rule, context),
  ]
  const facts = [
    claimed('verifier', said.verifierId),
    ...said.properties.slice(0, 16).map((property) => claimed('property', property)),
  ]
  return withEnd({ findings, facts }, said.timeCreated, rule)
}

function withoutProperties({ properties }: Svr, missing: readonly string[], place: Place): Problem {
  return {
    code: 'SUMMARY_LEVELS',
    where: place.at('levels'),
    expected: missing.map((name) => quote(name, 100)).join(' and '),
    found:
      properties.length === 0
        ? 'no property at all'
        : properties
            .slice(0, 8)
            .map((name) => quote(name, 80))
            .join(', '),
    fix: `Have it verified for ${missing.join(' and ')}: what is not listed has not been verified`,
  }
}

function judgeAge(
  time: string | undefined,
  { within, by }: Parameters,
  { now, place }: RuleContext,
): readonly Finding[] {
  const where = place.at('within')
  const future = futureProblem(time, now, where)
  if (future !== undefined) return [fail(future)]
  if (within === undefined) return []
  const expected = `a verification of the last ${within.text}`
  const fix = `Have ${by.join(' or ')} verify it again`
  if (time === undefined) {
    const found = 'one that does not say when it was made'
    return [{ verdict: 'MISSING', problem: { code: 'FACT_MISSING', where, expected, found, fix } }]
  }
  if (isBefore(now, Date.parse(time) + within.milliseconds)) return []
  return [
    { verdict: 'STALE', problem: { code: 'SUMMARY_TOO_OLD', where, expected, found: time, fix } },
  ]
}

function withEnd(
  judgement: Judgement,
  time: string | undefined,
  { within }: Parameters,
): Judgement {
  if (time === undefined || within === undefined) return judgement
  return { ...judgement, staleAt: new Date(Date.parse(time) + within.milliseconds) }
}

/** A verifier for which none of the named signers may speak. */
function checkVerifier(
  verifier: string,
  signers: readonly Signer[],
  place: Place,
): readonly Problem[] {
  if (signers.some(({ verifiers }) => verifiers.has(verifier))) return []
  const names = signers.map(({ name }) => name).join(' or ')
  return [
    {
      code: 'POLICY_VERIFIER',
      where: place.at('verifier'),
      expected: `a verifier that the trust file lets ${names} speak for`,
      found: quote(verifier),
      fix: `Add ${quote(verifier)} to "verifiers" of ${names} in the trust file if they run it, or correct "verifier"`,
    },
  ]
}
