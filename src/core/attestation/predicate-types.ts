/** The predicate types that Sallyport reads or writes. Others may be required by policies, by their exact name. */
export const predicateTypes = {
  slsaProvenanceV1: 'https://slsa.dev/provenance/v1',
  slsaProvenanceV02: 'https://slsa.dev/provenance/v0.2',
  slsaProvenanceV01: 'https://slsa.dev/provenance/v0.1',
  /** How a JWT is presented as a Statement; no envelope may carry it. */
  jwtProvenance: 'https://sallyport.dev/attestation/jwt-provenance/v1',
  /** How a Simple Signing signature is presented as a Statement; no envelope may carry it. */
  simpleSigning: 'https://sallyport.dev/attestation/simple-signing/v1',
  vsa: 'https://slsa.dev/verification_summary/v1',
  svr: 'https://in-toto.io/attestation/svr/v0.2',
  approval: 'https://sallyport.dev/attestation/approval/v1',
  review: 'https://sallyport.dev/attestation/review/v1',
  breakglass: 'https://sallyport.dev/attestation/breakglass/v1',
  /** It lets nothing in: it says who lives with what was let in. */
  riskAcceptance: 'https://sallyport.dev/attestation/risk-acceptance/v1',
} as const
