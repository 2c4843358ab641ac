import type { JsonObject } from '#document'
import { quote } from '#error'
import { compact, onlyFields, optional, readName, refuse, required, wrongField } from './field.ts'
import { predicateTypes } from './predicate-types.ts'
import type { ResourceDescriptor } from './resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from './statement.ts'
import { readTime } from './time.ts'

/** Somebody allows the subjects to run in one environment. */
export interface Approval {
  readonly environment: string
  /** Who decided, in the words of the signer; who signed is what counts. */
  readonly approver?: string
  readonly reason: string
  readonly approvedOn: string
  /** From then on the approval says nothing. Later than `approvedOn`. */
  readonly expires?: string
}

const fields = new Set(['environment', 'approver', 'reason', 'approvedOn', 'expires'])

/**
 * Makes a Statement with the approval predicate.
 *
 * @throws SallyportError when it is not one that `readApproval` accepts
 */
export function approvalStatement(
  subject: readonly ResourceDescriptor[],
  approval: Approval,
): Statement {
  const { environment, approver, reason, approvedOn, expires } = approval
  const statement: Statement = {
    _type: statementTypes.v1,
    subject,
    predicateType: predicateTypes.approval,
    predicate: compact<JsonObject>({ environment, approver, reason, approvedOn, expires }),
  }
  readApproval(statement)
  encodeStatement(statement)
  return statement
}

/**
 * Reads an approval. The format is ours, so unknown fields are refused: a condition that is not understood
 * must not be skipped.
 *
 * @throws SallyportError ATTESTATION_PREDICATE_TYPE for other statements, else ATTESTATION_… with the path
 */
export function readApproval({ predicateType, predicate }: Statement): Approval {
  if (predicateType !== predicateTypes.approval) {
    throw refuse(
      'ATTESTATION_PREDICATE_TYPE',
      'statement.predicateType',
      quote(predicateTypes.approval),
      quote(predicateType),
      'Pass an approval of the artifact for this environment',
    )
  }
  const where = 'statement.predicate'
  onlyFields(predicate, fields, where)
  const approval = compact<Approval>({
    environment: required(predicate, 'environment', where, readName),
    approver: optional(predicate, 'approver', where, readName),
    reason: required(predicate, 'reason', where, readName),
    approvedOn: required(predicate, 'approvedOn', where, readTime),
    expires: optional(predicate, 'expires', where, readTime),
  })
  const { approvedOn, expires } = approval
  if (expires === undefined || Date.parse(expires) > Date.parse(approvedOn)) return approval
  throw wrongField(`${where}.expires`, `a time after ${quote(approvedOn)}`, expires)
}
