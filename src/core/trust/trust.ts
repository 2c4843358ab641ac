import type { KeyObject } from 'node:crypto'
import type { BreakglassTerms } from './breakglass-terms.ts'
import type { Scheme } from './scheme.ts'
import type { IdentityMatch } from './sigstore/identity.ts'
import type { Oid } from './sigstore/der/values.ts'
import type { TrustedRoot } from './sigstore/root/trusted-root.ts'
import type { Issuer } from './sigstore/x509/issuer.ts'
import type { pinnable } from './trust-schema.ts'

/** The trust file: who may say what, from when to when. Made by `parseTrust` only. */
export interface Trust {
  /** The file's name as the user knows it. */
  readonly file: string
  /** Lower-case hex sha256 of the file's bytes. */
  readonly digest: string
  readonly name: string
  readonly owner: string
  /** Goes up with each change; missing where the file says none. */
  readonly version?: number
  /** From then on nothing may be decided with this file (KEY-07, KEY-11). */
  readonly expires?: Date
  /** `file:line:column` of something in its metadata. */
  readonly line: (field: string) => string
  readonly signers: ReadonlyMap<string, Signer>
  /** Every key of every signer by its key id; no key stands twice. */
  readonly keys: ReadonlyMap<string, TrustedKey>
  /** Sigstore instances by their name in the file. They are inputs of every decision, as the file itself is. */
  readonly roots: ReadonlyMap<string, TrustedRoot>
  /** Private certificate authorities by their name in the file. */
  readonly authorities: ReadonlyMap<string, TrustedAuthority>
  /** Names of roots without a `sha256`: whoever can write their files decides whom to trust. */
  readonly unpinnedRoots: readonly string[]
  /** Who may break the glass where no policy can say; missing: nobody. */
  readonly breakglass?: BreakglassTerms
}

/** One who may say something: the unit that a policy's `by` names. */
export interface Signer {
  readonly name: string
  readonly owner: string
  readonly keys: readonly TrustedKey[]
  /** Those who sign with a certificate for the occasion ("keyless"). */
  readonly identities: readonly TrustedIdentity[]
  /** Those who sign with a certificate of a private authority. */
  readonly certificates: readonly TrustedName[]
  /** The predicate types that it may sign, exactly. */
  readonly predicateTypes: ReadonlySet<string>
  /** The builder ids that it may speak for, each with the highest SLSA Build level it may claim there. */
  readonly builders: ReadonlyMap<string, number>
  /** As `builders`, for every id below a path: the versions of one builder. */
  readonly builderPrefixes: readonly BuilderPrefix[]
  /** Ids that are believed although the signer's certificate names another builder; `builderPrefixes` say it too. */
  readonly claimedBuilders: ReadonlySet<string>
  /** The verifier ids that it may speak for: what a summary says counts for pairs of signer and verifier only. */
  readonly verifiers: ReadonlySet<string>
  /** How many distinct owners of its keys must have signed. */
  readonly threshold: number
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** What is said of every builder id below a path. */
export interface BuilderPrefix {
  readonly prefix: string
  readonly level: number
  /** Whether ids below it are believed although the signer's certificate names another builder. */
  readonly isClaimed: boolean
}

export interface TrustedKey {
  /** Lower-case hex sha256 of the SubjectPublicKeyInfo (DER). */
  readonly keyid: string
  readonly key: KeyObject
  readonly scheme: Scheme
  /** The `keyid` that its signatures must carry, where the trust file says one. */
  readonly name?: string
  /** What it signs: DSSE's encoding of type and payload, or the payload alone. */
  readonly signs: 'dsse' | 'payload'
  /** How its ECDSA signatures are written; those of tokens are always `ieee-p1363`. */
  readonly signatureEncoding: 'der' | 'ieee-p1363'
  /** The name of the signer whose key it is. */
  readonly signer: string
  /** Who holds the key: thresholds count owners. */
  readonly owner: string
  readonly validFrom: Date
  readonly validUntil?: Date
  /** Not used since then; what was provably signed before stays good. */
  readonly retired?: Date
  /** In other hands since then; only what was provably signed before stays good. */
  readonly compromisedSince?: Date
  /** Names of the trusted roots whose logs and time stamps may prove when it signed. */
  readonly timesBy: readonly string[]
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** A name in the certificates of a Sigstore instance that a signer goes by. */
export interface TrustedIdentity {
  /** The name of the signer whose identity it is. */
  readonly signer: string
  /** Who controls it: thresholds count owners. */
  readonly owner: string
  /** The name of the trusted root whose certificates count. */
  readonly root: string
  readonly match: IdentityMatch
  /** What else the certificate must say. */
  readonly pins: readonly CertificatePin[]
  readonly validFrom?: Date
  readonly validUntil?: Date
  /** In other hands since then; only what was provably signed before stays good. */
  readonly compromisedSince?: Date
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** A private certificate authority: an X.509 CA of one's own, or of a SPIFFE trust domain. */
export interface TrustedAuthority {
  readonly name: string
  /** Its roots; nothing else is believed about it. */
  readonly anchors: readonly Issuer[]
  /** The extended key usage that the certificate of a signer has to have. */
  readonly purpose: Oid
  /** Names of the trusted roots whose time stamps may prove when something was signed. */
  readonly timesBy: readonly string[]
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** A name in the certificates of a private authority that a signer goes by; compared exactly. */
export interface TrustedName {
  /** The name of the signer whose name it is. */
  readonly signer: string
  /** Who controls it: thresholds count owners. */
  readonly owner: string
  readonly authority: string
  readonly kind: 'uri' | 'dns' | 'email'
  readonly value: string
  readonly validFrom?: Date
  readonly validUntil?: Date
  /** In other hands since then; only what was provably signed before stays good. */
  readonly compromisedSince?: Date
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** One extension of a certificate, and what it must say: exactly, or below a path. */
export interface CertificatePin {
  readonly name: (typeof pinnable)[number]
  readonly wanted: string | { readonly prefix: string }
}
