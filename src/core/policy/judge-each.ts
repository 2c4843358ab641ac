import { cut } from '#document'
import type { Problem } from '#error'
import { authenticated, type CertificateProof, type Fact, type VerifiedSigner } from '#trust'
import type { Outcome, RuleContext, Search, Testimony } from './rule.ts'
import { shellName } from './shell-name.ts'

/** One thing that is wrong with one record. */
export interface Finding {
  readonly verdict: 'FAIL' | 'UNSUPPORTED' | 'MISSING' | 'STALE'
  readonly problem: Problem
  /** The link of the chain that does not hold, where it is not the one to the record itself. */
  readonly hop?: string
}

/** What one record says about what a rule asks. */
export interface Judgement {
  /** Every comparison that failed; none means yes. */
  readonly findings: readonly Finding[]
  readonly facts: readonly Fact[]
  readonly staleAt?: Date
}

interface Judged<T> extends Judgement {
  readonly testimony: Testimony<T>
}

/** From what hurts most to what is nearest to a yes. */
const severity = ['FAIL', 'UNSUPPORTED', 'MISSING', 'STALE'] as const

/**
 * Judges every record that counts, and makes one outcome of it (PRV-17). A record that says no contradicts one that
 * says yes: that is ambiguous, and refused as such. A record that says nothing, or said yes in the past,
 * contradicts nobody. When none says yes, the nearest miss is explained.
 */
export function judgeEach<T>(
  search: Search<T>,
  context: RuleContext,
  judge: (testimony: Testimony<T>) => Judgement,
): Outcome {
  if (search.nothing !== undefined) return search.nothing
  const judged = search.found.map((testimony) => ({ testimony, ...judge(testimony) }))
  const yes = judged.filter(({ findings }) => findings.length === 0)
  const no = judged.filter(({ findings }) => worst(findings) === 'FAIL')
  const [best] = [...yes].sort(longestFirst)
  if (best === undefined) return nearestMiss(judged)
  const [contradiction] = no
  return contradiction === undefined ? pass(best) : ambiguous(best, contradiction, judged, context)
}

/** As `judgeEach`, where one good record is enough whatever others say: approvals do not contradict each other. */
export function judgeAny<T>(
  search: Search<T>,
  judge: (testimony: Testimony<T>) => Judgement,
): { readonly good: readonly Judged<T>[]; readonly nothing?: Outcome } {
  if (search.nothing !== undefined) return { good: [], nothing: search.nothing }
  const judged = search.found.map((testimony) => ({ testimony, ...judge(testimony) }))
  const good = judged.filter(({ findings }) => findings.length === 0).sort(longestFirst)
  return good.length > 0 ? { good } : { good, nothing: nearestMiss(judged) }
}

/** When the first of several moments comes. */
export function earliest(...moments: readonly (Date | undefined)[]): Date | undefined {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 ? undefined : new Date(Math.min(...known.map(Number)))
}

/** When the last of the signers stops being believed. */
export function endOfSigners(signers: readonly VerifiedSigner[]): Date | undefined {
  const ends = signers.map(({ validUntil }) => validUntil)
  if (ends.includes(undefined)) return undefined
  return new Date(Math.max(...ends.map(Number)))
}

/** Who said it: the first facts of every rule. */
export function signerFacts(signers: readonly VerifiedSigner[]): readonly Fact[] {
  return signers.flatMap(({ name, keyid, certificate }) => [
    authenticated('signer', name),
    ...(certificate === undefined
      ? [authenticated('signer.keyid', keyid)]
      : certificateFacts(certificate)),
  ])
}

/** What an authority proves about who signed, and when. */
function certificateFacts({ subject, issuer, claims, times }: CertificateProof): readonly Fact[] {
  const [first] = times
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['signer.subject', subject],
    ['signer.issuer', issuer],
    ['signer.run', claims['runInvocationURI']],
    ['signer.environment', claims['runnerEnvironment']],
    ['signedAt', first?.at.toISOString()],
  ]
  return facts.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [authenticated(name, cut(value, 500))],
  )
}

function pass<T>({ testimony, facts, staleAt }: Judged<T>): Outcome {
  const end = earliest(staleAt, endOfSigners(testimony.signers))
  return {
    verdict: 'PASS',
    problems: [],
    evidence: [testimony.verified.digest],
    facts: [...signerFacts(testimony.signers), ...facts],
    ...(end === undefined ? {} : { staleAt: end }),
  }
}

function nearestMiss<T>(judged: readonly Judged<T>[]): Outcome {
  const [nearest] = [...judged].sort(
    (a, b) =>
      rank(b.findings) - rank(a.findings) ||
      a.findings.length - b.findings.length ||
      byDigest(a, b),
  )
  if (nearest === undefined) throw new TypeError('there is a reason when nothing was found')
  const { testimony, findings, facts } = nearest
  const hop = findings.find((finding) => finding.hop !== undefined)?.hop
  return {
    ...(hop === undefined ? {} : { hop }),
    verdict: worst(findings) ?? 'FAIL',
    problems: findings.map(({ problem }) => amongst(problem, judged.length, testimony)),
    evidence: [testimony.verified.digest],
    facts: [...signerFacts(testimony.signers), ...facts],
  }
}

function amongst<T>(problem: Problem, count: number, { verified }: Testimony<T>): Problem {
  if (count === 1) return problem
  const record = `${verified.digest.slice(0, 12)}…`
  return { ...problem, found: `${problem.found} (record ${record}, the nearest of ${count})` }
}

function ambiguous<T>(
  yes: Judged<T>,
  no: Judged<T>,
  judged: readonly Judged<T>[],
  context: RuleContext,
): Outcome {
  const because = no.findings.find(({ verdict }) => verdict === 'FAIL')?.problem
  const { artifact, target } = context.request
  const name = (one: Judged<T>): string => one.testimony.verified.digest.slice(0, 12)
  const problem: Problem = {
    code: 'EVIDENCE_AMBIGUOUS',
    where: context.place.at(),
    expected: 'records that agree about the artifact, or exactly one record',
    found: `${judged.length} records by named signers that disagree: ${name(yes)}… is as required, ${name(no)}… is not (expected ${because?.expected ?? ''}, found ${because?.found ?? ''})`,
    fix: `Pass only the record that is meant: \`sallyport verify ${shellName(artifact.name)} --environment ${shellName(target.environment)} --service ${shellName(target.service)} --bundle FILE\``,
  }
  return {
    verdict: 'FAIL',
    problems: [problem],
    evidence: [yes, no].map(({ testimony }) => testimony.verified.digest),
    facts: [],
  }
}

function worst(findings: readonly Finding[]): Finding['verdict'] | undefined {
  return severity.find((verdict) => findings.some((finding) => finding.verdict === verdict))
}

function rank(findings: readonly Finding[]): number {
  return severity.indexOf(worst(findings) ?? 'STALE')
}

function longestFirst<T>(a: Judged<T>, b: Judged<T>): number {
  const end = ({ staleAt }: Judged<T>): number => staleAt?.getTime() ?? Infinity
  return end(a) === end(b) ? byDigest(a, b) : end(b) - end(a)
}

function byDigest<T>(a: Judged<T>, b: Judged<T>): number {
  return a.testimony.verified.digest < b.testimony.verified.digest ? -1 : 1
}
