import { quote } from '#error'
import type { JsonObject } from '#document'
import {
  compact,
  field,
  onlyFields,
  optional,
  readList,
  readName,
  required,
  wrongField,
} from '../field.ts'
import { predicateTypes } from '../predicate-types.ts'
import type { ResourceDescriptor } from '../resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from '../statement.ts'
import { readTime } from '../time.ts'

/** In an emergency, somebody lets the subjects run although rules say no: these rules, there, until then. */
export interface Breakglass {
  /** Who asked and who granted, in the words of the signer. Never the same; who signed is what counts. */
  readonly requester: string
  readonly approver: string
  readonly environment: string
  /** Missing: every service of the environment. */
  readonly service?: string
  /** The rules that are waived, by their ids. At least one; all others still hold. */
  readonly rules: readonly string[]
  readonly reason: string
  /** Where the emergency is written down. */
  readonly incident: string
  readonly notBefore: string
  /** Later than `notBefore`. */
  readonly expires: string
}

const fields = new Set([
  'requester',
  'approver',
  'environment',
  'service',
  'rules',
  'reason',
  'incident',
  'notBefore',
  'expires',
])

/**
 * Makes a Statement with the breakglass predicate.
 *
 * @throws SallyportError when it is not one that `readBreakglass` accepts
 */
export function breakglassStatement(
  subject: readonly ResourceDescriptor[],
  grant: Breakglass,
): Statement {
  const { requester, approver, environment, service, rules } = grant
  const { reason, incident, notBefore, expires } = grant
  const statement: Statement = {
    _type: statementTypes.v1,
    subject,
    predicateType: predicateTypes.breakglass,
    predicate: compact<JsonObject>({
      requester,
      approver,
      environment,
      service,
      rules,
      reason,
      incident,
      notBefore,
      expires,
    }),
  }
  readBreakglass(statement)
  encodeStatement(statement)
  return statement
}

/**
 * Reads a breakglass grant. The format is ours, so unknown fields are refused: a limit that is not understood must
 * not be skipped.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field
 */
export function readBreakglass({ predicate }: Pick<Statement, 'predicate'>): Breakglass {
  const where = 'statement.predicate'
  onlyFields(predicate, fields, where)
  const grant = compact<Breakglass>({
    requester: required(predicate, 'requester', where, readName),
    approver: required(predicate, 'approver', where, readName),
    environment: required(predicate, 'environment', where, readName),
    service: optional(predicate, 'service', where, readName),
    rules: readList(field(predicate, 'rules'), `${where}.rules`, { min: 1, max: 1_000 }, readName),
    reason: required(predicate, 'reason', where, readName),
    incident: required(predicate, 'incident', where, readName),
    notBefore: required(predicate, 'notBefore', where, readTime),
    expires: required(predicate, 'expires', where, readTime),
  })
  const { requester, approver, rules, notBefore, expires } = grant
  if (approver === requester) {
    throw wrongField(`${where}.approver`, `somebody else than ${quote(requester)}`, approver)
  }
  if (new Set(rules).size < rules.length) {
    throw wrongField(`${where}.rules`, 'each rule once', 'a rule twice')
  }
  if (Date.parse(expires) > Date.parse(notBefore)) return grant
  throw wrongField(`${where}.expires`, `a time after ${quote(notBefore)}`, expires)
}
