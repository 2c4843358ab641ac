import { predicateTypes, readBreakglass, type Breakglass, type Statement } from '#attestation'
import { cut, encodeCanonical, isBefore, isAtOrAfter, sha256Hex, type Json } from '#document'
import { SallyportError, type Problem } from '#error'
import type { DeploymentRequest, Policy } from '#policy'
import {
  isVerified,
  namesOf,
  personOf,
  type BreakglassTerms,
  type Trust,
  type Verified,
} from '#trust'
import type { BreakglassResult, Effect, GrantResult, RuleResult, Verdict } from './decision.ts'
import { inSource, type Examined } from './examine.ts'
import * as refuse from './breakglass-problems.ts'

/** What is known when everything else has been decided. */
export interface BreakglassQuestion {
  readonly request: DeploymentRequest
  readonly policy: Policy | undefined
  readonly trust: Trust
  readonly now: Date
  readonly examined: readonly Examined[]
  readonly rules: readonly RuleResult[]
  /** What is wrong before any rule is asked. */
  readonly problems: readonly Problem[]
  readonly verdict: Verdict
  /** What follows from the verdict without any grant. */
  readonly effect: Effect
}

/** So many grants are told, and counted: those that hold first. What anybody can add must not crowd out what approvers have signed. */
const maxGrants = 32

/**
 * Looks at every grant among the evidence, and says whether together they let the artifact in. The verdict stays what it
 * is. Undefined when there is no grant: then nothing is said, and nothing changes.
 */
export function judgeBreakglass(question: BreakglassQuestion): BreakglassResult | undefined {
  const found = distinct(question.examined.filter(isGrant))
  if (found.length === 0) return undefined
  const wanted = wantedOf(question)
  const terms = termsOf(question)
  const judged = inOrder(found, terms).map((one) => judge(one, wanted, terms, question))
  const counted = count(most(judged), terms, question)
  const result: BreakglassResult = {
    ...(terms === undefined ? {} : { terms: shown(terms) }),
    wanted,
    grants: counted.grants,
  }
  const { used } = counted
  return used === undefined || question.effect !== 'blocked' ? result : { ...result, used }
}

/** Each grant once. Anybody can write the same signatures over the same words into as many files as they like. */
function distinct(records: readonly Examined[]): readonly Examined[] {
  const found = new Map<string, Examined>()
  for (const one of records) {
    const key = sameWords(one)
    const before = found.get(key)
    if (before === undefined || one.item.digest <= before.item.digest) found.set(key, one)
  }
  return [...found.values()]
}

function sameWords({ item, result }: Examined): string {
  if (result === undefined || !isVerified(result)) return item.digest
  const keys = result.signers.flatMap((signer) => signer.keys.map(({ keyid }) => keyid)).sort()
  return `${sha256Hex(encodeCanonical(result.value as unknown as Json))} ${keys.join(' ')}`
}

/** Grants of approvers first, then by digest; of all others, as many as could be told. */
function inOrder(records: readonly Examined[], terms: Terms | undefined): readonly Examined[] {
  const ranked = records.map((one) => ({ one, isLast: Number(!isOfApprover(one, terms)) }))
  ranked.sort((a, b) => a.isLast - b.isLast || (a.one.item.digest < b.one.item.digest ? -1 : 1))
  return ranked.filter(({ isLast }, at) => isLast === 0 || at < maxGrants).map(({ one }) => one)
}

/** Those that hold go before those that do not; the order stays. */
function most(judged: readonly Judged[]): readonly Judged[] {
  if (judged.length <= maxGrants) return judged
  const holds = ({ result }: Judged): boolean => result.problems.length === 0
  const others = judged.filter((one) => !holds(one))
  const kept = new Set([...judged.filter(holds), ...others].slice(0, maxGrants))
  return judged.filter((one) => kept.has(one))
}

function isOfApprover({ result }: Examined, terms: Terms | undefined): boolean {
  return result !== undefined && isVerified(result) && ownersOf(result, terms).length > 0
}

