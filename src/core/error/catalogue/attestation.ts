import type { Entry } from '../entry.ts'

export const attestation = {
  ATTESTATION_UNRECOGNISED: {
    title: 'The document is not an attestation of a known format',
    exit: 2,
  },
  CLOUD_BUILD_DIGEST: { title: 'What gcloud printed names two images', exit: 2 },
  CLOUD_BUILD_TEXT: { title: 'What gcloud printed is not what was signed', exit: 2 },
  ATTESTATION_UNSIGNED: { title: 'The statement is not signed', exit: 2 },
  ATTESTATION_FIELD: {
    title: 'A field of the attestation is missing or has the wrong type',
    exit: 2,
  },
  ATTESTATION_UNKNOWN_FIELD: { title: 'The attestation has a field that is not known', exit: 2 },
  ATTESTATION_LIMIT: { title: 'A part of the attestation is larger than allowed', exit: 2 },
  ATTESTATION_BASE64: { title: 'A field of the attestation is not valid base64', exit: 2 },
  ATTESTATION_DIGEST: { title: 'A digest is not written as its algorithm requires', exit: 2 },
  ATTESTATION_TIME: { title: 'A time is not an RFC 3339 timestamp', exit: 2 },
  ATTESTATION_NO_SUBJECT: { title: 'The statement names no artifact', exit: 2 },
  ATTESTATION_STATEMENT_TYPE: {
    title: 'The statement is of a version that is not known',
    exit: 2,
  },
  ATTESTATION_PREDICATE_TYPE: {
    title: 'The statement says something else than what is read here',
    exit: 2,
  },
  ATTESTATION_BUNDLE_VERSION: {
    title: 'The Sigstore bundle is of a version that is not known',
    exit: 2,
  },
  ATTESTATION_BUNDLE_CONTENT: {
    title: 'The Sigstore bundle lacks a part that its version requires',
    exit: 2,
  },
  ATTESTATION_JWT: { title: 'The token is not a JWT in compact form', exit: 2 },
  ATTESTATION_INPUT_UNIDENTIFIED: {
    title: 'The provenance names an input without its location or its digest',
    exit: 1,
  },
  ATTESTATION_FIELD_OMITTED: {
    title: 'The provenance omits a field that its build type does not imply',
    exit: 1,
  },
} as const satisfies Record<string, Entry>
