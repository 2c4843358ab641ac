import { quote, type Problem } from '#error'
import type { Finding } from '../judge-each.ts'
import type { Stated } from '../kinds/provenance.ts'
import type { Place } from '../rule.ts'

/** What a rule asks of one stated value. */
export interface Question {
  /** The fact, as the documentation names it. */
  readonly name: string
  /** Where provenance states it. */
  readonly stands: string
  /** What is asked, in words. */
  readonly expected: string
  /** Who said it, for the fix. */
  readonly builder: string
}

/** The finding for a value that is not stated, or not readable. */
export function unstated(
  fact: Exclude<Stated<unknown>, { state: 'stated' }>,
  question: Question,
  place: Place,
): Finding {
  const { name, stands, expected, builder } = question
  const fix = `Build with a version of ${quote(builder)} that records it in ${stands}`
  const where = place.at()
  if (fact.state === 'missing') {
    const found = `nothing: the provenance does not state ${name}`
    return { verdict: 'MISSING', problem: { code: 'FACT_MISSING', where, expected, found, fix } }
  }
  const found = `${name} = ${quote(fact.found, 80)}, which cannot be read`
  return { verdict: 'FAIL', problem: { code: 'FACT_MALFORMED', where, expected, found, fix } }
}

export function fail(problem: Problem): Finding {
  return { verdict: 'FAIL', problem }
}
