import type { KeyObject } from 'node:crypto'
import type { Scheme } from './scheme.ts'

/** The trust file: who may say what, from when to when. Made by `parseTrust` only. */
export interface Trust {
  /** The file's name as the user knows it. */
  readonly file: string
  /** Lower-case hex sha256 of the file's bytes. */
  readonly digest: string
  readonly name: string
  readonly owner: string
  readonly signers: ReadonlyMap<string, Signer>
  /** Every key of every signer by its key id; no key stands twice. */
  readonly keys: ReadonlyMap<string, TrustedKey>
}

/** One who may say something: the unit that a policy's `by` names. */
export interface Signer {
  readonly name: string
  readonly owner: string
  readonly keys: readonly TrustedKey[]
  /** The predicate types that it may sign, exactly. */
  readonly predicateTypes: ReadonlySet<string>
  /** The builder ids that it may speak for, each with the highest SLSA Build level it may claim there. */
  readonly builders: ReadonlyMap<string, number>
  /** How many distinct owners of its keys must have signed. */
  readonly threshold: number
  /** `file:line:column` of its entry. */
  readonly where: string
}

export interface TrustedKey {
  /** Lower-case hex sha256 of the SubjectPublicKeyInfo (DER). */
  readonly keyid: string
  readonly key: KeyObject
  readonly scheme: Scheme
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
  /** `file:line:column` of its entry. */
  readonly where: string
}
