import type { JsonObject } from '#document'
import { readName, readObject, required } from '../field.ts'
import { predicateTypes } from '../predicate-types.ts'
import { descriptorJson, readDescriptor, type ResourceDescriptor } from '../resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from '../statement.ts'
import { readTime } from '../time.ts'
import { readItems, readNames } from './text.ts'

/** Properties that a verifier found an artifact to have. What is not listed has not been verified. */
export interface Svr {
  readonly version: 'v0.1' | 'v0.2'
  readonly verifierId: string
  readonly timeCreated: string
  readonly properties: readonly string[]
  /** The policies that were applied; v0.1 does not say. */
  readonly policies: readonly ResourceDescriptor[]
}

const maxProperties = 10_000
const maxPolicies = 1_000

/** in-toto's Simple Verification Result.  https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md */
export function readSvr(predicate: JsonObject, version: Svr['version'], where: string): Svr {
  const verifier = required(predicate, 'verifier', where, readObject)
  const place = `${where}.verifier`
  return {
    version,
    verifierId: required(verifier, 'id', place, readName),
    timeCreated: required(predicate, 'timeCreated', where, readTime),
    properties: readNames(predicate, 'properties', where, maxProperties),
    policies: readItems(verifier, 'policies', place, maxPolicies, readDescriptor),
  }
}

/**
 * Makes a Statement with the predicate SVR v0.2.
 *
 * @throws SallyportError when it is not one that `readSvr` accepts
 */
export function svrStatement(
  subject: readonly ResourceDescriptor[],
  svr: Omit<Svr, 'version'>,
): Statement {
  const { verifierId, timeCreated, properties, policies } = svr
  const predicate: JsonObject = {
    // "policies" is required, and empty where no policy was applied.
    verifier: { id: verifierId, policies: policies.map(descriptorJson) },
    timeCreated,
    properties,
  }
  readSvr(predicate, 'v0.2', 'statement.predicate')
  const predicateType = predicateTypes.svr
  const statement: Statement = { _type: statementTypes.v1, subject, predicateType, predicate }
  encodeStatement(statement)
  return statement
}
