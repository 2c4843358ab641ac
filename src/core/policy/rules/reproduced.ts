import { quote, type Problem } from '#error'
import { authenticated, claimed, holdersOf, type Signer } from '#trust'
import { z } from 'zod'
import { earliest, endOfSigners, signerFacts } from '../judge-each.ts'
import { provenanceKind, type ProvenanceFacts } from '../kinds/provenance.ts'
import { sourceOf } from '../kinds/provenance-source.ts'
import type { Outcome, Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'

const schema = z.strictObject({
  by: bySchema,
  count: z
    .int()
    .min(2, 'at least 2: one build reproduces nothing')
    .max(16)
    .default(2)
    .describe('how many distinct owners must have built the same bytes on distinct builders'),
})

type Parameters = z.output<typeof schema>

/** Independent builders made the same bytes from the same commit: none of them can have put something in alone. */
export const reproduced: Rule<Parameters> = {
  name: 'reproduced',
  schema,
  threats: ['T12', 'T13'],
  threat:
    'A builder that somebody has taken over puts something into the artifact that is not in its source.',
  cannot:
    'It cannot tell whether the builders share what was tampered with: a compiler, a base image, a library. Who is independent of whom is what the owners in the trust file say.',
  fixes: 'evidence',
  predicateTypes: () => [...provenanceKind.predicateTypes],
  check: (rule, signers, place) => checkBuilders(rule, signers, place),
  evaluate: (rule, context) => {
    const search = context.search(provenanceKind, rule.by)
    return search.nothing ?? judge(search.found, rule, context)
  },
}

function judge(
  found: readonly Testimony<ProvenanceFacts>[],
  { count }: Parameters,
  { place }: RuleContext,
): Outcome {
  const commits = new Set(found.map((testimony) => sourceOf(testimony).commit))
  const evidence = found.slice(0, 16).map(({ verified }) => verified.digest)
  const pairs = pairsOf(found)
  const independent = pair(pairs)
  const facts = [
    ...found.slice(0, 16).flatMap(({ signers }) => signerFacts(signers)),
    authenticated('reproduced.owners', new Set(pairs.map(({ owner }) => owner)).size),
    claimed('reproduced.builders', new Set(pairs.map(({ builder }) => builder)).size),
  ]
  const problems = [
    ...(commits.size > 1 || commits.has(undefined) ? [otherSource(commits, place)] : []),
    ...(independent < count ? [tooFew(independent, count, pairs, place)] : []),
  ]
  if (problems.length > 0) {
    const isBad = problems.some(({ code }) => code === 'REPRODUCED_OTHER_SOURCE')
    return { verdict: isBad ? 'FAIL' : 'MISSING', problems, evidence, facts }
  }
  // Which of them make up the number may change when one ends: the earliest end is on the safe side.
  const end = earliest(...found.map(({ signers }) => endOfSigners(signers)))
  return {
    verdict: 'PASS',
    problems,
    evidence,
    facts,
    ...(end === undefined ? {} : { staleAt: end }),
  }
}

interface Pair {
  readonly owner: string
  readonly builder: string
}

/** Whose key or identity signed, and which builder it was: the trust file lets the one speak for the other. */
function pairsOf(found: readonly Testimony<ProvenanceFacts>[]): readonly Pair[] {
  return found.flatMap(({ signers, verified }) =>
    // Several keys of one signer are one will about one builder: that of whoever owns the signer.
    signers.map(({ owner, keys }) => {
      const [only, ...more] = keys
      const name = only === undefined || more.length > 0 ? owner : only.owner
      return { owner: name, builder: verified.builderId ?? name }
    }),
  )
}

/** How many pairs there are in which no owner and no builder stands twice: the largest matching. */
function pair(pairs: readonly Pair[]): number {
  const builders = Map.groupBy(pairs, ({ owner }) => owner)
  const taken = new Map<string, string>()
  const place = (owner: string, seen: Set<string>): boolean =>
    (builders.get(owner) ?? []).some(({ builder }) => {
      if (seen.has(builder)) return false
      seen.add(builder)
      const holder = taken.get(builder)
      if (holder !== undefined && !place(holder, seen)) return false
      taken.set(builder, owner)
      return true
    })
  return [...builders.keys()].filter((owner) => place(owner, new Set())).length
}

function otherSource(commits: ReadonlySet<string | undefined>, place: Place): Problem {
  const shown = [...commits].slice(0, 4).map((commit) => commit ?? 'none')
  return {
    code: 'REPRODUCED_OTHER_SOURCE',
    where: place.at(),
    expected: 'builds of one commit',
    found: `builds of ${shown.join(', ')}`,
    fix: 'Build the same commit on every builder, with builders that record it',
  }
}

function tooFew(found: number, count: number, pairs: readonly Pair[], place: Place): Problem {
  const shown = pairs
    .slice(0, 4)
    .map(({ owner, builder }) => `${quote(builder, 120)} of ${quote(owner, 80)}`)
  return {
    code: 'REPRODUCED_TOO_FEW',
    where: place.at('count'),
    expected: `${count} distinct owners that have built it on ${count} distinct builders`,
    found: `${found}: ${[...new Set(shown)].join(', ')}`,
    fix: `Have ${count - found} more of the named signers build the same commit (\`sallyport rebuild\`), and pass the provenance they write`,
  }
}

/** A number that the named signers can never reach. */
function checkBuilders(
  { count }: Parameters,
  signers: readonly Signer[],
  place: Place,
): readonly Problem[] {
  const owners = holdersOf(signers)
  if (count <= owners.size) return []
  return [
    {
      code: 'POLICY_COUNT_UNREACHABLE',
      where: place.at('count'),
      expected: `at most ${owners.size}: so many owners are behind the named signers`,
      found: String(count),
      fix: 'Lower the count, or name signers of other owners',
    },
  ]
}
