/** A time at which the signature is known to have existed, and who says so. Never the signer. */
export interface SignerTime {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The log or authority, for messages. */
  readonly source: string
  readonly kind: 'transparency-log' | 'timestamp-authority'
  /** Who runs it: two times by one operator are one. */
  readonly operator: string
}
