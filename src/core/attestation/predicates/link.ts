import { isObject, type Json, type JsonObject } from '#document'
import { readSomeDigest } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  placeOf,
  readList,
  readName,
  readObject,
  readText,
  required,
  tooMuch,
  wrongField,
} from '../field.ts'
import { readDescriptor, type ResourceDescriptor } from '../resource-descriptor.ts'

/** One step of an in-toto supply chain. Its products are the subjects of the statement. */
export interface Link {
  readonly name: string
  readonly command: readonly string[]
  /** Each with its name and digest. */
  readonly materials: readonly ResourceDescriptor[]
  readonly byproducts: JsonObject
  readonly environment: JsonObject
}

const maxMaterials = 200_000

/** Link v0.3, and v0.2 whose materials are a map. https://github.com/in-toto/attestation/blob/main/spec/predicates/link.md */
export function readLink(predicate: JsonObject, where: string): Link {
  return compact<Link>({
    name: required(predicate, 'name', where, readText),
    command: readCommand(field(predicate, 'command'), `${where}.command`),
    materials: readMaterials(field(predicate, 'materials'), `${where}.materials`),
    byproducts: optional(predicate, 'byproducts', where, readObject) ?? {},
    environment: optional(predicate, 'environment', where, readObject) ?? {},
  })
}

/** v0.2 allows a text. */
function readCommand(value: Json | undefined, where: string): readonly string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return value === '' ? [] : [readText(value, where)]
  return readList(value, where, { max: 100_000 }, readText)
}

function readMaterials(value: Json | undefined, where: string): readonly ResourceDescriptor[] {
  if (isObject(value)) return readMaterialMap(value, where)
  const materials = readList(value ?? [], where, { max: maxMaterials }, readMaterial)
  const names = new Set(materials.map(({ name }) => name))
  if (names.size === materials.length) return materials
  throw wrongField(where, 'each name once', 'a name twice')
}

function readMaterial(value: Json | undefined, where: string): ResourceDescriptor {
  const object = readObject(value, where)
  required(object, 'name', where, readName)
  required(object, 'digest', where, readSomeDigest)
  return readDescriptor(value, where)
}

function readMaterialMap(map: JsonObject, where: string): readonly ResourceDescriptor[] {
  const entries = Object.entries(map)
  if (entries.length > maxMaterials) {
    throw tooMuch(where, `at most ${maxMaterials} items`, entries.length)
  }
  return entries.map(([name, digest]) => ({
    name,
    digest: readSomeDigest(digest, placeOf(where, name)),
  }))
}
