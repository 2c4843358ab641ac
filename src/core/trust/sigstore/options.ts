import type { KeyObject } from 'node:crypto'
import type { Bundle } from '#attestation'
import type { Artifact } from './artifact.ts'
import { assertIdentityMatch, type IdentityMatch } from './identity.ts'
import type { TimeWindow, TrustedRoot } from './root/trusted-root.ts'

/** What to verify, and what it has to be. There is no default for what is trusted. */
export interface SigstoreOptions {
  /** The bundle as it was found, or parsed by `parseBundle`. */
  readonly bundle: Uint8Array | Bundle
  /**
   * The artifact that the bundle has to be about. With `anyArtifactUnsafe` the result says that somebody signed the
   * statement, and nothing about any artifact; a signature over an artifact cannot be verified without it.
   */
  readonly artifact: Artifact | 'anyArtifactUnsafe'
  readonly signer: TrustedIdentity | TrustedKey
  readonly thresholds?: Thresholds
}

/** Somebody to whom a certificate authority has given a certificate for the occasion ("keyless"). */
export interface TrustedIdentity {
  readonly trustedRoot: TrustedRoot
  /** Any one of them. With `anyIdentityUnsafe` the caller MUST compare the identity in the result itself. */
  readonly identities: readonly IdentityMatch[] | 'anyIdentityUnsafe'
}

/** The holder of a key that the caller knows. */
export interface TrustedKey {
  readonly publicKey: KeyObject
  /** When the key was in use; it asks for a trusted time. */
  readonly validFor?: TimeWindow
  /** For log entries and time stamps; without it they say nothing. */
  readonly trustedRoot?: TrustedRoot
}

/** How many distinct operators have to say so. */
export interface Thresholds {
  /** Trusted times; default 1, and 0 for a key without `validFor`. Never 0 for a certificate, which is nothing without. */
  readonly times?: number
  /** Transparency logs with an entry; default 1, and 0 for a key. */
  readonly logs?: number
  /** Certificate transparency logs; default 1. */
  readonly scts?: number
}

/** Thresholds without anything left open. */
export type SettledThresholds = Required<Thresholds>

/**
 * Refuses options that contradict themselves.
 *
 * @throws TypeError the caller's mistake
 */
export function settleThresholds({ signer, thresholds = {} }: SigstoreOptions): SettledThresholds {
  assertSigner(signer)
  const isKey = 'publicKey' in signer
  const isTimed = !isKey || signer.validFor !== undefined
  const least = isKey ? 0 : 1
  const { times = isTimed ? 1 : 0, logs = least, scts = least } = thresholds
  assertCounts([times, logs, scts])
  if (isTimed && times === 0) {
    throw new TypeError('what is valid for a time only cannot be verified without a trusted time')
  }
  return { times, logs, scts }
}

function assertCounts(counts: readonly number[]): void {
  for (const count of counts) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new TypeError(`a threshold is a whole number from 0, not ${count}`)
    }
  }
}

function assertSigner(signer: SigstoreOptions['signer']): void {
  if ('publicKey' in signer) {
    if ('identities' in signer) {
      throw new TypeError('a bundle is verified by a key or by identities, not by both')
    }
    return
  }
  const { identities } = signer
  if (identities === 'anyIdentityUnsafe') return
  if (identities.length === 0) throw new TypeError('at least one identity may have signed')
  identities.forEach(assertIdentityMatch)
}
