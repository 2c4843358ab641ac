import { isProvenanceType, type Statement } from '#attestation'
import type { EvidenceKind } from '../rule.ts'
import { approvalKind } from './approval.ts'
import { provenanceKind } from './provenance.ts'

/** Any statement of the given types, taken for the fact that it was made. It must be well-formed all the same. */
export function statementKind(types: readonly string[]): EvidenceKind<Statement> {
  const { name, missing, obtain } = types.some(isProvenanceType) ? provenanceKind : approvalKind
  return {
    name,
    missing,
    obtain,
    predicateTypes: new Set(types),
    read(statement, subjects) {
      const kind = isProvenanceType(statement.predicateType) ? provenanceKind : approvalKind
      kind.read(statement, subjects)
      return statement
    },
  }
}
