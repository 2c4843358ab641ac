export { approvalStatement, readApproval, type Approval } from './approval.ts'
export { parseAttestation, type Attestation } from './attestation.ts'
export { bundleMediaType, bundleOf, encodeBundle, parseBundle } from './bundle.ts'
export type {
  Bundle,
  BundleContent,
  BundleVersion,
  MessageDigest,
  MessageSignature,
  VerificationMaterial,
} from './bundle-types.ts'
export type { DigestSet } from './digest-set.ts'
export {
  encodeEnvelope,
  pae,
  parseEnvelope,
  type Envelope,
  type EnvelopeSignature,
} from './envelope.ts'
export { parseJws, parseJwt, type Jws, type JwsHeader, type Jwt } from './jwt.ts'
export { jwtStatement, jwtValidity } from './jwt-provenance.ts'
export type { InclusionProof, LogEntry } from './log-entry.ts'
export { predicateTypes } from './predicate-types.ts'
export { isProvenanceType, readProvenance } from './provenance.ts'
export {
  buildTypes,
  checkInputs,
  checkOmissions,
  type ImpliableField,
} from './provenance-checks.ts'
export {
  provenanceStatement,
  type BuildDefinition,
  type ProvenanceParts,
  type RunDetails,
} from './provenance-statement.ts'
export type { Provenance, ProvenanceSource } from './provenance-types.ts'
export type { ResourceDescriptor } from './resource-descriptor.ts'
export { splitAttestations } from './split.ts'
export {
  encodeStatement,
  inTotoPayloadType,
  parseStatement,
  statementTypes,
  type Statement,
} from './statement.ts'
