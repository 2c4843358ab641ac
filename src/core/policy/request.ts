import type { DigestSet } from '#attestation'

/** Where an artifact would run: one policy owns each target. */
export interface Target {
  readonly environment: string
  readonly service: string
}

/** The question: may this artifact be deployed to this target? Anything counts: image, package, file, configuration. */
export interface DeploymentRequest {
  readonly artifact: {
    /** What the requester calls it; never believed, only shown and compared with what signers call it. */
    readonly name: string
    /**
     * What would run. `sha256` is mandatory. A choke point MUST compute every digest itself from the same bytes: evidence
     * may know the artifact by another of them (npm: `sha512`), and is then about these bytes.
     */
    readonly digest: DigestSet
  }
  readonly target: Target
  /** Which choke point asks, such as `cli` or `admission`. */
  readonly chokePoint: string
  /** Who asked, as the choke point authenticated them; recorded, and never a reason to allow. */
  readonly requester?: string
}
