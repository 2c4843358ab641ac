import type { JsonObject } from '#document'
import type { EvidenceItem } from '../../index.ts'

/** Evidence that must bring a rule to a verdict, or why no evidence of this kind can. */
export type Cell = readonly EvidenceItem[] | string

/**
 * One rule over one kind of evidence. What needs no evidence of the kind is the same for all: MISSING (there is none),
 * UNVERIFIABLE (none, and some place could not be looked at), EXEMPTED (a rule that does not hold, and need not).
 */
export interface Row {
  readonly rule: string
  /** The kind of evidence, by the name that refusals use. */
  readonly kind: string
  /** What tells several rows of one kind apart. */
  readonly of?: string
  /** The rule's parameters. */
  readonly ask: string
  /** Evidence that is there in every cell: what leads to the evidence in question. */
  readonly lead?: readonly EvidenceItem[]
  readonly pass: readonly EvidenceItem[]
  readonly fail: Cell
  readonly stale: Cell
  readonly unsupported: Cell
  /** Why nothing is ever missing; default: with nothing but `lead` it is. */
  readonly missing?: string
  readonly signers?: JsonObject
  /** What the requester calls the artifact. */
  readonly name?: string
}

export const noAge =
  'it says nothing of an age, and this rule asks for none: when its signer stops being believed it is refused'
export const oneForm = 'there is one form of it, and whatever has another form is of another kind'
export const anyForm = 'every form of it that is read can answer this rule'
