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
export { cloudBuildEnvelopes } from './cloud-build.ts'
export { cosignBundle, isCosignKeyless } from './cosign-layer.ts'
export type { DigestSet } from './digest-set.ts'
export {
  encodeEnvelope,
  pae,
  parseEnvelope,
  type Envelope,
  type EnvelopeSignature,
} from './envelope.ts'
export { imageStatement, simpleSigningType, type ImageSignature } from './image-signature.ts'
export { parseJws, parseJwt, type Jws, type JwsHeader, type Jwt } from './jwt.ts'
export { jwtStatement, jwtValidity } from './jwt-provenance.ts'
export type { InclusionProof, LogEntry } from './log-entry.ts'
export { predicateTypes } from './predicate-types.ts'
export { applyVex, isSettled, type JudgedFinding, type VexTarget } from './predicates/apply-vex.ts'
export { breakglassStatement, readBreakglass, type Breakglass } from './predicates/breakglass.ts'
export { cvssScore } from './predicates/cvss.ts'
export type { CycloneDx } from './predicates/cyclonedx.ts'
export { parseCycloneDx, parseOpenVex, parseSpdx } from './predicates/documents.ts'
export { inTotoKeyId } from './predicates/in-toto-key.ts'
export { matchesPattern } from './predicates/in-toto-pattern.ts'
export { familyOf, formatOf, type Format, type PredicateKind } from './predicates/kinds.ts'
export { coversLevel, trackLevelOf, type TrackLevel } from './predicates/levels.ts'
export type { Link } from './predicates/link.ts'
export { osvAffects, type OsvPackage } from './predicates/osv-affects.ts'
export {
  readOsv,
  type OsvAdvisory,
  type OsvAffected,
  type OsvEvent,
  type OsvRange,
} from './predicates/osv.ts'
export { readPredicate, type Predicate } from './predicates/predicate.ts'
export type { Release } from './predicates/release.ts'
export { reviewStatement, type Review } from './predicates/review.ts'
export {
  readRiskAcceptance,
  riskAcceptanceStatement,
  type RiskAcceptance,
} from './predicates/risk-acceptance.ts'
export type { Sbom, SbomComponent, SbomDependency } from './predicates/sbom-types.ts'
export type { Reference, Scai, ScaiAttribute } from './predicates/scai.ts'
export type { Finding, FoundPackage, Scan } from './predicates/scan-types.ts'
export { isAtLeast, readSeverity, worstOf, type Severity } from './predicates/severity.ts'
export { parseSimpleSigning, type SimpleSigning } from './predicates/simple-signing.ts'
export {
  sourceRefsOf,
  type SourceControl,
  type SourceProvenance,
  type SourceSummary,
} from './predicates/source-provenance.ts'
export { svrStatement, type Svr } from './predicates/svr.ts'
export type { TestResult } from './predicates/test-result.ts'
export type {
  Vex,
  VexComponent,
  VexProduct,
  VexStatement,
  VexStatus,
  VexVersions,
} from './predicates/vex-types.ts'
export { vsaStatement, type NewVsa, type Vsa } from './predicates/vsa.ts'
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
