import type { Json, JsonObject } from '#document'
import { isVerified, type VerifiedSigner, type Verifier } from '#trust'
import type { Decision, Evidence, EvidenceResult } from './decision.ts'

/** What other policy engines are given: nothing that has not been verified. */
export interface VerifiedExport extends JsonObject {
  readonly apiVersion: 'sallyport.dev/v1'
  readonly kind: 'VerifiedEvidence'
}

/**
 * The evidence that a decision believed, for engines with languages of their own (OPA, CUE, CEL): statements as they were
 * signed, with who signed them and what the rules read from them. Each signature is verified again at the decision's time;
 * what is not believed is counted, and nothing of it is given.
 */
export function exportVerified(
  decision: Decision,
  evidence: Evidence,
  verifier: Verifier,
): VerifiedExport {
  const items = [...evidence.items, ...(evidence.signatures ?? [])]
  const bytes = new Map(items.map((item) => [item.digest, item.bytes]))
  const now = new Date(decision.time)
  const attestations = decision.evidence.flatMap((one) => {
    const found = one.verified ? bytes.get(one.digest) : undefined
    return found === undefined ? [] : attestationOf(one, found, verifier, now)
  })
  const { request, time, verdict, effect, rules } = decision
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'VerifiedEvidence',
    time,
    artifact: { name: request.artifact.name, digest: { ...request.artifact.digest } },
    target: { ...request.target },
    decision: { verdict, effect },
    attestations,
    facts: rules.map((rule) => ({
      rule: rule.id,
      verdict: rule.verdict,
      facts: rule.facts.map((fact) => ({ ...fact })),
    })),
    notBelieved: decision.evidence.length - attestations.length,
  }
}

function attestationOf(
  { digest, source, about }: EvidenceResult,
  bytes: Uint8Array,
  verifier: Verifier,
  now: Date,
): readonly JsonObject[] {
  const result = verifier.open(bytes).verify(now)
  if (!isVerified(result) || result.digest !== digest) return []
  return [
    {
      digest,
      source,
      ...(about === undefined ? {} : { about }),
      signers: result.signers.map(signerOf),
      statement: result.value as unknown as Json,
    },
  ]
}

function signerOf({ name, owner, keyid, certificate, builderLevel }: VerifiedSigner): JsonObject {
  return {
    name,
    owner,
    keyid,
    ...(builderLevel === undefined ? {} : { builderLevel }),
    ...(certificate === undefined
      ? {}
      : {
          issuer: certificate.issuer,
          subject: certificate.subject,
          certificate: { ...certificate.claims },
        }),
  }
}
