import { isObject, type Json, type JsonObject } from '#document'
import { readDigestSet } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  placeOf,
  readName,
  readObject,
  required,
  tooMuch,
  wrongField,
} from '../field.ts'
import { predicateTypes } from '../predicate-types.ts'
import { readVersions } from '../provenance-fields.ts'
import { descriptorJson, readDescriptor, type ResourceDescriptor } from '../resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from '../statement.ts'
import { readTime } from '../time.ts'
import { doubledTrack } from './levels.ts'
import { optionalText, readItems, readNames } from './text.ts'

/** A verifier's summary of what it found out about an artifact or a commit. */
export interface Vsa {
  readonly version: 'v1' | 'v0.2'
  readonly verifierId: string
  /** Versions of the verifier's parts; empty when not stated. */
  readonly verifierVersion: Readonly<Record<string, string>>
  readonly timeVerified?: string
  readonly resourceUri: string
  /** Missing where the verifier does not say. */
  readonly policy?: ResourceDescriptor
  /** Missing: not recorded. Otherwise all of them. */
  readonly inputAttestations?: readonly ResourceDescriptor[]
  readonly verificationResult: 'PASSED' | 'FAILED'
  /** At most one level of each SLSA track, and other properties. */
  readonly verifiedLevels: readonly string[]
  /** How many dependencies reach which level. Missing: no claim; empty: no dependencies. */
  readonly dependencyLevels?: Readonly<Record<string, number>>
  readonly slsaVersion?: string
}

const maxAttestations = 100_000
const maxLevels = 1_000

/** VSA v1, of all versions 1.x of SLSA.                   https://slsa.dev/spec/v1.2/verification_summary */
export function readVsa(predicate: JsonObject, where: string): Vsa {
  const verifier = required(predicate, 'verifier', where, readObject)
  const inputs = field(predicate, 'inputAttestations')
  return compact<Vsa>({
    version: 'v1',
    verifierId: required(verifier, 'id', `${where}.verifier`, readName),
    verifierVersion: optional(verifier, 'version', `${where}.verifier`, readVersions) ?? {},
    timeVerified: optional(predicate, 'timeVerified', where, readTime),
    resourceUri: required(predicate, 'resourceUri', where, readName),
    policy: optional(predicate, 'policy', where, readDescriptor),
    inputAttestations:
      inputs === undefined
        ? undefined
        : readItems(predicate, 'inputAttestations', where, maxAttestations, readInput),
    verificationResult: required(predicate, 'verificationResult', where, readResult),
    verifiedLevels: readLevels(predicate, where),
    dependencyLevels: optional(predicate, 'dependencyLevels', where, readCounts),
    slsaVersion: optionalText(predicate, 'slsaVersion', where),
  })
}

/** VSA v0.2 names its fields in another way, and knows one level only. https://slsa.dev/verification_summary/v0.2 */
export function readVsa02(predicate: JsonObject, where: string): Vsa {
  const verifier = required(predicate, 'verifier', where, readObject)
  const inputs = field(predicate, 'input_attestations')
  const level = optionalText(predicate, 'policy_level', where)
  return compact<Vsa>({
    version: 'v0.2',
    verifierId: required(verifier, 'id', `${where}.verifier`, readName),
    verifierVersion: {},
    timeVerified: optional(predicate, 'time_verified', where, readTime),
    resourceUri: required(predicate, 'resource_uri', where, readName),
    policy: optional(predicate, 'policy', where, readDescriptor),
    inputAttestations:
      inputs === undefined
        ? undefined
        : readItems(predicate, 'input_attestations', where, maxAttestations, readInput),
    verificationResult: required(predicate, 'verification_result', where, readResult),
    verifiedLevels: level === undefined ? [] : [level],
    dependencyLevels: optional(predicate, 'dependency_levels', where, readCounts),
  })
}

export function readResult(value: Json | undefined, where: string): 'PASSED' | 'FAILED' {
  if (value === 'PASSED' || value === 'FAILED') return value
  throw wrongField(where, '"PASSED" or "FAILED"', value)
}

