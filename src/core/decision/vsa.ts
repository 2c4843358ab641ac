import { predicateTypes, type Statement } from '#attestation'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import type { Decision } from './decision.ts'

export interface VsaOptions {
  /** What was asked about: the URI under which the artifact would be fetched or deployed. */
  readonly resourceUri: string
  /** Where the policy can be read. */
  readonly policyUri: string
  /** Who verified: a URI that consumers pair with the signer of the summary. */
  readonly verifierId: string
}

const slsaVersion = '1.2'

/**
 * Makes an SLSA Verification Summary v1 from a decision, for others who need not verify again. Only yes and no can be
 * summarised: an admission without a verdict is none.
 *
 * @throws SallyportError SUMMARY_UNDECIDED
 */
export function vsaOf(decision: Decision, options: VsaOptions): Statement {
  const { verdict, policy, request, time } = decision
  if ((verdict !== 'ALLOW' && verdict !== 'DENY') || policy === null) throw undecided(decision)
  const { resourceUri, policyUri, verifierId } = options
  const predicate: JsonObject = {
    verifier: { id: verifierId, version: { [decision.engine.name]: decision.engine.version } },
    timeVerified: time,
    resourceUri,
    policy: { uri: policyUri, digest: { sha256: policy.digest } },
    inputAttestations: inputsOf(decision),
    verificationResult: verdict === 'ALLOW' ? 'PASSED' : 'FAILED',
    verifiedLevels: verdict === 'ALLOW' ? [levelOf(decision)] : ['FAILED'],
    slsaVersion,
  }
  const { name, digest } = request.artifact
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest }],
    predicateType: predicateTypes.vsa,
    predicate,
  }
}

/** The specification: when inputs are listed at all, all that were used are. */
function inputsOf({ evidence }: Decision): readonly JsonObject[] {
  const digests = new Set(evidence.filter(({ verified }) => verified).map(({ digest }) => digest))
  return [...digests].sort().map((sha256) => ({ digest: { sha256 } }))
}

/** One level of the build track: what the trust file grants and the rule has checked. */
function levelOf({ rules }: Decision): string {
  const levels = rules
    .filter(({ rule, verdict }) => rule === 'built' && verdict === 'PASS')
    .flatMap(({ facts }) => facts.filter(({ name }) => name === 'level'))
    .map(({ value }) => Number(value))
  return `SLSA_BUILD_LEVEL_${Math.max(0, ...levels)}`
}

function undecided({ verdict, reasons }: Decision): SallyportError {
  return new SallyportError({
    code: 'SUMMARY_UNDECIDED',
    where: 'decision.verdict',
    expected: 'ALLOW or DENY',
    found: verdict,
    fix: reasons[0]?.fix ?? 'Decide again when everything that is needed can be reached',
  })
}
