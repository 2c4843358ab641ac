import type { Envelope, Statement } from '#attestation'
import type { Problem } from '#error'
import type { CertificateIdentity } from './identity.ts'
import type { FulcioClaims } from './x509/fulcio.ts'

/** The answer about one bundle: what is proven, or every reason why nothing is. */
export type SigstoreResult = VerifiedBundle | BundleRejection

/** A bundle that is not believed, and why. */
export interface BundleRejection {
  readonly kind: 'rejection'
  /** In the order in which the checks are made. At least one. */
  readonly problems: readonly [Problem, ...Problem[]]
}

/** Who signed, as authorities have proven it. */
export type ProvenSigner =
  | {
      readonly kind: 'certificate'
      readonly identity: CertificateIdentity
      /** What Fulcio says about the token that the certificate was issued for. */
      readonly claims: FulcioClaims
      /** Lower-case hex sha256 of the certificate's DER. */
      readonly certificate: string
      readonly notBefore: Date
      readonly notAfter: Date
      /** The URI of the authority in the trusted root. */
      readonly authority: string
      /** Certificate transparency logs of the root that have the certificate. */
      readonly scts: readonly { readonly log: string; readonly time: Date }[]
    }
  | {
      readonly kind: 'publicKey'
      /** Lower-case hex sha256 of the SubjectPublicKeyInfo (DER). */
      readonly keyid: string
    }

/** A time at which the signature existed; who says so is neither the signer nor the bundle. */
export interface ProvenTime {
  readonly time: Date
  readonly kind: 'transparency-log' | 'timestamp-authority'
  /** The URL of the log or the URI of the authority in the trusted root. */
  readonly source: string
}

/** An entry in a transparency log about this signature. */
export interface ProvenEntry {
  /** The URL of the log in the trusted root. */
  readonly log: string
  /** Lower-case hexadecimal. */
  readonly logId: string
  /** The index in the whole log. Signed only where `integratedTime` is there; proven only within its tree. */
  readonly logIndex: number
  readonly kind: string
  /** When the log took it in; only where the log has signed the time. */
  readonly integratedTime?: Date
  /** False when the log has promised to take the entry in and nothing proves that it did. */
  readonly isProven: boolean
}

/** What was signed. */
export type ProvenContent =
  | { readonly kind: 'statement'; readonly statement: Statement; readonly envelope: Envelope }
  /** An envelope around something else than an in-toto statement. */
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  /** The artifact itself, without a word about it. */
  | { readonly kind: 'artifact' }

interface Findings {
  readonly signer: ProvenSigner
  readonly times: readonly ProvenTime[]
  readonly entries: readonly ProvenEntry[]
  readonly content: ProvenContent
  readonly isBoundToArtifact: boolean
  readonly ignored: readonly string[]
}

/** Held by this file alone; without it no bundle is verified. */
const maker: unique symbol = Symbol('sigstore')

class Verified {
  readonly kind = 'verified'
  readonly #made = true
  readonly signer: ProvenSigner
  readonly times: readonly ProvenTime[]
  readonly entries: readonly ProvenEntry[]
  readonly content: ProvenContent
  /** Whether the bundle is about the artifact that was asked for; false only when none was. */
  readonly isBoundToArtifact: boolean
  /** Evidence in the bundle that proves nothing under this root, and why. */
  readonly ignored: readonly string[]

  constructor(key: typeof maker, findings: Findings) {
    if (key !== maker) throw new TypeError('only verifySigstoreBundle verifies')
    this.signer = findings.signer
    this.times = findings.times
    this.entries = findings.entries
    this.content = findings.content
    this.isBoundToArtifact = findings.isBoundToArtifact
    this.ignored = findings.ignored
    Object.freeze(this)
  }

  static isInstance(value: unknown): value is Verified {
    return typeof value === 'object' && value !== null && #made in value && value.#made
  }
}

/**
 * A bundle that has been verified. Only `verifySigstoreBundle` makes one: the class is not exported, and its constructor
 * asks for a symbol that never leaves this file.
 */
export type VerifiedBundle = Verified

/** Whether this is the work of `verifySigstoreBundle`, whatever it looks like. */
export function isVerifiedBundle(value: unknown): value is VerifiedBundle {
  return Verified.isInstance(value)
}

/** @internal */
export function makeVerified(findings: Findings): VerifiedBundle {
  return new Verified(maker, findings)
}
