import type { JsonObject } from '#document'
import { compact, onlyFields, optional, readName, required, wrongField } from '../field.ts'
import { predicateTypes } from '../predicate-types.ts'
import type { ResourceDescriptor } from '../resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from '../statement.ts'
import { readTime } from '../time.ts'

/**
 * Somebody answers for artifacts that run although they do not meet the policy, until then. It lets nothing in: what is
 * asked again is refused as before.
 */
export interface RiskAcceptance {
  /** Who accepts it, in the words of the signer; who signed is what counts. */
  readonly approver: string
  /** Who carries the risk and has to end it. */
  readonly owner: string
  readonly environment: string
  /** Missing: every service of the environment. */
  readonly service?: string
  readonly reason: string
  readonly acceptedOn: string
  /** Later than `acceptedOn`: nothing is accepted for ever. */
  readonly expires: string
}

const fields = new Set([
  'approver',
  'owner',
  'environment',
  'service',
  'reason',
  'acceptedOn',
  'expires',
])

/**
 * Makes a Statement with the risk acceptance predicate.
 *
 * @throws SallyportError when it is not one that `readRiskAcceptance` accepts
 */
export function riskAcceptanceStatement(
  subject: readonly ResourceDescriptor[],
  accepted: RiskAcceptance,
): Statement {
  const { approver, owner, environment, service, reason, acceptedOn, expires } = accepted
  const statement: Statement = {
    _type: statementTypes.v1,
    subject,
    predicateType: predicateTypes.riskAcceptance,
    predicate: compact<JsonObject>({
      approver,
      owner,
      environment,
      service,
      reason,
      acceptedOn,
      expires,
    }),
  }
  readRiskAcceptance(statement)
  encodeStatement(statement)
  return statement
}

/**
 * Reads a risk acceptance. The format is ours, so unknown fields are refused: a limit that is not understood must not be
 * skipped.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field
 */
export function readRiskAcceptance({ predicate }: Pick<Statement, 'predicate'>): RiskAcceptance {
  const where = 'statement.predicate'
  onlyFields(predicate, fields, where)
  const accepted = compact<RiskAcceptance>({
    approver: required(predicate, 'approver', where, readName),
    owner: required(predicate, 'owner', where, readName),
    environment: required(predicate, 'environment', where, readName),
    service: optional(predicate, 'service', where, readName),
    reason: required(predicate, 'reason', where, readName),
    acceptedOn: required(predicate, 'acceptedOn', where, readTime),
    expires: required(predicate, 'expires', where, readTime),
  })
  const { acceptedOn, expires } = accepted
  if (Date.parse(expires) > Date.parse(acceptedOn)) return accepted
  throw wrongField(`${where}.expires`, `a time after ${JSON.stringify(acceptedOn)}`, expires)
}
