import type { Problem } from '#error'

/**
 * One question that nobody could answer, and that was let in all the same: the same bytes, for the same target, asked by the
 * same, with the same evidence. A rollout that asks it a hundred times is one.
 */
export interface OpenAdmission {
  /** The sha256 of request and evidence; `entry N` for one that cannot be read. */
  readonly question: string
  /** The first and the last decision of it that is not decided again yet, by their places in the log. */
  readonly first: number
  readonly last: number
  /** When these were made (RFC 3339). */
  readonly since: string
  readonly until: string
  /** How many there are, at least. */
  readonly times: number
  readonly artifact: { readonly name: string; readonly sha256: string }
  readonly environment: string
  readonly service: string
  readonly requester?: string
  /** Why the entry cannot be read, so that nobody knows whether it let anything in; the rest is empty then. */
  readonly unreadable?: Problem
}

/** One that has been decided again, with a real yes or a real no. */
export interface SettledAdmission extends OpenAdmission {
  readonly recheck: {
    /** Where the answer stands in the log. */
    readonly entry: number
    readonly time: string
    readonly verdict: 'ALLOW' | 'DENY'
    readonly reasons: readonly Problem[]
  }
}

/** What there has been since the log began, in decisions. */
export interface RecheckTotals {
  readonly verified: number
  readonly refused: number
}
