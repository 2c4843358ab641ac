import type { StoredBlob } from '../blob-store.ts'
import type { Material } from '../fetch.ts'
import type { ArchiveChain } from './chain.ts'

/** A Debian package in a root. */
export interface RootPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** `pkg:deb/debian/NAME@VERSION?arch=…` */
  readonly purl: string
  /** Pinned: of the .deb. Measured: over the list of the package's files with their digests. */
  readonly sha256: string
}

/** What the worker sees at `/`: a deterministic tar in the blob store, and where all of it comes from. */
export interface Root {
  readonly kind: 'pinned' | 'measured'
  readonly tar: StoredBlob
  readonly packages: readonly RootPackage[]
  /** Every path with package, mode and digest: canonical JSON in the blob store. */
  readonly manifest: StoredBlob
  /** The name of the rule that says what is taken from a package and what is generated. */
  readonly rule: string
  /** Pinned only: the .debs, as materials of the build. */
  readonly materials: readonly Material[]
  /** Pinned only: how the .debs were followed from the archive's signature. */
  readonly archive?: ArchiveChain
}
