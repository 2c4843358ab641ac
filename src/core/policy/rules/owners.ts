import type { Problem } from '#error'
import { holdersOf, type Signer } from '#trust'
import { earliest, signerFacts } from '../judge-each.ts'
import type { Outcome, Place, RuleContext, Testimony } from '../rule.ts'
import type { Fact } from '#trust'

interface Good<T> {
  readonly testimony: Testimony<T>
  readonly facts: readonly Fact[]
  readonly staleAt?: Date
}

/** PASS when enough distinct owners said it; two keys of one owner, or two records by one key, count once. */
export function countOwners<T>(
  good: readonly Good<T>[],
  count: number,
  by: readonly string[],
  context: RuleContext,
): Outcome {
  const ends = new Map<string, number>()
  for (const { testimony, staleAt } of good) {
    for (const signer of testimony.signers) {
      const end = earliest(staleAt, signer.validUntil)?.getTime() ?? Infinity
      for (const { owner } of signer.keys) ends.set(owner, Math.max(ends.get(owner) ?? 0, end))
    }
  }
  if (ends.size < count) return tooFew([...ends.keys()], count, by, good, context)
  const latestFirst = [...ends.values()].sort((a, b) => b - a)
  const end = latestFirst[count - 1] ?? Infinity
  const needed = count === 1 ? good.slice(0, 1) : good
  return {
    verdict: 'PASS',
    problems: [],
    evidence: needed.map(({ testimony }) => testimony.verified.digest),
    facts: needed.flatMap(({ testimony, facts }) => [...signerFacts(testimony.signers), ...facts]),
    ...(end === Infinity ? {} : { staleAt: new Date(end) }),
  }
}

/** A count that the named signers can never reach. */
export function checkCount(
  count: number,
  signers: readonly Signer[],
  place: Place,
): readonly Problem[] {
  const owners = holdersOf(signers)
  if (count <= owners.size) return []
  return [
    {
      code: 'POLICY_COUNT_UNREACHABLE',
      where: place.at('count'),
      expected: `at most ${owners.size}: the keys of the named signers belong to ${[...owners].join(', ')}`,
      found: String(count),
      fix: 'Lower the count, or name signers whose keys belong to more people',
    },
  ]
}

function tooFew<T>(
  owners: readonly string[],
  count: number,
  by: readonly string[],
  good: readonly Good<T>[],
  context: RuleContext,
): Outcome {
  return {
    verdict: 'MISSING',
    problems: [
      {
        code: 'EVIDENCE_COUNT',
        where: context.place.at('count'),
        expected: `${count} distinct owners of keys of ${by.join(', ')}`,
        found: `${owners.length}: ${owners.join(', ')}`,
        fix: `Have ${count - owners.length} more of the people behind ${by.join(' or ')} sign for this artifact`,
      },
    ],
    evidence: good.map(({ testimony }) => testimony.verified.digest),
    facts: good.flatMap(({ testimony }) => signerFacts(testimony.signers)),
  }
}
