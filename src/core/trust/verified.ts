import type { ResourceDescriptor } from '#attestation'
import type { Problem } from '#error'
import type { CertificateProof } from './find-identities.ts'

/** A signer whose word a verified attestation is. */
export interface VerifiedSigner {
  /** Its name in the trust file. */
  readonly name: string
  readonly owner: string
  /** The key that signed; the first one, when the signer's threshold asks for several. */
  readonly keyid: string
  /** Every distinct key of this signer that signed and may be believed now. */
  readonly keys: readonly { readonly keyid: string; readonly owner: string }[]
  /** What is proven about who signed, when it was with a certificate. Its `keyid` is then that of the certificate. */
  readonly certificate?: CertificateProof
  /** The SLSA Build level that the trust file lets this signer claim for the builder it names. */
  readonly builderLevel?: number
  /** When this signature stops being good, if nothing changes but the time. */
  readonly validUntil?: Date
}

interface Findings<T> {
  readonly value: T
  readonly digest: string
  readonly format: AttestationFormat
  readonly builderId?: string
  readonly signers: readonly VerifiedSigner[]
}

export type AttestationFormat = 'bundle' | 'envelope' | 'jwt' | 'simple-signing'

/** Held by this module alone; without it nothing verified can be made. */
const maker: unique symbol = Symbol('#trust')

class VerifiedAttestation<T> {
  readonly #made = true
  /** What was signed: frozen, because verdicts share it. */
  readonly value: T
  /** Lower-case hex sha256 of the attestation's bytes. */
  readonly digest: string
  readonly format: AttestationFormat
  /** The builder that a provenance names; one that each of `signers` may speak for. */
  readonly builderId?: string
  /** At least one; each may say this, and its key may be believed now. */
  readonly signers: readonly VerifiedSigner[]

  constructor(key: typeof maker, findings: Findings<T>) {
    if (key !== maker) throw new TypeError('only #trust verifies')
    this.value = findings.value
    this.digest = findings.digest
    this.format = findings.format
    if (findings.builderId !== undefined) this.builderId = findings.builderId
    this.signers = findings.signers
    Object.freeze(this)
  }

  static isInstance(value: unknown): value is VerifiedAttestation<unknown> {
    return typeof value === 'object' && value !== null && #made in value && value.#made
  }
}

/**
 * Something whose signature, signer and authority have been verified. Only `#trust` can make one: the class is not
 * exported, its constructor asks for a symbol that never leaves this file, and a private field marks what it made.
 */
export type Verified<T> = VerifiedAttestation<T>

/** An attestation that is not believed, and why. */
export interface Rejection {
  readonly kind: 'rejection'
  /** Lower-case hex sha256 of the attestation's bytes. */
  readonly digest: string
  /** The nearest miss first. At least one. */
  readonly problems: readonly [Problem, ...Problem[]]
  /** How far verification came: the higher, the nearer to being believed. */
  readonly stage: number
}

/** What an attestation says about itself. Nothing of it is verified: for finding and explaining, never for deciding. */
export interface UnverifiedClaims {
  readonly predicateType: string
  readonly subject: readonly ResourceDescriptor[]
}

/** Whether this is the work of `#trust`, whatever it looks like. */
export function isVerified(value: unknown): value is Verified<unknown> {
  return VerifiedAttestation.isInstance(value)
}

/** @internal */
export function makeVerified<T>(findings: Findings<T>): Verified<T> {
  return new VerifiedAttestation(maker, findings)
}
