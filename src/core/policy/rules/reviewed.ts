import { predicateTypes, type Review, type Vsa } from '#attestation'
import { cut } from '#document'
import { quote } from '#error'
import { authenticated, claimed, holdersOf, type Fact, type Signer } from '#trust'
import { z } from 'zod'
import { earliest, judgeAny, type Finding } from '../judge-each.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Outcome, Place, Rule, RuleContext, Search, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { builtBySchema, findCommit, type SourceCommit } from './chain.ts'
import { fail } from './facts.ts'
import { isFromFuture } from './from-future.ts'
import { judgeSummary } from './summary.ts'

const schema = z.strictObject({
  by: bySchema,
  approvals: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('how many distinct people other than the author must have approved the commit'),
  builtBy: builtBySchema,
})

type Parameters = z.output<typeof schema>

/** Somebody other than its author has read the commit that the artifact was built from. */
export const reviewed: Rule<Parameters> = {
  name: 'reviewed',
  schema,
  threats: ['T01', 'T02', 'T03'],
  threat:
    'One person alone, or whoever has stolen their account, puts bad code into the source, and it is built correctly from there.',
  cannot:
    'It cannot tell whether a reviewer has understood the change, whether two accounts are two people, or whether those who agree on bad code are two. A summary of a source platform is as good as that platform.',
  fixes: 'evidence',
  predicateTypes: () => [
    predicateTypes.review,
    predicateTypes.vsa,
    ...predicateKinds.sourceProvenance.predicateTypes,
  ],
  check: checkApprovals,
  evaluate: (rule, context) => {
    const chain = findCommit(context, rule.builtBy)
    if ('broken' in chain) return chain.broken
    const { source } = chain
    const reviews = context.search(predicateKinds.review, rule.by, source.link)
    const bySummary = judgeSummaries(rule, source, context)
    const byPeople = judgeReviews(reviews, rule, source, context)
    // Whoever rejects is heard, whatever a platform says.
    if (isRejected(byPeople)) return byPeople
    if (bySummary?.verdict === 'PASS') return bySummary
    if (byPeople.verdict === 'PASS' || bySummary === undefined) return byPeople
    return reviews.nothing === undefined ? byPeople : bySummary
  },
}

type Summary = Vsa & { readonly sourceRefs: readonly string[] }

/** Two people have read it, says a source platform: SLSA's level 4, or its property. */
const levels = ['SLSA_SOURCE_LEVEL_4', 'SLSA_SOURCE_TWO_PARTY_REVIEWED'] as const

function judgeSummaries(
  { by, approvals }: Parameters,
  source: SourceCommit,
  context: RuleContext,
): Outcome | undefined {
  const search = context.search(predicateKinds.vsa, by, source.link)
  if (search.nothing !== undefined) return undefined
  const { good, nothing } = judgeAny(search, (testimony) => ({
    findings: summaryFindings(testimony, approvals, source, context),
    facts: [
      claimed('verifier', testimony.said.verifierId),
      ...testimony.said.verifiedLevels.slice(0, 8).map((level) => claimed('verifiedLevel', level)),
    ],
  }))
  const [best] = good
  if (best === undefined) return nothing
  const { verified, signers } = best.testimony
  return passed(
    source,
    [verified.digest],
    [...signers.map(({ name }) => authenticated('signer', name)), ...best.facts],
  )
}

function summaryFindings(
  { said, signers }: Testimony<Summary>,
  approvals: number,
  source: SourceCommit,
  context: RuleContext,
): readonly Finding[] {
  const level = levels.find((one) => said.verifiedLevels.includes(one)) ?? levels[0]
  const resources = [source.uri, source.uri.replace(/^git\+/, '')]
  const findings = [...judgeSummary(said, signers, { resources, levels: [level] }, context)]
  const { ref } = source
  if (ref !== undefined && said.sourceRefs.length > 0 && !said.sourceRefs.includes(ref)) {
    const found = said.sourceRefs.map((one) => quote(one, 80)).join(', ')
    findings.push(fail(otherPlace(`the ref ${quote(ref)}`, found, context.place)))
  }
  // The property says "two parties": one reviewer besides the author, and no more.
  if (approvals > 1)
    findings.push(fail(notEnough(approvals, ['two-party review'], source, context)))
  return findings
}

