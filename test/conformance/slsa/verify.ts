import { SallyportError, type Problem } from '#error'
import { decide, type Decision } from '#decision'
import { readArtifacts, readEvidence, type Artifact } from './evidence.ts'
import { readAsked, type Asked } from './options.ts'
import { policiesFor } from './policy.ts'
import { labelOf, Refusal } from './refusal.ts'
import { trustFor } from './trust.ts'

export interface Answer {
  readonly isGood: boolean
  /** Every reason, with slsa-verifier's name for it. */
  readonly lines: readonly string[]
}

/** Answers one command line of slsa-verifier. */
export function verifySlsa(argv: readonly string[], now = new Date()): Answer {
  let asked: Asked
  try {
    asked = readAsked(argv)
  } catch (error) {
    return no([`usage: ${error instanceof Error ? error.message : String(error)}`])
  }
  try {
    const reasons = decideAll(asked, now).flatMap(({ verdict, reasons: found }) =>
      verdict === 'ALLOW' ? [] : found,
    )
    return reasons.length === 0 ? { isGood: true, lines: [] } : no(reasons.map(told(asked)))
  } catch (error) {
    if (error instanceof Refusal) return no([`${error.label}: ${error.message}`])
    if (error instanceof SallyportError) return no(error.problems.map(told(asked)))
    return no([`failed: ${error instanceof Error ? error.message : String(error)}`])
  }
}

/** One decision for each artifact: all of them have to be allowed. */
function decideAll(asked: Asked, now: Date): readonly Decision[] {
  const artifacts = readArtifacts(asked)
  const { trust, builders } = trustFor(asked)
  const policies = policiesFor(asked, builders)
  const evidence = readEvidence(asked)
  if (artifacts.length === 0) throw new Refusal('ErrorInvalidFormat', 'no artifact')
  return artifacts.map((artifact) =>
    decide({ request: requestFor(artifact), evidence, policies, trust, now }),
  )
}

function requestFor(artifact: Artifact) {
  const target = { environment: 'conformance', service: 'slsa' }
  return { artifact, target, chokePoint: 'slsa-client' }
}

function told(asked: Asked): (problem: Problem) => string {
  return (problem) => {
    const { code, where = '', expected, found } = problem
    return `${labelOf(problem, asked)}: ${code}: ${where}: expected ${expected}, found ${found}`
  }
}

function no(lines: readonly string[]): Answer {
  return { isGood: false, lines: lines.length === 0 ? ['refused'] : lines }
}
