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
  /** Who asked, as far as the choke point knows; recorded and shown. */
  readonly requester?: string
  /**
   * Who asked, as they have proven it to the choke point, with how: `token:ci`, `oidc:ISSUER#SUBJECT`,
   * `certificate:SUBJECT`, `kubernetes:USER`, `os:USER`. Missing where nobody has proven anything. It can be a reason to
   * refuse (`deployers`), and is never one to allow.
   */
  readonly principal?: string
}