/** What a grant has to waive: every rule that does not hold, and whatever else keeps the gate shut. */
export function wantedOf(
  question: Pick<BreakglassQuestion, 'rules' | 'problems'> & {
    readonly policy: object | undefined
  },
): readonly string[] {
  const failing = question.rules
    .filter(({ verdict }) => verdict !== 'PASS' && verdict !== 'EXEMPTED')
    .map(({ id }) => id)
  const codes = new Set(question.problems.map(({ code }) => code))
  return [
    ...(question.policy === undefined ? ['policy'] : []),
    ...failing,
    ...(codes.has('EXEMPTED_EVERYTHING') ? ['exemptions'] : []),
    ...(codes.has('DEPLOYER_NOT_ALLOWED') ? ['deployers'] : []),
  ]
}

type Terms = BreakglassTerms & { readonly from: 'policy' | 'trust' }

/**
 * The policy says who may; where it cannot be asked, or evidence could not be had, the trust file. A trust file that is over
 * says nothing about anybody, and a request without digest is about nothing.
 */
function termsOf({ policy, trust, now, verdict, problems }: BreakglassQuestion): Terms | undefined {
  if (trust.expires !== undefined && isAtOrAfter(now, trust.expires)) return undefined
  if (problems.some(({ code }) => code === 'REQUEST_INVALID')) return undefined
  if (policy?.breakglass !== undefined) return { ...policy.breakglass, from: 'policy' }
  const isBroken = verdict === 'UNDETERMINED' || verdict === 'POLICY_ERROR'
  if (!isBroken || trust.breakglass === undefined) return undefined
  return { ...trust.breakglass, from: 'trust' }
}

function shown({
  from,
  approvers,
  count: needed,
  maxDuration,
}: Terms): NonNullable<BreakglassResult['terms']> {
  return { from, approvers, count: needed, maxDuration: maxDuration.text }
}

function isGrant({ claims }: Examined): boolean {
  return claims?.predicateType === predicateTypes.breakglass
}

interface Judged {
  readonly result: GrantResult
  /** Owners of keys of approvers who have signed. */
  readonly owners: readonly string[]
  readonly grant?: Breakglass
}

function judge(
  one: Examined,
  wanted: readonly string[],
  terms: Terms | undefined,
  question: BreakglassQuestion,
): Judged {
  const { item } = one
  const row = { digest: item.digest.toWellFormed(), source: item.source.toWellFormed() }
  const bad = (problems: readonly Problem[]): Judged => ({
    result: { ...row, problems },
    owners: [],
  })
  const verified = one.result
  // A grant is for the bytes that it names. What it says about an index says nothing about what that lists.
  if (one.subjects.length === 0 || one.through !== undefined || verified === undefined)
    return bad([refuse.otherArtifact(question.request, row.source)])
  if (!isVerified(verified)) return bad([inSource(verified.problems[0], item)])
  try {
    const grant = readBreakglass(verified.value)
    const owners = ownersOf(verified, terms)
    const by = verified.signers.map(({ name }) => name)
    const problems = faultsOf(row.source, grant, { owners, by }, { wanted, terms, question })
    return { result: { ...row, ...told(grant, owners), problems }, owners, grant }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return bad(error.problems.slice(0, 4).map((problem) => inSource(problem, item)))
  }
}

function ownersOf(verified: Verified<Statement>, terms: Terms | undefined): readonly string[] {
  const signers = verified.signers.filter(({ name }) => terms?.approvers.includes(name) ?? false)
  return [...new Set(signers.flatMap(({ keys }) => keys.map(({ owner }) => owner)))].sort()
}

function told(
  { requester, environment, service, rules, reason, incident, notBefore, expires }: Breakglass,
  approvers: readonly string[],
): Omit<GrantResult, 'digest' | 'source' | 'problems'> {
  return {
    requester: cut(requester, 2000),
    approvers,
    environment: cut(environment, 200),
    ...(service === undefined ? {} : { service: cut(service, 200) }),
    rules: rules.slice(0, 100).map((rule) => cut(rule, 200)),
    reason: cut(reason, 1000),
    incident: cut(incident, 500),
    notBefore,
    expires,
  }
}

