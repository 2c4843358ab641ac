export { stages } from './authorise.ts'
export { sourceOfCertificate, type CertificateSource } from './builder-identity.ts'
export { breakglassSchema, type BreakglassTerms } from './breakglass-terms.ts'
export { checkTerms } from './check-terms.ts'
export { checkDocument } from './check-document.ts'
export { authenticated, claimed, type Basis, type Fact } from './fact.ts'
export type { CertificateProof } from './find-identities.ts'
export { namesOf, personOf } from './names.ts'
export { nearestName } from './nearest-name.ts'
export { parseTrust, trustedRootFiles, type TrustOptions } from './parse-trust.ts'
export { keyidOf, readPublicKey, type PublicKey } from './public-key.ts'
export {
  readRulebookKeys,
  type RulebookKey,
  type RulebookKeyEntry,
  type RulebookKeys,
} from './rulebook/keys.ts'
export {
  encodeRulebookMemory,
  parseRulebookMemory,
  remember,
  rollbacks,
  type RulebookMemory,
} from './rulebook/memory.ts'
export {
  identifyFile,
  readRulebookStatement,
  rulebookFileType,
  rulebookStatement,
  type RulebookFile,
} from './rulebook/statement.ts'
export {
  checkExpiry,
  ownersOf,
  rotateKeys,
  verifyRulebookFile,
  type SignedFile,
} from './rulebook/verify-file.ts'
export { isSignatureGood, type Scheme } from './scheme.ts'
export type { StatementSigner } from './statement-signer.ts'
export { trustJsonSchema } from './trust-json-schema.ts'
export type {
  Signer,
  Trust,
  TrustedAuthority,
  TrustedIdentity,
  TrustedKey,
  TrustedName,
} from './trust.ts'
export {
  createVerifier,
  verifyAttestation,
  type OpenedAttestation,
  type Verifier,
  type VerifierOptions,
} from './verifier.ts'
export { holdersOf, waysOf, type Way } from './ways.ts'
export {
  isVerified,
  type AttestationFormat,
  type Rejection,
  type UnverifiedClaims,
  type Verified,
  type VerifiedSigner,
} from './verified.ts'
