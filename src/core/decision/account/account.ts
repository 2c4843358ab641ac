import type { Problem } from '#error'
import type { RuleVerdict } from '#policy'
import type { Decision, RuleResult } from '../decision.ts'
import { countRules, shortWords } from './words.ts'
import { witnessOf } from './witness.ts'

/** How an answer is to be taken: `warn` lets the artifact in, and somebody should look. */
export type Tone = 'good' | 'warn' | 'bad'

/**
 * What is said about a decision, in the order in which it is said: the same in a terminal, a comment, a webhook's
 * message. Its texts are NOT escaped: whoever shows them MUST do that for the place where they are shown, because names
 * and values in them were chosen by attackers.
 */
export interface Account {
  readonly tone: Tone
  /** `denied` */
  readonly state: string
  /** What was decided about: `app.tgz`. */
  readonly artifact: string
  /** `production/shop` */
  readonly target: string
  /** The answer, with a place for the artifact and one for the target: `{artifact} may not run in {target}`. */
  readonly sentence: string
  /** A reason in spite of which the artifact is let in is a warning. */
  readonly severity: 'error' | 'warning'
  /** Every reason, what to fix first coming first. */
  readonly problems: readonly Problem[]
  readonly rules: readonly RuleLine[]
  /** `2 rules passed`, `1 missing`, `good until …` */
  readonly totals: readonly string[]
  /** What has to be heard before anything else: who let it in although the rules say no, why, until when. */
  readonly alarm: readonly string[]
}

/** One rule, and what its answer rests on. */
export interface RuleLine {
  readonly id: string
  readonly verdict: RuleVerdict
  /** `pass`, `missing` … */
  readonly word: string
  /** Who said it and what of it a reader wants to see; empty when nobody did. */
  readonly witness: string
}

/** The one order and the one wording in which decisions are told. */
export function accountOf(decision: Decision): Account {
  const { artifact, target } = decision.request
  return {
    ...answerOf(decision),
    artifact: artifact.name,
    target: `${target.environment}/${target.service}`,
    severity: decision.effect === 'blocked' ? 'error' : 'warning',
    problems: decision.reasons,
    rules: decision.rules.map(lineOf),
    totals: totalsOf(decision),
    alarm: alarmOf(decision),
  }
}

/** The answer with its names in place. `show` makes a name safe for the place where it is shown. */
export function sentenceOf(
  { sentence, artifact, target }: Account,
  show: (name: string) => string,
): string {
  const names: Readonly<Record<string, string>> = { artifact, target }
  return sentence.replace(/\{(artifact|target)\}/g, (_, name: string) => show(names[name] ?? ''))
}

type Answer = Pick<Account, 'tone' | 'state' | 'sentence'>

function answerOf(decision: Decision): Answer {
  switch (decision.effect) {
    case 'admitted':
      return { tone: 'good', state: 'allowed', sentence: '{artifact} may run in {target}' }
    case 'admitted-audit':
      return {
        tone: 'warn',
        state: 'allowed, audit only',
        sentence: '{artifact} may run in {target}, and will not once the policy is enforced',
      }
    case 'admitted-unavailable':
      return {
        tone: 'warn',
        state: 'allowed without evidence',
        sentence:
          '{artifact} may run in {target}, because the policy chose so for when evidence cannot be had',
      }
    case 'admitted-breakglass':
      return {
        tone: 'warn',
        state: 'BREAKGLASS',
        sentence: '{artifact} may run in {target} although it does not meet the policy',
      }
    case 'blocked':
      return { tone: 'bad', ...blocked(decision) }
  }
}

function blocked({ verdict, policy }: Decision): Omit<Answer, 'tone'> {
  switch (verdict) {
    case 'POLICY_ERROR': {
      const who = policy === null ? 'nobody decides' : 'the policy cannot decide'
      const sentence = `${who} whether {artifact} may run in {target}, so it may not`
      return { state: 'policy error', sentence }
    }
    case 'UNDETERMINED': {
      const sentence = 'could not tell whether {artifact} may run in {target}, so it may not'
      return { state: 'undetermined', sentence }
    }
    case 'ALLOW':
    case 'DENY':
      return { state: 'denied', sentence: '{artifact} may not run in {target}' }
  }
}

/** Each text is bounded by the decision. */
function alarmOf({ breakglass, verdict }: Decision): readonly string[] {
  const used = breakglass?.used
  if (used === undefined) return []
  const grants = breakglass?.grants.filter(({ digest }) => used.grants.includes(digest)) ?? []
  return [
    ...grants.flatMap(({ requester = '', reason = '', incident = '' }) => [
      `asked by ${requester}: ${reason}`,
      `incident ${incident}`,
    ]),
    `granted by ${used.approvers.join(', ')} until ${used.until}`,
    `otherwise ${verdict}: ${breakglass?.wanted.join(', ') ?? ''}`,
  ].filter((line, at, all) => all.indexOf(line) === at)
}

function lineOf({ id, rule, verdict, facts, exemption }: RuleResult): RuleLine {
  const witness = exemption === undefined ? witnessOf(facts, rule) : exemptionOf(exemption)
  return { id, verdict, word: shortWords[verdict], witness }
}

/** Why a rule need not hold, who answers for that, until when, and what it would say. */
function exemptionOf({
  reason,
  owner,
  expires,
  instead,
}: NonNullable<RuleResult['exemption']>): string {
  return `${reason} (by ${owner}, until ${expires}; otherwise ${shortWords[instead]})`
}

function totalsOf(decision: Decision): readonly string[] {
  const ignored = decision.evidence.filter(({ verified }) => !verified).length
  const attestations = ignored === 1 ? 'attestation' : 'attestations'
  return [
    ...countRules(decision.rules),
    ...(ignored === 0 ? [] : [`${ignored} ${attestations} not believed`]),
    ...(decision.validUntil === undefined ? [] : [`good until ${decision.validUntil}`]),
  ]
}
