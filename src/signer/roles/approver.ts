import { parseStatement, predicateTypes, readApproval } from '#attestation'
import { quote, SallyportError } from '#error'
import { checkSubjects } from './subjects.ts'
import { wellFormed, wrongPredicateType, type StatementRule } from './rule.ts'

const approvalTypes: readonly string[] = [predicateTypes.approval]

/** Approvals of artifacts that are named by their SHA-256, and nothing else. */
export function approvalRule(allowed: readonly string[]): StatementRule {
  SallyportError.throwAll(
    allowed
      .filter((type) => !approvalTypes.includes(type))
      .map((type) => ({
        code: 'SIGNER_ROLE',
        where: 'role.predicateTypes',
        expected: `only approvals: ${approvalTypes.map((known) => quote(known)).join(', ')}`,
        found: quote(type),
        fix: `Remove ${quote(type)}; an approver signs nothing else`,
      })),
  )
  return (bytes) => {
    const statement = wellFormed(() => parseStatement(bytes))
    if (!allowed.includes(statement.predicateType))
      throw wrongPredicateType(statement.predicateType, allowed)
    wellFormed(() => readApproval(statement))
    SallyportError.throwAll(checkSubjects(statement))
    return statement
  }
}