/** "Each entry MUST contain a digest." */
function readInput(value: Json | undefined, where: string): ResourceDescriptor {
  const descriptor = readDescriptor(value, where)
  const digests = required(readObject(value, where), 'digest', where, readDigestSet)
  if (Object.keys(digests).length > 0) return descriptor
  throw wrongField(`${where}.digest`, 'at least one digest', undefined)
}

function readLevels(predicate: JsonObject, where: string): readonly string[] {
  const levels = readNames(predicate, 'verifiedLevels', where, maxLevels)
  const doubled = doubledTrack(levels)
  if (doubled === undefined) return levels
  throw wrongField(`${where}.verifiedLevels`, 'one level of each track', `two levels of ${doubled}`)
}

function readCounts(value: Json | undefined, where: string): Readonly<Record<string, number>> {
  const counts = Object.entries(readObject(value, where))
  if (counts.length > maxLevels) throw tooMuch(where, `at most ${maxLevels} levels`, counts.length)
  return Object.fromEntries(
    counts.map(([level, count]) => [level, readCount(count, placeOf(where, level))]),
  )
}

/** protobuf JSON writes uint64 as a string. */
function readCount(value: Json, where: string): number {
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw wrongField(where, 'a count', value)
}

/** What a VSA that we write says: everything that the specification asks of producers. */
export type NewVsa = Omit<Vsa, 'version' | 'policy'> & {
  readonly timeVerified: string
  /** `uri`, and the digest of what was applied. */
  readonly policy: ResourceDescriptor
  /** All attestations that were used, each with its digest. */
  readonly inputAttestations: readonly ResourceDescriptor[]
  readonly slsaVersion: string
}

/**
 * Makes a Statement with the predicate VSA v1.
 *
 * @throws SallyportError when it is not what the specification asks of producers: a policy with `uri` and `digest`,
 *   inputs with digests, one level for each track, `SLSA_` only in names that SLSA defines
 */
export function vsaStatement(subject: readonly ResourceDescriptor[], vsa: NewVsa): Statement {
  const { verifierId, verifierVersion, policy, inputAttestations, dependencyLevels } = vsa
  const statement: Statement = {
    _type: statementTypes.v1,
    subject,
    predicateType: predicateTypes.vsa,
    predicate: compact<JsonObject>({
      verifier: compact<JsonObject>({
        id: verifierId,
        version: Object.keys(verifierVersion).length === 0 ? undefined : verifierVersion,
      }),
      timeVerified: vsa.timeVerified,
      resourceUri: vsa.resourceUri,
      policy: descriptorJson(policy),
      inputAttestations: inputAttestations.map(descriptorJson),
      verificationResult: vsa.verificationResult,
      verifiedLevels: vsa.verifiedLevels,
      dependencyLevels,
      slsaVersion: vsa.slsaVersion,
    }),
  }
  checkProducer(readVsa(statement.predicate, 'statement.predicate'))
  encodeStatement(statement)
  return statement
}

const slsaName =
  /^SLSA_[A-Z][A-Z_]*_LEVEL_(?:\d+|UNEVALUATED)$|^SLSA_SOURCE_TWO_PARTY_REVIEWED$|^SLSA_BUILD_REPRODUCED$/

function checkProducer({ policy, verifiedLevels, verificationResult }: Vsa): void {
  const where = 'statement.predicate'
  readName(policy?.uri, `${where}.policy.uri`)
  if (!isObject(policy?.digest) || Object.keys(policy.digest).length === 0) {
    throw wrongField(
      `${where}.policy.digest`,
      'the digest of the policy that was applied',
      undefined,
    )
  }
  const own = verifiedLevels.find((name) => name.startsWith('SLSA_') && !slsaName.test(name))
  if (own !== undefined) {
    throw wrongField(`${where}.verifiedLevels`, 'own properties without the prefix SLSA_', own)
  }
  if (verificationResult === 'PASSED' && verifiedLevels.includes('FAILED')) {
    throw wrongField(`${where}.verifiedLevels`, 'no FAILED in a summary that passed', 'FAILED')
  }
}
