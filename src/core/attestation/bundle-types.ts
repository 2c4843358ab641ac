import type { Envelope } from './envelope.ts'
import type { LogEntry } from './log-entry.ts'

export type BundleVersion = '0.1' | '0.2' | '0.3'

/** A Sigstore bundle, decoded. Nothing here has been verified. */
export interface Bundle {
  /** As it was written; two spellings of version 0.3 are known. */
  readonly mediaType: string
  readonly version: BundleVersion
  readonly verificationMaterial: VerificationMaterial
  readonly tlogEntries: readonly LogEntry[]
  /** RFC 3161 time-stamp responses, DER. */
  readonly timestamps: readonly Uint8Array[]
  readonly content: BundleContent
}

/** What the bundle says about the key: a hint, a leaf certificate (0.3) or a chain (0.1, 0.2), DER. */
export type VerificationMaterial =
  | { readonly kind: 'publicKey'; readonly hint: string }
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array }
  | { readonly kind: 'x509CertificateChain'; readonly certificates: readonly Uint8Array[] }

export type BundleContent =
  { readonly kind: 'dsseEnvelope'; readonly envelope: Envelope } | MessageSignature

/** A signature over the artifact itself. */
export interface MessageSignature {
  readonly kind: 'messageSignature'
  /** What the signer says the artifact's digest is: a hint, to be compared and never to be trusted. */
  readonly messageDigest?: MessageDigest
  readonly signature: Uint8Array
}

export interface MessageDigest {
  /** in-toto's name of it, such as `sha256`. */
  readonly algorithm: 'sha256' | 'sha384' | 'sha512' | 'sha3_256' | 'sha3_384'
  readonly digest: Uint8Array
}
