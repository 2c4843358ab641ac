import {
  predicateTypes,
  readRiskAcceptance,
  type RiskAcceptance,
  type Statement,
} from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { isVerified, namesOf, personOf, type Verified, type Verifier } from '#trust'
import type { Use } from './uses.ts'

/** A risk that somebody else has accepted, for a time, by signing so. */
export interface AcceptedRisk {
  /** Owners of the keys that signed it. */
  readonly by: readonly string[]
  /** Who carries it. */
  readonly owner: string
  readonly reason: string
  readonly expires: string
}

export interface AcceptanceParts {
  /** Where it was found. */
  readonly source: string
  readonly verifier: Verifier
  readonly now: Date
}

/**
 * Whether a signed acceptance covers a use: of these bytes, at this target, now, by a signer whom the trust file lets say so,
 * and by nobody who asked for the use, by the name they say or the one they have proven. Undefined when it is about other bytes or another target.
 */
export function judgeAcceptance(
  bytes: Uint8Array,
  use: Pick<Use, 'artifact' | 'environment' | 'service' | 'requesters' | 'principals'>,
  { source, verifier, now }: AcceptanceParts,
): AcceptedRisk | Problem | undefined {
  try {
    const opened = verifier.open(bytes)
    const type = opened.claims?.predicateType
    if (type !== predicateTypes.riskAcceptance)
      return fault(source, predicateTypes.riskAcceptance, quote(type ?? 'nothing signed', 200))
    const verified = opened.verify(now)
    if (!isVerified(verified)) return { ...verified.problems[0], where: source }
    return judgeVerified(verified, use, { source, now })
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return fault(source, 'a signed acceptance of a risk', `${error.code}: ${error.found}`)
  }
}

function judgeVerified(
  verified: Verified<Statement>,
  use: Parameters<typeof judgeAcceptance>[1],
  { source, now }: Pick<AcceptanceParts, 'source' | 'now'>,
): AcceptedRisk | Problem | undefined {
  const accepted = readRiskAcceptance(verified.value)
  const { owner, reason, expires } = accepted
  const { artifact } = use
  const isAbout = verified.value.subject.some(
    ({ digest }) => digest?.['sha256'] === artifact.sha256,
  )
  if (!isAbout || !covers(accepted, use)) return undefined
  if (now.getTime() >= Date.parse(expires))
    return fault(source, `one that holds at ${now.toISOString()}`, `one until ${expires}`)
  const askers = new Set([...use.requesters, ...use.principals].flatMap(namesOf))
  const owners = verified.signers.flatMap(({ keys }) => keys.map((key) => key.owner))
  const by = [...new Set(owners)].filter((name) => !askers.has(personOf(name)))
  if (by.length === 0)
    return fault(source, 'one by somebody who did not ask for it', `one by ${owners.join(', ')}`)
  return { by: by.sort(), owner, reason, expires }
}

function covers(
  { environment, service }: RiskAcceptance,
  use: Pick<Use, 'environment' | 'service'>,
): boolean {
  return environment === use.environment && (service === undefined || service === use.service)
}

function fault(where: string, expected: string, found: string): Problem {
  return {
    code: 'BREAKGLASS_ACCEPTANCE',
    where,
    expected,
    found,
    fix: 'Have somebody who may run `sallyport breakglass accept`, or replace the artifact by one that meets the policy',
  }
}
