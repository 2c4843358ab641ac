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
    /**
     * Where it lies, as whoever asks or the choke point says: `oci://HOST/NAME…`, or a package URL. Evidence was looked for
     * there; it is recorded so that it can be looked for there again, and is never a reason for anything.
     */
    readonly downloadLocation?: string
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
  /**
   * What was asked of the choke point, in its own words, so that the way from there to this question can be followed: the
   * object and operation of an API server, the tag that was pulled. Recorded and shown; it is never a reason for anything.
   */
  readonly asked?: Readonly<Record<string, string>>
  /**
   * Present when nobody asks to be let in: this decides again what an outage let in before, by its places in the log. Then no
   * choice of the policy (`mode: audit`, `whenUnavailable`) and no grant makes anything but a yes of it.
   */
  readonly rechecks?: Rechecked
}

/** Entries of one log that asked the same, of which nobody could tell. */
export interface Rechecked {
  /** The first of them. */
  readonly first: number
  /** The last one that is decided again; those between that ask something else are not meant. */
  readonly last: number
  /** What they asked: the sha256 of their request and of the digests of their evidence. */
  readonly question: string
}
