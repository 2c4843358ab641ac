import type { Json, JsonObject } from '#document'
import { compact, field, optional, readList, readName, readObject, required } from '../field.ts'
import { readDescriptor, type ResourceDescriptor } from '../resource-descriptor.ts'
import { readItems } from './text.ts'

/** Attributes of an artifact or of what made it, each with the evidence for it. */
export interface Scai {
  /** At least one. */
  readonly attributes: readonly ScaiAttribute[]
  readonly producer?: ResourceDescriptor
}

export interface ScaiAttribute {
  readonly attribute: string
  readonly target?: ResourceDescriptor
  readonly conditions?: JsonObject
  readonly evidence?: ResourceDescriptor
}

/** SCAI v0.2 and v0.3.             https://github.com/in-toto/attestation/blob/main/spec/predicates/scai.md */
export function readScai(predicate: JsonObject, where: string): Scai {
  const attributes = field(predicate, 'attributes')
  return compact<Scai>({
    attributes: readList(
      attributes,
      `${where}.attributes`,
      { min: 1, max: 100_000 },
      readAttribute,
    ),
    producer: optional(predicate, 'producer', where, readDescriptor),
  })
}

function readAttribute(value: Json | undefined, where: string): ScaiAttribute {
  const object = readObject(value, where)
  return compact<ScaiAttribute>({
    attribute: required(object, 'attribute', where, readName),
    target: optional(object, 'target', where, readDescriptor),
    conditions: optional(object, 'conditions', where, readObject),
    evidence: optional(object, 'evidence', where, readDescriptor),
  })
}

/** Documents that lie elsewhere, about all subjects together. */
export interface Reference {
  readonly attesterId: string
  readonly references: readonly ResourceDescriptor[]
}

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/reference.md */
export function readReference(predicate: JsonObject, where: string): Reference {
  const attester = required(predicate, 'attester', where, readObject)
  return {
    attesterId: required(attester, 'id', `${where}.attester`, readName),
    references: readItems(predicate, 'references', where, 100_000, readDescriptor),
  }
}