interface Parts {
  readonly wanted: readonly string[]
  readonly terms: Terms | undefined
  readonly question: BreakglassQuestion
}

/** Everything that keeps one grant from counting, whoever else has granted it. */
function faultsOf(
  source: string,
  grant: Breakglass,
  { owners, by }: { readonly owners: readonly string[]; readonly by: readonly string[] },
  { wanted, terms, question }: Parts,
): readonly Problem[] {
  const { request, now } = question
  if (terms === undefined) return [refuse.notOffered(question.policy, question.trust, source)]
  const { environment, service, rules, notBefore, expires } = grant
  const { target } = request
  const begins = Date.parse(notBefore)
  const ends = Date.parse(expires)
  const isThere =
    environment === target.environment && (service === undefined || service === target.service)
  const open = wanted.filter((rule) => !rules.includes(rule))
  return [
    ...(isThere ? [] : [refuse.otherTarget(target, grant, source)]),
    ...(isBefore(now, begins) ? [refuse.notYet(now, grant, source)] : []),
    ...(isAtOrAfter(now, ends) ? [refuse.expired(now, grant, source)] : []),
    ...(ends - begins > terms.maxDuration.milliseconds
      ? [refuse.tooLong(terms.maxDuration.text, grant, source)]
      : []),
    ...(open.length > 0 ? [refuse.rulesLeft(open, grant, source)] : []),
    ...(owners.length === 0 ? [refuse.notApprover(terms.approvers, by, source)] : []),
  ]
}

interface Counted {
  readonly grants: readonly GrantResult[]
  readonly used?: NonNullable<BreakglassResult['used']>
}

/**
 * Counts distinct owners over all grants that hold. Whoever asked for one of them, or asks now, counts for none: neither by
 * the name that they say, which costs nothing to choose, nor by the one that they have proven.
 */
function count(
  judged: readonly Judged[],
  terms: Terms | undefined,
  { request }: BreakglassQuestion,
): Counted {
  const sound = judged.filter(({ result }) => result.problems.length === 0)
  const { requester = '', principal = requester } = request
  const asked = [requester, principal, ...sound.map(({ grant }) => grant?.requester ?? '')]
  const askers = new Set(asked.flatMap(namesOf))
  const others = (owners: readonly string[]): readonly string[] =>
    owners.filter((owner) => !askers.has(personOf(owner)))
  const good = sound.filter(({ owners }) => others(owners).length > 0)
  const ends = endsOf(good.map((one) => ({ ...one, owners: others(one.owners) })))
  const named = [...ends.values()].map(({ owner }) => owner).sort()
  const isEnough = terms !== undefined && ends.size >= terms.count
  const grants = judged.map(({ result, owners }): GrantResult => {
    if (result.problems.length > 0) return result
    const problem =
      others(owners).length === 0
        ? refuse.selfApproved(owners, result.source)
        : isEnough
          ? undefined
          : refuse.tooFew(named, terms?.count ?? 1, result.source)
    return problem === undefined ? result : { ...result, problems: [problem] }
  })
  if (!isEnough) return { grants }
  const latestFirst = [...ends.values()].map(({ end }) => end).sort((a, b) => b - a)
  return {
    grants,
    used: {
      approvers: named,
      until: new Date(latestFirst[terms.count - 1] ?? 0).toISOString(),
      grants: good.map(({ result }) => result.digest),
    },
  }
}

/** Until when each person's word holds, and the first of the names under which their keys stand in the trust file. */
function endsOf(
  good: readonly Judged[],
): ReadonlyMap<string, { readonly owner: string; readonly end: number }> {
  const ends = new Map<string, { readonly owner: string; readonly end: number }>()
  for (const { owners, grant } of good) {
    const end = Date.parse(grant?.expires ?? '')
    for (const owner of owners) {
      const before = ends.get(personOf(owner)) ?? { owner, end }
      const first = before.owner < owner ? before.owner : owner
      ends.set(personOf(owner), { owner: first, end: Math.max(before.end, end) })
    }
  }
  return ends
}
