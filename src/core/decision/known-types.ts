import { predicateTypes } from '#attestation'
import { kinds } from '#policy'

/** Predicate types that some rule, or the decision itself, understands. Any other is kept, shown, and counts for nothing. */
export interface KnownTypes {
  readonly has: (predicateType: string) => boolean
  /** By name, for messages. */
  readonly names: readonly string[]
}

export const knownPredicateTypes: KnownTypes = {
  has: (type) =>
    type === predicateTypes.breakglass ||
    kinds.some(({ predicateTypes, isOf }) => predicateTypes.has(type) || isOf?.(type) === true),
  names: [...new Set(kinds.map(({ name }) => name))],
}
