import type { Entry } from '../entry.ts'

export const sigstore = {
  SIGSTORE_ROOT_VERSION: {
    title: 'The Sigstore trusted root is of a version that is not known',
    exit: 2,
  },
  SIGSTORE_ROOT_BASE64: { title: 'A field of the trusted root is not valid base64', exit: 2 },
  SIGSTORE_ROOT_WINDOW: {
    title: 'A period of validity in the trusted root is impossible',
    exit: 2,
  },
  SIGSTORE_ROOT_KEY: { title: 'A key of the trusted root cannot be used', exit: 2 },
  SIGSTORE_ROOT_CHAIN: { title: 'A certificate chain of the trusted root does not hold', exit: 2 },
  SIGSTORE_DER: { title: 'Something that should be DER is not', exit: 1 },
  SIGSTORE_SIGNER_KIND: {
    title: 'The bundle is signed in another way than the one that is trusted',
    exit: 1,
  },
  SIGSTORE_CERTIFICATE: {
    title: 'The signing certificate is not one that may sign artifacts',
    exit: 1,
  },
  SIGSTORE_CHAIN: { title: 'The signing certificate is not by a trusted authority', exit: 1 },
  SIGSTORE_CERTIFICATE_TIME: {
    title: 'The signing certificate or its authority was not valid when it signed',
    exit: 1,
  },
  SIGSTORE_SCT: {
    title: 'The signing certificate is not provably in a trusted certificate transparency log',
    exit: 1,
  },
  SIGSTORE_KEY: { title: 'The signing key is of a kind or size that is not used', exit: 1 },
  SIGSTORE_KEY_TIME: { title: 'The public key was not valid when it signed', exit: 1 },
  SIGSTORE_TIME_MISSING: { title: 'Too few trusted authorities say when it was signed', exit: 1 },
  SIGSTORE_TIMESTAMP: { title: 'A time stamp does not hold', exit: 1 },
  SIGSTORE_LOG_MISSING: {
    title: 'Too few trusted transparency logs have an entry for the signature',
    exit: 1,
  },
  SIGSTORE_LOG_PROMISE: { title: 'The promise of a transparency log does not hold', exit: 1 },
  SIGSTORE_LOG_PROOF: { title: 'The proof that an entry is in the log does not hold', exit: 1 },
  SIGSTORE_LOG_CHECKPOINT: { title: 'The checkpoint of a log does not hold', exit: 1 },
  SIGSTORE_LOG_BODY: { title: 'A log entry is of a kind that says nothing here', exit: 1 },
  SIGSTORE_LOG_MISMATCH: { title: 'A log entry is about another signature', exit: 1 },
  SIGSTORE_LOG_COPY: { title: 'The same evidence is in the bundle more than once', exit: 1 },
  SIGSTORE_SIGNATURE: { title: 'The signature does not fit the content and the key', exit: 1 },
  SIGSTORE_ARTIFACT: { title: 'The bundle is about another artifact', exit: 1 },
  SIGSTORE_ARTIFACT_DIGEST: {
    title: 'The artifact has to be known by another digest or as a file',
    exit: 2,
  },
  SIGSTORE_IDENTITY: { title: 'The bundle is signed by somebody else', exit: 1 },
  SIGSTORE_CHECK_FAILED: { title: 'The bundle could not be checked', exit: 1 },
} as const satisfies Record<string, Entry>
