import type { Problem } from '#error'
import { earliest, type Outcome } from '#policy'
import { authenticated } from '#trust'
import { showListed, type Listed } from './read-index.ts'

/** What a rule says about one image of an index. */
export interface ImageOutcome {
  readonly image: Listed
  readonly outcome: Outcome
}

/** From what decides most to what decides least. */
const worstFirst = [
  'ERROR',
  'FAIL',
  'UNSUPPORTED',
  'STALE',
  'MISSING',
  'UNVERIFIABLE',
  'PASS',
] as const

/**
 * One outcome of all images: yes when each of them is a yes, else the worst. Every image that is not a yes is named.
 * `outcomes` MUST NOT be empty.
 */
export function everyImage(outcomes: readonly ImageOutcome[]): Outcome {
  const verdict = worstFirst.find((one) => outcomes.some(({ outcome }) => outcome.verdict === one))
  if (verdict === undefined) throw new TypeError('an index without images was judged by them')
  const shown =
    verdict === 'PASS' ? outcomes : outcomes.filter(({ outcome }) => outcome.verdict !== 'PASS')
  const staleAt = earliest(...outcomes.map(({ outcome }) => outcome.staleAt))
  const first = shown.find(({ outcome }) => outcome.verdict === verdict)
  return {
    verdict,
    problems: shown.flatMap(({ image, outcome }) =>
      outcome.problems.map((problem) => ofImage(problem, image)),
    ),
    evidence: [...new Set(shown.flatMap(({ outcome }) => outcome.evidence))],
    facts: shown.flatMap(({ image, outcome }) => [
      authenticated('image', showListed(image)),
      ...outcome.facts,
    ]),
    ...(verdict === 'PASS' && staleAt !== undefined ? { staleAt } : {}),
    ...(first === undefined || verdict === 'PASS' ? {} : { hop: hopOf(first) }),
  }
}

/** What keeps evidence of all images from being looked for is told as it is, and so once. */
function ofImage(problem: Problem, image: Listed): Problem {
  const isOfAll = problem.code === 'EVIDENCE_UNAVAILABLE' || problem.code === 'EVIDENCE_TOO_MUCH'
  return isOfAll ? problem : { ...problem, found: `${problem.found} (image ${showListed(image)})` }
}

function hopOf({ image, outcome }: ImageOutcome): string {
  return `artifact → image ${showListed(image)}${outcome.hop?.replace(/^artifact/, '') ?? ''}`
}
