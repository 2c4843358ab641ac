import type { JsonObject } from '#document'
import type { DigestSet } from './digest-set.ts'
import type { ResourceDescriptor } from './resource-descriptor.ts'

/**
 * How, by whom and from what an artifact was built: one view of SLSA provenance v1, v0.2, v0.1 and JWT provenance.
 * All of it is the builder's claim until the attestation is verified.
 */
export interface Provenance {
  readonly format: 'slsa-v1' | 'slsa-v0.2' | 'slsa-v0.1' | 'jwt'
  /** Empty in JWT provenance that states none. */
  readonly buildType: string
  /** Empty in JWT provenance without `iss`; then only the key says who built. */
  readonly builderId: string
  /** Versions of the builder's components; empty when not stated. */
  readonly builderVersion: Readonly<Record<string, string>>
  readonly builderDependencies: readonly ResourceDescriptor[]
  /** What the requester could choose. A policy must know every key. */
  readonly externalParameters: JsonObject
  readonly internalParameters: JsonObject
  readonly resolvedDependencies: readonly ResourceDescriptor[]
  /** The main source. Missing when the provenance does not say, or says it in several ways. */
  readonly source?: ProvenanceSource
  readonly invocationId?: string
  readonly startedOn?: string
  readonly finishedOn?: string
  readonly byproducts: readonly ResourceDescriptor[]
  /** Which parts are complete, as the builder says: `metadata.completeness` of v0.2, BuildKit's own field in v1. */
  readonly completeness?: JsonObject
}

export interface ProvenanceSource {
  /** The repository without revision: `git+https://host/path`. */
  readonly uri: string
  /** May be empty: then nothing says which version of the source it was. */
  readonly digest: DigestSet
  readonly ref?: string
  readonly annotations?: JsonObject
}
