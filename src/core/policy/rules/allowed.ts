import { predicateTypes, type Approval } from '#attestation'
import { cut, isAtOrAfter } from '#document'
import { quote } from '#error'
import { claimed } from '#trust'
import { z } from 'zod'
import { judgeAny, type Finding, type Judgement } from '../judge-each.ts'
import { approvalKind, approve } from '../kinds/approval.ts'
import type { Rule, RuleContext } from '../rule.ts'
import { bySchema, countSchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { isFromFuture } from './from-future.ts'
import { checkCount, countOwners } from './owners.ts'

const schema = z.strictObject({
  by: bySchema,
  environment: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('the environment that the approval names; default is the one that is asked about'),
  count: countSchema,
})

type Parameters = z.output<typeof schema>

/** Somebody who may say so has said so: for exactly these bytes, for this environment, and not too long ago. */
export const allowed: Rule<Parameters> = {
  name: 'allowed',
  schema,
  threats: ['T04'],
  threat:
    'A correctly built artifact that was never meant for this environment (a test build, an abandoned release) is deployed there.',
  cannot: 'It cannot tell whether the person who approved looked at anything.',
  fixes: 'evidence',
  predicateTypes: () => [predicateTypes.approval],
  check: ({ count }, signers, place) => checkCount(count, signers, place),
  evaluate: (rule, context) => {
    const environment = rule.environment ?? context.request.target.environment
    const search = context.search(kindFor(environment), rule.by)
    const { good, nothing } = judgeAny(search, ({ said }) =>
      judge(said, environment, rule, context),
    )
    return nothing ?? countOwners(good, rule.count, rule.by, context)
  },
}

function kindFor(environment: string): typeof approvalKind {
  const obtain: (typeof approvalKind)['obtain'] = ({ artifact }, by) =>
    approve(artifact.name, environment, by)
  return { ...approvalKind, obtain }
}

function judge(
  approval: Approval,
  environment: string,
  rule: Parameters,
  context: RuleContext,
): Judgement {
  const { expires, approvedOn, reason, approver } = approval
  const findings = findingsOf(approval, environment, rule, context)
  return {
    findings,
    facts: [
      claimed('environment', approval.environment),
      claimed('approvedOn', approvedOn),
      claimed('reason', cut(reason, 500)),
      ...(approver === undefined ? [] : [claimed('approver', cut(approver, 200))]),
    ],
    ...(expires === undefined ? {} : { staleAt: new Date(expires) }),
  }
}

function findingsOf(
  approval: Approval,
  environment: string,
  { by }: Parameters,
  { now, place, request }: RuleContext,
): readonly Finding[] {
  const { expires, approvedOn } = approval
  const fix = approve(request.artifact.name, environment, by)
  const findings: Finding[] = []
  // An approval for elsewhere is no bad approval; it is none for here.
  if (approval.environment !== environment) {
    const problem = {
      code: 'APPROVAL_ENVIRONMENT' as const,
      where: place.at('environment'),
      expected: `an approval for ${quote(environment)}`,
      found: `one for ${quote(approval.environment)}`,
      fix,
    }
    findings.push({ verdict: 'MISSING', problem })
  }
  if (expires !== undefined && isAtOrAfter(now, new Date(expires))) {
    const problem = {
      code: 'APPROVAL_EXPIRED' as const,
      where: place.at(),
      expected: `an approval that is good at ${now.toISOString()}`,
      found: `one that expired at ${expires}`,
      fix,
    }
    findings.push({ verdict: 'STALE', problem })
  }
  if (isFromFuture(new Date(approvedOn), now)) {
    findings.push(
      fail({
        code: 'TIME_IN_FUTURE',
        where: place.at(),
        expected: `an approval made before ${now.toISOString()}`,
        found: approvedOn,
        fix: 'Correct the clock of whoever approves or of this machine, and approve again',
      }),
    )
  }
  return findings
}
