import { approvalKind, provenanceKind } from '#policy'

/** The predicate types that some rule understands. Any other is kept, shown, and counts for nothing. */
export const knownPredicateTypes: ReadonlySet<string> = new Set([
  ...provenanceKind.predicateTypes,
  ...approvalKind.predicateTypes,
])
