import { coversLevel, type Vsa } from '#attestation'
import { quote, type Problem } from '#error'
import type { Signer, VerifiedSigner } from '#trust'
import type { Finding } from '../judge-each.ts'
import type { Place, RuleContext } from '../rule.ts'
import { fail } from './facts.ts'
import { isFromFuture } from './from-future.ts'

/** What a rule asks of a verification summary. */
export interface Asked {
  /** Exactly; any that the signer may speak for when missing. */
  readonly verifier?: string | undefined
  /** Any of these URIs, exactly. */
  readonly resources: readonly string[]
  /** All of these must be covered. */
  readonly levels: readonly string[]
}

/** Steps 4 to 7 of the specification; 1 to 3 are done before: signature, subject, and the exact predicate type. */
export function judgeSummary(
  vsa: Vsa,
  signers: readonly VerifiedSigner[],
  asked: Asked,
  { place, trust, now }: RuleContext,
): readonly Finding[] {
  const missing = asked.levels.filter((level) => !coversLevel(vsa.verifiedLevels, level))
  return [
    verifierProblem(vsa.verifierId, signers, asked.verifier, trust.signers, place),
    resourceProblem(vsa.resourceUri, asked.resources, place),
    vsa.verificationResult === 'PASSED' ? undefined : failedProblem(vsa, place),
    missing.length === 0 ? undefined : levelsProblem(vsa.verifiedLevels, missing, place),
    futureProblem(vsa.timeVerified, now, place.at()),
  ].flatMap((problem) => (problem === undefined ? [] : [fail(problem)]))
}

/** Step 4: the verifier is accepted for the signer that said so. One id and one key alone say nothing. */
export function verifierProblem(
  found: string,
  signers: readonly VerifiedSigner[],
  wanted: string | undefined,
  known: ReadonlyMap<string, Signer>,
  place: Place,
): Problem | undefined {
  const isPair = signers.some(({ name }) => known.get(name)?.verifiers.has(found) === true)
  if (isPair && (wanted === undefined || wanted === found)) return undefined
  const names = signers.map(({ name }) => name).join(', ')
  return {
    code: 'SUMMARY_VERIFIER',
    where: place.at('verifier'),
    expected:
      wanted === undefined
        ? `a verifier that the trust file lets ${names} speak for`
        : `the verifier ${quote(wanted)}, spoken for by ${names}`,
    found: quote(found),
    fix: isPair
      ? `Have ${quote(wanted ?? '')} verify it, or change "verifier" at ${place.line('verifier')}`
      : `Have a verifier that is trusted verify it, or, if ${names} runs this one, add the id to "verifiers" of ${names} in the trust file`,
  }
}

function resourceProblem(
  found: string,
  resources: readonly string[],
  place: Place,
): Problem | undefined {
  if (resources.includes(found)) return undefined
  const wanted = resources.map((uri) => quote(uri)).join(' or ')
  return {
    code: 'SUMMARY_RESOURCE',
    where: place.at('resource'),
    expected: wanted,
    found: quote(found),
    fix: `Have the artifact verified under ${wanted}, or change "resource" at ${place.line('resource')} if ${quote(found)} is the same thing`,
  }
}

function failedProblem({ verificationResult, verifierId }: Vsa, place: Place): Problem {
  return {
    code: 'SUMMARY_FAILED',
    where: place.at(),
    expected: '"PASSED"',
    found: `${quote(verificationResult)}, says ${quote(verifierId)}`,
    fix: `Read the report of ${quote(verifierId)}, correct what it refuses, and have it verify the new artifact`,
  }
}

function levelsProblem(
  found: readonly string[],
  missing: readonly string[],
  place: Place,
): Problem {
  return {
    code: 'SUMMARY_LEVELS',
    where: place.at('levels'),
    expected: missing.map((level) => quote(level)).join(' and '),
    found:
      found.length === 0
        ? 'no level at all'
        : found
            .slice(0, 8)
            .map((level) => quote(level, 80))
            .join(', '),
    fix: `Build or handle the source so that ${missing.join(' and ')} is reached, and have it verified again`,
  }
}

/** A verification that is still to come is none. */
export function futureProblem(
  time: string | undefined,
  now: Date,
  where: string,
): Problem | undefined {
  if (time === undefined || !isFromFuture(new Date(time), now)) return undefined
  return {
    code: 'TIME_IN_FUTURE',
    where,
    expected: `a verification before ${now.toISOString()}`,
    found: time,
    fix: 'Correct the clock of the verifier or of this machine, and verify again',
  }
}
