import type { PublicKey } from '../keys/public-key.ts'
import type { Scheme } from '../keys/scheme.ts'
import type { Issuer } from '../x509/issuer.ts'

/** A period in milliseconds since 1970; both ends are inside. */
export interface TimeWindow {
  readonly start: number
  /** Missing while it goes on. */
  readonly end?: number
}

/**
 * Everything that one Sigstore instance is trusted for: a `trusted_root.json`, read and checked. Only
 * `parseTrustedRoot` makes one.
 */
export interface TrustedRoot {
  /** The file's name as the user knows it. */
  readonly file: string
  /** Lower-case hex sha256 of the file's bytes. */
  readonly digest: string
  /** Transparency logs (Rekor). */
  readonly tlogs: readonly LogInstance[]
  /** Certificate transparency logs. */
  readonly ctlogs: readonly LogInstance[]
  readonly certificateAuthorities: readonly CertificateAuthority[]
  readonly timestampAuthorities: readonly TimestampAuthority[]
}

/** A log, by its key. */
export interface LogInstance {
  readonly baseUrl: string
  /** `baseUrl` without scheme and final slash: the origin of its checkpoints and the name of its key there. */
  readonly name: string
  /** The id that entries and certificates call it by. */
  readonly logId: Buffer
  /** The id of its key in checkpoints, computed and not believed; undefined for keys that notes do not know. */
  readonly noteKeyId?: number
  /** Who runs it; thresholds count operators. The name of the log, where the root does not say. */
  readonly operator: string
  readonly key: PublicKey
  readonly scheme: Scheme
  readonly validFor: TimeWindow
}

/** A chain of authorities whose links have been verified, the one that issues first. */
export interface CertificateAuthority {
  readonly uri: string
  readonly operator: string
  /** At least one. */
  readonly chain: readonly [Issuer, ...Issuer[]]
  readonly validFor: TimeWindow
}

/** A chain of authorities above a signer of time stamps. */
export interface TimestampAuthority {
  readonly uri: string
  readonly operator: string
  /** Who signs; missing where the root leaves that to the certificate in the time stamp. */
  readonly signer?: Issuer
  /** The authorities above it; empty where the signer itself is the anchor. */
  readonly chain: readonly Issuer[]
  readonly validFor: TimeWindow
}

/** Whether the time is inside; both ends are. */
export function isWithin({ start, end }: TimeWindow, time: number): boolean {
  return start <= time && (end === undefined || time <= end)
}

/** A period in words. */
export function describeWindow({ start, end }: TimeWindow): string {
  const from = new Date(start).toISOString()
  return end === undefined ? `from ${from} on` : `${from} to ${new Date(end).toISOString()}`
}
