import type { Decision, RuleResult } from '#decision'
import type { RuleVerdict } from '#policy'
import type { Fact } from '#trust'
import { escape, escapeLine } from './escape.ts'
import { localise } from './invocation.ts'
import { highlight, plural, renderProblems, type Look } from './render.ts'
import { wrap } from './wrap.ts'

export interface Recorded {
  /** Where the decision stands in the log. */
  readonly index: number | bigint
}

/** The one way a decision is shown: the answer, every reason with its fix or every rule with its facts, and the record. */
export function renderDecision(decision: Decision, look: Look, recorded?: Recorded): string {
  const parts = [headline(decision, look)]
  if (decision.reasons.length > 0) parts.push(reasons(decision, look))
  else parts.push(passedRules(decision.rules, look))
  parts.push(footer(decision, look, recorded))
  return parts.join('\n\n')
}

/** What lets an artifact in all the same is a warning. */
function reasons({ reasons: problems, effect }: Decision, look: Look): string {
  return renderProblems(problems, look, effect === 'blocked' ? 'error' : 'warning')
}

/** `sallyport: denied: app.tgz may not run in production/shop` */
export function headline(decision: Decision, { paint }: Look): string {
  const { artifact, target } = decision.request
  const name = escapeLine(artifact.name)
  const where = escapeLine(`${target.environment}/${target.service}`)
  switch (decision.effect) {
    case 'admitted':
      return `sallyport: ${paint.good('allowed')}: ${name} may run in ${where}`
    case 'admitted-audit':
      return `sallyport: ${paint.warn('allowed, audit only')}: ${name} may run in ${where}, and will not once the policy is enforced`
    case 'admitted-unavailable':
      return `sallyport: ${paint.warn('allowed without evidence')}: ${name} may run in ${where}, because the policy chose so for when evidence cannot be had`
    case 'blocked':
      return blocked(decision, name, where, paint.bad)
  }
}

function blocked(
  decision: Decision,
  name: string,
  where: string,
  bad: (text: string) => string,
): string {
  switch (decision.verdict) {
    case 'POLICY_ERROR': {
      const who = decision.policy === null ? 'nobody decides' : 'the policy cannot decide'
      return `sallyport: ${bad('policy error')}: ${who} whether ${name} may run in ${where}, so it may not`
    }
    case 'UNDETERMINED':
      return `sallyport: ${bad('undetermined')}: could not tell whether ${name} may run in ${where}, so it may not`
    case 'ALLOW':
    case 'DENY':
      return `sallyport: ${bad('denied')}: ${name} may not run in ${where}`
  }
}

function passedRules(rules: readonly RuleResult[], look: Look): string {
  const { paint } = look
  const width = Math.max(0, ...rules.map(({ id }) => id.length))
  return rules
    .map(({ id, rule, verdict, facts }) => {
      const state = verdict === 'PASS' ? paint.good('pass') : paint.warn(words[verdict])
      const text = wrap(escapeLine(witness(facts, rule)), look.width, width + 10)
      return `  ${state}  ${escapeLine(id.padEnd(width))}  ${paint.faint(text)}`
    })
    .join('\n')
}

/** Long identifiers that `--json` has, and that nobody compares by eye. */
const unsaid = new Set(['signer', 'signer.keyid', 'builder.id', 'buildType', 'invocationId'])

/** Who said it, and what of it a reader wants to see. */
function witness(facts: readonly Fact[], rule: string): string {
  const signers = facts.flatMap(({ name, value }) => (name === 'signer' ? [String(value)] : []))
  const values = new Map<string, string[]>()
  for (const { name, value } of facts) {
    if (unsaid.has(name) || (name === 'artifact.name' && rule !== 'artifacts')) continue
    values.set(name, [...(values.get(name) ?? []), String(value)])
  }
  const said = [...values].map(([name, all]) => `${name} ${all.join(', ')}`)
  return [[...new Set(signers)].join(', '), said.join(' · ')]
    .filter((part) => part !== '')
    .join(': ')
}

/** Verdicts in the order they are counted, as people say them. */
const words: Readonly<Record<RuleVerdict, string>> = {
  PASS: 'passed',
  EXEMPTED: 'exempted',
  FAIL: 'failed',
  MISSING: 'missing',
  STALE: 'stale',
  UNVERIFIABLE: 'could not be checked',
  UNSUPPORTED: 'unsupported',
  ERROR: 'in error',
}

function footer(decision: Decision, look: Look, recorded: Recorded | undefined): string {
  const counts = countRules(decision.rules)
  const ignored = decision.evidence.filter(({ verified }) => !verified).length
  const parts = [
    ...counts,
    ...(ignored === 0 ? [] : [`${ignored} ${plural(ignored, 'attestation')} not believed`]),
    ...(decision.validUntil === undefined ? [] : [`good until ${decision.validUntil}`]),
    ...(recorded === undefined ? [] : [receipt(recorded, look)]),
  ]
  return highlight(escape(parts.join(' · ')), look.paint)
}

function receipt({ index }: Recorded, look: Look): string {
  const command = localise(`\`sallyport log receipt ${index}\``, look.invocation)
  return `decision ${index} in the log (receipt: ${command.slice(1, -1)})`
}

function countRules(rules: readonly RuleResult[]): string[] {
  const order = Object.keys(words) as RuleVerdict[]
  return order.flatMap((verdict) => {
    const count = rules.filter((rule) => rule.verdict === verdict).length
    if (count === 0) return []
    const subject = verdict === 'PASS' ? `${plural(count, 'rule')} ` : ''
    return [`${count} ${subject}${words[verdict]}`]
  })
}
