import { encodeCanonical, parseJson, type Json, type JsonObject } from '#document'
import { quote } from '#error'
import { readSomeDigest } from './digest-set.ts'
import {
  compact,
  field,
  optional,
  readList,
  readName,
  readObject,
  readText,
  refuse,
  required,
} from './field.ts'
import { descriptorJson, readDescriptor, type ResourceDescriptor } from './resource-descriptor.ts'

/** The payload type of a DSSE envelope that carries an in-toto Statement. */
export const inTotoPayloadType = 'application/vnd.in-toto+json'

export const statementTypes = {
  v1: 'https://in-toto.io/Statement/v1',
  v01: 'https://in-toto.io/Statement/v0.1',
} as const

/** An in-toto Statement: unsigned words about subjects. Nothing here has been verified. */
export interface Statement {
  readonly _type: (typeof statementTypes)[keyof typeof statementTypes]
  /** At least one, and every one has at least one digest. */
  readonly subject: readonly ResourceDescriptor[]
  readonly predicateType: string
  /** What is said; a missing predicate is an empty one. */
  readonly predicate: JsonObject
}

const maxSubjects = 10_000

/**
 * Parses an in-toto Statement v1 or v0.1. Unknown fields are ignored, as in-toto demands (monotonic principle).
 *
 * @throws SallyportError ATTESTATION_… with the path of the field, or DOCUMENT_… when it is not strict JSON
 */
export function parseStatement(bytes: Uint8Array): Statement {
  return readStatement(parseJson(bytes, { what: 'statement' }), 'statement')
}

/**
 * Writes a Statement v1 as canonical JSON (RFC 8785). What this writes, `parseStatement` reads.
 *
 * @throws SallyportError when the statement is not one that could be read again
 */
export function encodeStatement(statement: Statement): Uint8Array {
  const { _type, subject, predicateType, predicate } = statement
  const json = { _type, subject: subject.map(descriptorJson), predicateType, predicate }
  if (readStatement(json, 'statement')._type !== statementTypes.v1) {
    throw unknownType('statement._type', _type, `${quote(statementTypes.v1)} (v0.1 is only read)`)
  }
  const bytes = encodeCanonical(json)
  // Read once more as bytes: size, depth and numbers are bounded there.
  parseStatement(bytes)
  return bytes
}

function readStatement(value: Json, where: string): Statement {
  const object = readObject(value, where)
  // The field is `type` in in-toto's protobuf, and protobuf JSON allows that name: some tools write it.
  const _type = readType(field(object, '_type') ?? field(object, 'type'), `${where}._type`)
  return {
    _type,
    subject: readSubjects(object, _type, where),
    predicateType: required(object, 'predicateType', where, readName),
    predicate: optional(object, 'predicate', where, readObject) ?? {},
  }
}

function readType(value: Json | undefined, where: string): Statement['_type'] {
  const type = readText(value, where)
  if (type === statementTypes.v1 || type === statementTypes.v01) return type
  throw unknownType(
    where,
    type,
    `one of ${Object.values(statementTypes)
      .map((known) => quote(known))
      .join(', ')}`,
  )
}

function unknownType(where: string, type: string, expected: string): Error {
  const fix = `Make the statement again with "_type": ${quote(statementTypes.v1)}`
  return refuse('ATTESTATION_STATEMENT_TYPE', where, expected, quote(type), fix)
}

function readSubjects(
  object: JsonObject,
  type: Statement['_type'],
  where: string,
): readonly ResourceDescriptor[] {
  const place = `${where}.subject`
  const subjects = readList(
    field(object, 'subject') ?? [],
    place,
    { max: maxSubjects },
    readSubject,
  )
  if (subjects.length === 0) {
    // PRV-03: a statement about nothing proves nothing, and must never match "any artifact".
    throw refuse(
      'ATTESTATION_NO_SUBJECT',
      place,
      'at least one artifact with its digest',
      'none',
      'Make the statement again with the name and sha256 digest of every artifact it is about',
    )
  }
  const unnamed = subjects.findIndex(({ name }) => name === undefined)
  if (type === statementTypes.v01 && unnamed >= 0) {
    readName(undefined, `${place}[${unnamed}].name`)
  }
  return subjects
}

function readSubject(value: Json | undefined, where: string): ResourceDescriptor {
  const descriptor = readDescriptor(value, where)
  const digest = readSomeDigest(descriptor.digest ?? {}, `${where}.digest`)
  return compact<ResourceDescriptor>({ ...descriptor, digest })
}
