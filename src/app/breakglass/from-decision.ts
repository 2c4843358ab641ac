import { checkRequest, type BreakglassRequest } from '#breakglass'
import { wantedOf, type Decision, type Target } from '#decision'
import { cut } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { GlassOffer } from './terms.ts'

/** What somebody asks for; the rest follows from what is decided without it. */
export interface RequestTerms {
  readonly target: Target
  readonly requester: string
  readonly reason: string
  readonly incident: string
  /** From the approval on. */
  readonly seconds: number
  /** Which rules are to be waived; left out: all that do not hold. */
  readonly rules?: readonly string[]
  readonly now: Date
}

/**
 * What an approver is asked to sign, and what would be refused without it.
 *
 * @param glass who may sign it, and for how long; undefined where nobody may
 * @throws SallyportError BREAKGLASS_NOTHING_TO_WAIVE; BREAKGLASS_REQUEST for rules that hold or are not there, and for words
 *   that no request can have; BREAKGLASS_NOT_OFFERED; BREAKGLASS_TOO_LONG
 */
export function requestFrom(
  terms: RequestTerms,
  decision: Decision,
  glass: GlassOffer | undefined,
): BreakglassRequest {
  const { artifact } = decision.request
  const { rules: results, reasons: problems, policy, verdict } = decision
  const wanted = wantedOf({ policy: policy ?? undefined, rules: results, problems })
  const others = (glass?.others ?? []).filter((rule) => !wanted.includes(rule))
  const rules = terms.rules ?? wanted
  if (rules.length === 0) throw nothingToWaive(decision, others)
  const unknown = rules.filter((rule) => !wanted.includes(rule) && !others.includes(rule))
  if (unknown.length > 0) throw unknownRules(unknown, [...wanted, ...others])
  checkOffer(terms, glass, problems)
  return checkRequest({
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassRequest',
    artifact: { name: cut(artifact.name, 1000), sha256: artifact.digest['sha256'] ?? '' },
    ...terms.target,
    requester: terms.requester,
    requestedOn: `${terms.now.toISOString().slice(0, 19)}Z`,
    seconds: terms.seconds,
    rules: [...new Set(rules)],
    reason: terms.reason,
    incident: terms.incident,
    otherwise: {
      verdict,
      reasons: problems
        .slice(0, 100)
        .map(({ code, where = '', found }) => cut(`${code} ${where}: ${found}`, 2000)),
    },
  })
}

/**
 * In an emergency nobody should carry a request to an approver whose signature will not count.
 *
 * @param problems of the decision: why no policy offers it, if there is a reason
 */
function checkOffer(
  { target, seconds }: Pick<RequestTerms, 'target' | 'seconds'>,
  glass: GlassOffer | undefined,
  problems: readonly Problem[],
): void {
  const where = quote(`${target.environment}/${target.service}`, 200)
  if (glass === undefined) {
    throw new SallyportError(
      {
        code: 'BREAKGLASS_NOT_OFFERED',
        where,
        expected:
          '"breakglass" in the policy of this target or, where no policy can answer, in the trust file',
        found: 'none: nobody may grant anything here',
        fix: 'Correct environment and service, or have the owner of the policy write `breakglass: {approvers: [SIGNER], count: 1, maxDuration: 4h}`, and ask again',
      },
      { also: problems.filter(({ code }) => code.startsWith('POLICY_')).slice(0, 4) },
    )
  }
  const { text, milliseconds } = glass.maxDuration
  if (seconds * 1000 <= milliseconds) return
  throw new SallyportError({
    code: 'BREAKGLASS_TOO_LONG',
    where,
    expected: `at most ${text}`,
    found: `${seconds} seconds`,
    fix: `Ask for ${text} or less (\`--for ${text}\`): when it is over, the next deployment is refused, and can be granted again`,
  })
}

function nothingToWaive(
  { verdict, request, reasons }: Decision,
  others: readonly string[],
): SallyportError {
  const deploy = others.includes('deployers')
    ? 'Deploy it, as one of the deployers of the policy; if somebody else has to, ask again with `--rules deployers`'
    : 'Deploy it'
  return new SallyportError(
    {
      code: 'BREAKGLASS_NOTHING_TO_WAIVE',
      where: quote(request.artifact.name, 200),
      expected: 'rules that do not hold',
      found: `${verdict}: no rule that could be waived`,
      fix:
        verdict === 'ALLOW'
          ? deploy
          : 'Run `sallyport verify` and do what it says: no grant helps here',
    },
    { also: reasons.slice(0, 4) },
  )
}

function unknownRules(unknown: readonly string[], wanted: readonly string[]): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: 'rules to waive',
    expected: `of the rules that do not hold: ${wanted.join(', ')}`,
    found: unknown.map((rule) => quote(rule, 100)).join(', '),
    fix: 'Name none to ask for all of them, or name these as they are written',
  })
}