function judgeReviews(
  search: Search<Review>,
  rule: Parameters,
  source: SourceCommit,
  context: RuleContext,
): Outcome {
  if (search.nothing !== undefined) return search.nothing
  const { place } = context
  const judged = search.found.map((testimony) => ({
    testimony,
    findings: reviewFindings(testimony.said, source, context),
  }))
  const valid = judged.filter(({ findings }) => findings.length === 0).map((one) => one.testimony)
  if (valid.length === 0) {
    const problems = judged[0]?.findings.map(({ problem }) => problem) ?? []
    return outcome(
      'FAIL',
      problems,
      judged.slice(0, 1).map((one) => one.testimony),
      source,
    )
  }
  const latest = latestOf(valid)
  const rejecting = [...latest.values()].find(({ said }) => said.verdict === 'rejected')
  if (rejecting !== undefined) {
    const { said } = rejecting
    const problem = {
      code: 'REVIEW_REJECTED' as const,
      where: place.at(),
      expected: `approval of ${source.link.name}`,
      found: `a rejection by ${quote(said.reviewer, 100)} of ${said.reviewedOn}`,
      fix: `Correct what ${quote(said.reviewer, 100)} has rejected, and build the new commit`,
    }
    return outcome('FAIL', [problem], [rejecting], source)
  }
  return countReviewers(latest, rule, source, context)
}

function countReviewers(
  latest: ReadonlyMap<string, Testimony<Review>>,
  { approvals, by }: Parameters,
  source: SourceCommit,
  context: RuleContext,
): Outcome {
  const authors = new Set([...source.authors, ...actorsOf(by, source, context)].map(nameOf))
  const isAuthor = (owner: string, { said }: Testimony<Review>): boolean =>
    authors.has(nameOf(owner)) || authors.has(nameOf(said.reviewer))
  const others = [...latest].filter(([owner, testimony]) => !isAuthor(owner, testimony))
  // When nobody says who the author is, one of the reviewers may be.
  const needed = authors.size === 0 ? approvals + 1 : approvals
  const used = others.map(([, testimony]) => testimony)
  if (others.length >= needed) {
    const digests = used.map(({ verified }) => verified.digest)
    return passed(source, digests, reviewFacts(used), endOf(used, source))
  }
  const names = others.map(([owner]) => owner)
  const problem = notEnough(approvals, names, source, context, authors)
  return { ...outcome('MISSING', [problem], used, source) }
}

/** One review by one owner: a later one takes the place of an earlier one, and of two at once the rejection counts. */
function latestOf(
  testimonies: readonly Testimony<Review>[],
): ReadonlyMap<string, Testimony<Review>> {
  const latest = new Map<string, Testimony<Review>>()
  for (const testimony of testimonies) {
    for (const owner of testimony.signers.flatMap(({ keys }) => keys.map((key) => key.owner))) {
      const known = latest.get(owner)
      if (known === undefined || isLater(testimony.said, known.said)) latest.set(owner, testimony)
    }
  }
  return latest
}

function isLater(one: Review, other: Review): boolean {
  const [a, b] = [Date.parse(one.reviewedOn), Date.parse(other.reviewedOn)]
  return a > b || (a === b && one.verdict === 'rejected')
}

/** Who brought the commit to its branch, as a source platform that the rule names has seen. */
function actorsOf(
  by: readonly string[],
  source: SourceCommit,
  context: RuleContext,
): readonly string[] {
  const { found } = context.search(predicateKinds.sourceProvenance, by, source.link)
  return found.map(({ said }) => said.actor)
}

