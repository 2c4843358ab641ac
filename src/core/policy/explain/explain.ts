import type { Signer, Trust } from '#trust'
import { showDeployer } from '../deployers.ts'
import { modeAt, type Policy } from '../policy.ts'
import { threats, unanswered, type ThreatId } from '../threats.ts'
import { artifactsOf, demandsOf } from './demands.ts'
import { elsewhere } from './elsewhere.ts'

/** A policy in plain words. */
export interface Explanation {
  readonly name: string
  readonly owner: string
  readonly file: string
  readonly targets: readonly string[]
  /** What may run there; empty when the policy does not limit it. */
  readonly artifacts: string
  readonly rules: readonly ExplainedRule[]
  /** What follows from a no, and from not being able to tell. */
  readonly consequences: readonly string[]
  /** Threats that no rule answers, and what answers them elsewhere (THR-09). */
  readonly unanswered: readonly ExplainedThreat[]
}

export interface ExplainedRule {
  readonly id: string
  readonly rule: string
  /** `file:line:column` */
  readonly where: string
  /** What must hold, in sentences. */
  readonly demands: readonly string[]
  /** Who must say it. */
  readonly by: readonly string[]
  readonly answers: readonly { readonly id: ThreatId; readonly title: string }[]
  readonly threat: string
  /** What it cannot do: never left out where the threat is shown (THR-06). */
  readonly cannot: string
  readonly exemption?: string
}

export interface ExplainedThreat {
  readonly id: ThreatId
  readonly title: string
  readonly elsewhere: string
}

/** Says what a policy demands, who must say it, which threats it answers, and which it does not. */
export function explainPolicy(policy: Policy, trust: Trust | undefined, now: Date): Explanation {
  return {
    name: policy.name,
    owner: policy.owner,
    file: policy.file,
    targets: policy.targets.map(({ environment, service }) => `${environment}/${service}`),
    artifacts: policy.artifacts === undefined ? '' : artifactsOf(policy.artifacts),
    rules: policy.rules.map((bound): ExplainedRule => {
      const { rule, place, parameters } = bound
      const exemption = exemptionOf(policy, place.id, now)
      return {
        id: place.id,
        rule: rule.name,
        where: place.line(),
        demands: demandsOf(bound),
        by: parameters.by.map((name) => signerText(name, trust)),
        answers: rule.threats.map((id) => ({ id, title: threats[id] })),
        threat: rule.threat,
        cannot: rule.cannot,
        ...(exemption === undefined ? {} : { exemption }),
      }
    }),
    consequences: consequencesOf(policy, now),
    unanswered: unanswered(answering(policy, now)).map((id) => ({
      id,
      title: threats[id],
      elsewhere: elsewhere[id],
    })),
  }
}

/** The rules that count now: one that need not hold answers nothing. */
function answering({ rules, exemptions }: Policy, now: Date) {
  const exempted = exemptions
    .filter(({ since, expires }) => now < expires && (since === undefined || now >= since))
    .map(({ rule }) => rule)
  return rules.filter(({ place }) => !exempted.includes(place.id)).map(({ rule }) => rule)
}

function signerText(name: string, trust: Trust | undefined): string {
  const signer = trust?.signers.get(name)
  if (trust === undefined) return name
  return signer === undefined
    ? `${name} (nobody: the trust file does not know it)`
    : described(signer)
}

function described({ name, owner, keys, identities, certificates, threshold }: Signer): string {
  const count = (items: number, noun: string): string =>
    items === 0 ? '' : `${items} ${noun}${items === 1 ? '' : 's'}`
  const ways = [
    count(keys.length, 'key'),
    identities.length === 1 ? '1 identity' : count(identities.length, 'identitie'),
    count(certificates.length, 'certificate name'),
    threshold > 1 ? `${threshold} owners together` : '',
  ]
  return `${name} (owner ${owner}; ${ways.filter((way) => way !== '').join(', ')})`
}

function exemptionOf({ exemptions }: Policy, id: string, now: Date): string | undefined {
  const exemption = exemptions.find(({ rule }) => rule === id)
  if (exemption === undefined) return undefined
  const { reason, owner, since, expires } = exemption
  const until = `${owner} answers for it: ${reason}`
  if (now >= expires)
    return `It need not have held until ${expires.toISOString()}; now it must. ${until}`
  if (since !== undefined && now < since)
    return `It need not hold from ${since.toISOString()} until ${expires.toISOString()}. ${until}`
  return `It need not hold until ${expires.toISOString()}. ${until}`
}

function glassOf({ breakglass }: Policy): string {
  if (breakglass === undefined) return 'Nobody may break the glass: a rule that says no is final.'
  const { approvers, count, maxDuration } = breakglass
  const who = count === 1 ? 'One' : `${count} distinct people`
  return `${who} of ${approvers.join(', ')} may let one artifact in although a rule says no, for at most ${maxDuration.text}; everybody who has to know hears of it.`
}

function deployersOf({ deployers }: Policy): readonly string[] {
  if (deployers === undefined) return []
  const who = deployers.map(showDeployer).join(', ')
  return [`Only these may deploy there, whatever the artifact is: ${who}.`]
}

function consequencesOf(policy: Policy, now: Date): readonly string[] {
  const { auditUntil, whenUnavailable } = policy
  const audit = modeAt(policy, now) === 'audit'
  const end = auditUntil === undefined ? ', without an end' : `, until ${auditUntil.toISOString()}`
  return [
    audit
      ? `Nothing is refused: the policy only watches${end}. What it would refuse is recorded.`
      : 'All rules must hold; what does not is refused.',
    whenUnavailable === 'allow'
      ? 'When evidence cannot be looked for, the artifact is let in and marked; bad or missing evidence still denies.'
      : 'When evidence cannot be looked for, the artifact is refused.',
    ...deployersOf(policy),
    glassOf(policy),
  ]
}
