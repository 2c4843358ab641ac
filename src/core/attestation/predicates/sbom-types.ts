import type { DigestSet } from '../digest-set.ts'

/** What is inside something, in whatever format it was written. All of it is the author's claim. */
export interface Sbom {
  /** The format with its version: `spdx-2.3`, `spdx-3.0.1`, `cyclonedx-1.6`. */
  readonly format: string
  /** `documentNamespace`, IRI of the document, or serial number. */
  readonly id?: string
  readonly createdOn?: string
  /** What the document describes. Empty when it does not say. */
  readonly described: readonly SbomComponent[]
  /** What is inside, nested components too; without what is described. */
  readonly components: readonly SbomComponent[]
  readonly dependencies: readonly SbomDependency[]
}

export interface SbomComponent {
  /** Unique within the document. */
  readonly id: string
  /** With its group or scope: `@acme/shop`, `org.acme/shop`. */
  readonly name: string
  readonly version?: string
  /** In canonical form; missing also when what is written there is no package URL. */
  readonly purl?: string
  readonly digests: DigestSet
  /**
   * An SPDX expression, or what stands in its place: a name that is no identifier, or `NONE`. Missing when nothing
   * is said. What was concluded comes before what was declared.
   */
  readonly license?: string
}

/** One component needs others. */
export interface SbomDependency {
  readonly from: string
  readonly to: readonly string[]
}

export const maxComponents = 200_000
export const maxRelationships = 1_000_000
