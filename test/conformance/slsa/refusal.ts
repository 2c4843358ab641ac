import type { Problem, ProblemCode } from '#error'
import { npmPackage, type Asked } from './options.ts'

/** What cannot even be asked, by slsa-verifier's name of it. */
export class Refusal extends Error {
  readonly label: string

  constructor(label: string, message: string) {
    super(message)
    this.label = label
  }
}

const labels: Partial<Record<ProblemCode, string>> = {
  SOURCE_MISMATCH: 'ErrorMismatchSource',
  SOURCE_CONTRADICTED: 'ErrorMismatchSource',
  PARAMETER_VALUE: 'ErrorMismatchWorkflowInputs',
  SIGNER_NOT_FOR_BUILDER: 'ErrorMismatchBuilderID',
  BUILDER_CONTRADICTED: 'ErrorMismatchBuilderID',
  SIGNATURE_UNKNOWN_IDENTITY: 'ErrorUntrustedReusableWorkflow',
  EVIDENCE_OTHER_ARTIFACT: 'ErrorMismatchHash',
  CLOUD_BUILD_DIGEST: 'ErrorMismatchHash',
  CLOUD_BUILD_TEXT: 'ErrorMismatchIntoto',
  ATTESTATION_FIELD: 'ErrorInvalidFormat',
  SIGNATURE_INVALID: 'ErrorNoValidSignature',
  SIGNATURE_UNKNOWN_KEY: 'ErrorNoValidSignature',
  ATTESTATION_BASE64: 'ErrorNoValidSignature',
  ATTESTATION_UNRECOGNISED: 'ErrorInvalidDssePayload',
  EVIDENCE_PAYLOAD_TYPE: 'ErrorInvalidDssePayload',
  SUMMARY_VERIFIER: 'ErrorMismatchVerifierID',
  SUMMARY_RESOURCE: 'ErrorMismatchResourceURI',
  SUMMARY_LEVELS: 'ErrorMismatchSLSAResult',
  ARTIFACT_NOT_OF_TARGET: 'ErrorMismatchPackageName',
}

/** slsa-verifier's name for what one of our problems means under what was asked. */
export function labelOf(problem: Problem, asked: Asked): string {
  if (problem.code === 'EVIDENCE_OTHER_ARTIFACT' && asked.command === 'verify-vsa') {
    return 'ErrorMissingSubjectDigest'
  }
  if (problem.code === 'REF_MISMATCH') return refLabel(problem, asked)
  if (problem.code === 'RELEASE_OTHER_PACKAGE') return releaseLabel(problem, asked)
  // npm's builder is whatever ran in the repository: somebody else's certificate is of another source.
  if (problem.code === 'SIGNATURE_UNKNOWN_IDENTITY' && asked.command === 'verify-npm-package') {
    return 'ErrorMismatchSource'
  }
  // What an envelope of Google's cannot be verified by is a missing signature, whatever is wrong with it.
  if (problem.code === 'ATTESTATION_FIELD' && /signatures/.test(problem.where ?? '')) {
    return 'ErrorNoValidSignature'
  }
  return labels[problem.code] ?? 'ErrorNotVerified'
}

function releaseLabel({ found }: Problem, { packageName = '' }: Asked): string {
  const isPackage = found.includes(`"${npmPackage(packageName)}@`)
  return isPackage ? 'ErrorMismatchPackageVersion' : 'ErrorMismatchPackageName'
}

/** A tag that was asked for where a branch was built is an invalid ref, and not another tag. */
function refLabel({ found }: Problem, { tag, versionedTag }: Asked): string {
  if (tag === undefined && versionedTag === undefined) return 'ErrorMismatchBranch'
  if (!found.startsWith('"refs/tags/')) return 'ErrorInvalidRef'
  return tag === undefined ? 'ErrorMismatchVersionedTag' : 'ErrorMismatchTag'
}