function reviewFindings(
  review: Review,
  source: SourceCommit,
  { place, now }: RuleContext,
): readonly Finding[] {
  const findings: Finding[] = []
  const found = quote(review.repository, 200)
  if (review.repository !== source.uri) {
    findings.push(fail(otherPlace(`a review in ${quote(source.uri, 200)}`, found, place)))
  }
  if (source.ref !== undefined && review.ref !== source.ref) {
    findings.push(fail(otherPlace(`a review for ${quote(source.ref)}`, quote(review.ref), place)))
  }
  if (isFromFuture(Date.parse(review.reviewedOn), now)) {
    findings.push(
      fail({
        code: 'TIME_IN_FUTURE',
        where: place.at(),
        expected: `a review made before ${now.toISOString()}`,
        found: review.reviewedOn,
        fix: 'Correct the clock of whoever reviews or of this machine, and review again',
      }),
    )
  }
  return findings
}

function otherPlace(expected: string, found: string, place: Place) {
  return {
    code: 'REVIEW_OTHER' as const,
    where: place.at(),
    expected,
    found,
    fix: 'Have the change reviewed where it was merged: what is fine elsewhere need not be fine here',
  }
}

function notEnough(
  approvals: number,
  names: readonly string[],
  source: SourceCommit,
  { place }: RuleContext,
  authors: ReadonlySet<string> = new Set(),
) {
  const isKnown = authors.size > 0
  return {
    code: 'REVIEW_AUTHOR' as const,
    where: place.at('approvals'),
    expected: `${approvals} distinct ${approvals === 1 ? 'reviewer' : 'reviewers'} of ${source.link.name} other than its author`,
    found: `${names.length === 0 ? 'none' : names.map((name) => quote(name, 80)).join(', ')}${isKnown ? '' : ', and one of them may be the author, whom nobody names'}`,
    fix: isKnown
      ? `Have somebody else than ${[...authors].map((name) => quote(name, 80)).join(', ')} review the commit`
      : 'Have one more person review the commit, or build with a builder that records its author (annotation "author" of the source)',
  }
}

function passed(
  source: SourceCommit,
  digests: readonly string[],
  facts: readonly Fact[],
  end: Date | undefined = source.staleAt,
): Outcome {
  return {
    verdict: 'PASS',
    problems: [],
    evidence: [...source.evidence, ...digests],
    facts: [...source.facts, ...facts],
    ...(end === undefined ? {} : { staleAt: end }),
  }
}

function outcome(
  verdict: Outcome['verdict'],
  problems: Outcome['problems'],
  testimonies: readonly Testimony<Review>[],
  source: SourceCommit,
): Outcome {
  const digests = testimonies.map(({ verified }) => verified.digest)
  return {
    verdict,
    problems,
    evidence: [...source.evidence, ...digests],
    facts: [...source.facts, ...reviewFacts(testimonies)],
    hop: 'commit → review',
  }
}

function reviewFacts(testimonies: readonly Testimony<Review>[]): readonly Fact[] {
  return testimonies.flatMap(({ said, signers }) => [
    ...signers.map(({ name }) => authenticated('signer', name)),
    claimed('reviewer', cut(said.reviewer, 200)),
    claimed('reviewedOn', said.reviewedOn),
  ])
}

function endOf(used: readonly Testimony<Review>[], { staleAt }: SourceCommit): Date | undefined {
  return earliest(staleAt, ...used.flatMap(({ signers }) => signers.map((one) => one.validUntil)))
}

function isRejected({ problems }: Outcome): boolean {
  return problems.some(({ code }) => code === 'REVIEW_REJECTED')
}

function nameOf(name: string): string {
  return name.trim().toLowerCase()
}

/** A number of reviewers that the named signers can never reach; a platform's summary stands for one besides the author. */
function checkApprovals({ approvals }: Parameters, signers: readonly Signer[], place: Place) {
  const reviewers = signers.filter(({ predicateTypes: types }) => types.has(predicateTypes.review))
  const owners = holdersOf(reviewers)
  const platforms = signers.some(({ predicateTypes: types }) => types.has(predicateTypes.vsa))
  const reachable = Math.max(owners.size, platforms ? 1 : 0)
  if (approvals <= reachable) return []
  return [
    {
      code: 'POLICY_COUNT_UNREACHABLE' as const,
      where: place.at('approvals'),
      expected: `at most ${reachable}: so many distinct reviewers are behind the named signers`,
      found: String(approvals),
      fix: 'Lower "approvals", or name signers whose keys belong to more people',
    },
  ]
}
