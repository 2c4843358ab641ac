import type { DeploymentRequest } from '#policy'
import type { JsonObject } from '#document'
import type { EvidenceItem, EvidenceSource, Effect, Verdict } from '../index.ts'

/** One story with its expected end: what a vector file is written from. */
export interface Case {
  /** The vector's file name. */
  readonly name: string
  /** The rule that is shown, as a sentence. */
  readonly says: string
  readonly require: readonly string[]
  /** More lines of the policy. */
  readonly policy?: string
  readonly items: readonly EvidenceItem[]
  readonly sources?: readonly EvidenceSource[]
  readonly request?: DeploymentRequest
  /** Entries of the trust file, instead of the usual ones. */
  readonly signers?: JsonObject
  readonly now?: string
  readonly expected: {
    readonly verdict: Verdict
    /** Default: `admitted` for ALLOW, else `blocked`. */
    readonly effect?: Effect
    /** Codes of the reasons, in order. */
    readonly codes: readonly string[]
    /** Verdicts of rules by id, where they matter. */
    readonly rules?: Readonly<Record<string, string>>
    readonly validUntil?: string
  }
}

export function allow(
  name: string,
  says: string,
  story: Pick<Case, 'require' | 'items'> & Partial<Case>,
  validUntil?: string,
): Case {
  const more = validUntil === undefined ? {} : { validUntil }
  return { ...story, name, says, expected: { verdict: 'ALLOW', codes: [], ...more } }
}

export function deny(
  name: string,
  says: string,
  story: Pick<Case, 'require' | 'items'> & Partial<Case>,
  codes: readonly string[],
  rules?: Readonly<Record<string, string>>,
): Case {
  const more = rules === undefined ? {} : { rules }
  return { ...story, name, says, expected: { verdict: 'DENY', codes, ...more } }
}
