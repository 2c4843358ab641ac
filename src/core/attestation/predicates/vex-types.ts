import type { DigestSet } from '../digest-set.ts'

export type VexStatus = 'not_affected' | 'affected' | 'fixed' | 'under_investigation'

/** Statements about vulnerabilities in products, by whoever knows the products. */
export interface Vex {
  readonly format: 'openvex' | 'cyclonedx'
  readonly author?: string
  /** When the document was made, or last changed. */
  readonly timestamp?: string
  /** What the signed statement is about. A product that is not named is one of these. */
  readonly subjects: readonly DigestSet[]
  readonly statements: readonly VexStatement[]
}

export interface VexStatement {
  readonly vulnerability: string
  readonly aliases: readonly string[]
  readonly products: readonly VexProduct[]
  readonly status: VexStatus
  /** Why it is not affected, in the word of the format. */
  readonly justification?: string
  readonly impact?: string
  readonly action?: string
  /** When this was said; missing when the document does not say. */
  readonly timestamp?: string
}

/** What a statement is about. It matches a product by any of its names. */
export interface VexProduct extends VexComponent {
  /** The product is what the signed statement is about. */
  readonly isSubject: boolean
  /** The parts of the product that the statement is about; all of it when there are none. */
  readonly subcomponents: readonly VexComponent[]
  /** The versions that the statement is about; all when there are none. */
  readonly versions: readonly VexVersions[]
}

export interface VexComponent {
  /** Package URLs in canonical form. One without a version stands for all versions. */
  readonly purls: readonly string[]
  readonly digests: DigestSet
  /** Other names: IRIs, CPEs, links to elements of a CycloneDX document. */
  readonly ids: readonly string[]
  readonly name?: string
  readonly version?: string
}

/** Versions of a product, and what is said about just these. */
export interface VexVersions {
  /** One version, or a range (`vers:npm/<2.0.0`). */
  readonly version?: string
  readonly range?: string
  /** Missing when the statement's status holds. */
  readonly status?: 'affected' | 'unaffected' | 'unknown'
}

export const maxVexStatements = 50_000
export const maxVexProducts = 50_000
