import { quote, type Problem } from '#error'
import { type Basis, type Fact } from '#trust'
import { z } from 'zod'
import { provenanceKind } from '../kinds/provenance.ts'
import { sourceOf, type BuiltSource } from '../kinds/provenance-source.ts'
import { endOfSigners } from '../judge-each.ts'
import type { Link, Outcome, Place, RuleContext, Testimony } from '../rule.ts'

/** Who leads from the artifact to its source; by default everybody whom the policy believes about builds. */
export const builtBySchema = z
  .array(z.string().min(1).max(64))
  .min(1, 'at least one signer of the trust file')
  .max(64)
  .optional()
  .describe(
    'whose provenance leads to the commit; default is whoever the other rules believe about builds',
  )

/** The commit that an artifact was built from, and the evidence that leads there. */
export interface SourceCommit {
  readonly link: Link
  readonly commit: string
  readonly uri: string
  readonly ref?: string
  /** Digests of the provenance that names it. */
  readonly evidence: readonly string[]
  readonly facts: readonly Fact[]
  readonly authors: readonly string[]
  /** When the provenance stops being believed. */
  readonly staleAt?: Date
}

/**
 * Walks from the artifact to the commit that it was built from: artifact → provenance → commit (PRV-25). The first link
 * that does not hold is the outcome.
 */
export function findCommit(
  context: RuleContext,
  builtBy: readonly string[] = context.builders,
): { readonly source: SourceCommit } | { readonly broken: Outcome } {
  const { place } = context
  if (builtBy.length === 0) return { broken: nobodyBuilds(place) }
  const search = context.search(provenanceKind, builtBy)
  if (search.nothing !== undefined) return { broken: search.nothing }
  const origins = search.found.map((testimony) => ({ testimony, origin: sourceOf(testimony) }))
  const evidence = origins.map(({ testimony }) => testimony.verified.digest)
  const commits = new Set(origins.map(({ origin }) => origin.commit))
  if (commits.size > 1) return { broken: broken(severalCommits(commits, context), evidence) }
  const lie = origins.find(({ origin }) => origin.contradiction !== undefined)?.origin
  if (lie !== undefined) return { broken: broken(contradicted(lie, place.at()), evidence) }
  const [first] = origins
  const source = first && asCommit(first.origin, first.testimony)
  return source === undefined ? { broken: broken(noCommit(context), evidence) } : { source }
}

function asCommit(
  origin: BuiltSource,
  { signers, verified }: Testimony<unknown>,
): SourceCommit | undefined {
  const { source, commit, basis } = origin
  if (source === undefined || commit === undefined) return undefined
  const end = endOfSigners(signers)
  return {
    link: {
      name: `commit ${commit} of ${quote(source.uri, 200)}`,
      digest: { gitCommit: commit },
      hop: 'artifact → provenance → commit',
    },
    commit,
    uri: source.uri,
    ...(source.ref === undefined ? {} : { ref: source.ref }),
    evidence: [verified.digest],
    facts: factsOf(source.uri, commit, basis),
    authors: authorsOf(origin),
    ...(end === undefined ? {} : { staleAt: end }),
  }
}

/** Without somebody who is believed about builds nothing leads from an artifact to its source. */
function nobodyBuilds(place: Place): Outcome {
  const problem: Problem = {
    code: 'POLICY_CHAIN',
    where: place.at(),
    expected: 'a signer who is believed about how artifacts are built',
    found: 'a policy without any rule about the build',
    fix: `Add a rule \`built\` to the policy, or write \`builtBy: [SIGNER]\` at ${place.line()}`,
  }
  return { verdict: 'ERROR', problems: [problem], evidence: [], facts: [] }
}

function factsOf(uri: string, commit: string, basis: Basis): readonly Fact[] {
  return [
    { name: 'source.uri', value: uri, basis },
    { name: 'source.commit', value: commit, basis },
  ]
}

/** Who wrote the commit, where the builder has looked: the annotations `author` and `committer` of the source. */
function authorsOf({ source }: BuiltSource): readonly string[] {
  const { author, committer } = source?.annotations ?? {}
  return [author, committer].filter((name) => typeof name === 'string' && name !== '') as string[]
}

function broken(problem: Problem, evidence: readonly string[]): Outcome {
  const hop = 'provenance → commit'
  return { verdict: 'FAIL', problems: [problem], evidence: evidence.slice(0, 2), facts: [], hop }
}

function noCommit({ place, request }: RuleContext): Problem {
  return {
    code: 'CHAIN_BROKEN',
    where: place.at(),
    expected: `provenance that names the commit ${quote(request.artifact.name, 100)} was built from`,
    found: 'provenance without the digest of a commit',
    fix: 'Build with a builder that records the commit it fetched (gitCommit)',
  }
}

function severalCommits(commits: ReadonlySet<string | undefined>, { place }: RuleContext): Problem {
  const shown = [...commits].slice(0, 4).map((commit) => commit ?? 'none')
  return {
    code: 'EVIDENCE_AMBIGUOUS',
    where: place.at(),
    expected: 'provenance that agrees about the commit',
    found: `${commits.size} different ones: ${shown.join(', ')}`,
    fix: 'Pass only the provenance of the build that is meant, with --bundle',
  }
}

function contradicted({ contradiction }: BuiltSource, where: string): Problem {
  return {
    code: 'SOURCE_CONTRADICTED',
    where,
    expected: `the ${contradiction?.name ?? ''} ${contradiction?.proven ?? ''}, as the certificate of the signer says`,
    found: `provenance of ${contradiction?.stated ?? ''}`,
    fix: 'Build it in a run of the repository itself',
  }
}
