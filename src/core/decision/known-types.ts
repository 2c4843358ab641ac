import { kinds } from '#policy'

/** Predicate types that some rule understands. Any other is kept, shown, and counts for nothing. */
export interface KnownTypes {
  readonly has: (predicateType: string) => boolean
  /** By name, for messages. */
  readonly names: readonly string[]
}

export const knownPredicateTypes: KnownTypes = {
  has: (type) =>
    kinds.some(({ predicateTypes, isOf }) => predicateTypes.has(type) || isOf?.(type) === true),
  names: [...new Set(kinds.map(({ name }) => name))],
}
