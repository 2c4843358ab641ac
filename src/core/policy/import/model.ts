import type { ArtifactPattern } from '../artifact-name.ts'

/**
 * What becomes of one line of a foreign policy. `same`: it holds here too. `stricter`: less is let in than there. `looser`:
 * something that was asked there is not asked here. `dropped`: nothing came of it.
 */
export type ImportEffect = 'same' | 'stricter' | 'looser' | 'dropped'

export interface ImportNote {
  /** `file:line:column` of the line. */
  readonly where: string
  readonly effect: ImportEffect
  readonly text: string
}

/** One who signs, as a foreign policy has it: exactly one of key and identity. */
export interface SignerDraft {
  /** What it is called there, if anything. */
  readonly hint: string
  readonly key?: { readonly publicKey: string; readonly scheme?: string }
  readonly identity?: IdentityDraft
}

export interface IdentityDraft {
  /** The name of the trusted root whose certificates count. */
  readonly root: string
  readonly issuer: string
  readonly subject?: string
  readonly subjectPrefix?: string
}

/** One thing that is asked: somebody of `signers` says something of these types. */
export interface RuleDraft {
  readonly rule: 'signed' | 'sbom'
  readonly types: readonly string[]
  readonly signers: readonly SignerDraft[]
  /** How many of them; one when it is missing. */
  readonly count?: number
}

/** A foreign policy, as far as it means something here. */
export interface PolicyDraft {
  readonly name: string
  /** Where it stands, and what it is: `ClusterImagePolicy "x"`. */
  readonly where: string
  readonly title: string
  readonly artifacts?: readonly ArtifactPattern[]
  readonly mode: 'enforce' | 'audit'
  readonly rules: readonly RuleDraft[]
}

/** Collects notes while a document is read. */
export interface Notes {
  readonly add: (path: readonly (string | number)[], effect: ImportEffect, text: string) => void
}
