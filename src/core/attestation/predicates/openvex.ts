import { isObject, type Json, type JsonObject } from '#document'
import { readDigestSet, type DigestSet } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  readList,
  readName,
  readObject,
  readText,
  required,
  wrongField,
} from '../field.ts'
import { readTime } from '../time.ts'
import {
  distinct,
  objectOrNothing,
  optionalText,
  purlOrNothing,
  readItems,
  readNames,
} from './text.ts'
import {
  maxVexProducts,
  maxVexStatements,
  type Vex,
  type VexComponent,
  type VexProduct,
  type VexStatement,
  type VexStatus,
} from './vex-types.ts'

/** OpenVEX v0.0.1 to v0.2.                      https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md */
export function readOpenVex(
  predicate: JsonObject,
  subjects: readonly DigestSet[],
  where: string,
): Vex {
  const timestamp =
    optional(predicate, 'last_updated', where, readTime) ??
    optional(predicate, 'timestamp', where, readTime)
  return compact<Vex>({
    format: 'openvex',
    author: optionalText(predicate, 'author', where),
    timestamp,
    subjects,
    statements: readItems(predicate, 'statements', where, maxVexStatements, (value, place) =>
      readStatement(value, place, timestamp),
    ),
  })
}

function readStatement(
  value: Json | undefined,
  where: string,
  documentTime: string | undefined,
): VexStatement {
  const object = readObject(value, where)
  const status = required(object, 'status', where, readStatus)
  const justification = optionalText(object, 'justification', where)
  const impact = optionalText(object, 'impact_statement', where)
  if (status === 'not_affected' && justification === undefined && impact === undefined) {
    throw wrongField(`${where}.justification`, 'why the product is not affected', undefined)
  }
  return compact<VexStatement>({
    ...readVulnerability(object, where),
    products: readProducts(object, where),
    status,
    justification,
    impact,
    action: optionalText(object, 'action_statement', where),
    timestamp:
      optional(object, 'last_updated', where, readTime) ??
      optional(object, 'timestamp', where, readTime) ??
      documentTime,
  })
}

const statuses: readonly VexStatus[] = ['not_affected', 'affected', 'fixed', 'under_investigation']

function readStatus(value: Json | undefined, where: string): VexStatus {
  const status = statuses.find((known) => known === value)
  if (status !== undefined) return status
  throw wrongField(where, `one of ${statuses.join(', ')}`, value)
}

/** v0.0.1 names the vulnerability by a text, v0.2 by an object. */
function readVulnerability(object: JsonObject, where: string) {
  const value = field(object, 'vulnerability')
  const place = `${where}.vulnerability`
  if (!isObject(value)) return { vulnerability: readName(value, place), aliases: [] }
  const aliases = readNames(value, 'aliases', place, 1_000)
  const id = optionalText(value, '@id', place)
  const name = optionalText(value, 'name', place)
  // v0.2 requires the name; early writers put it into @id only.
  const vulnerability = name ?? readName(id, `${place}.name`)
  return { vulnerability, aliases: distinct([...aliases, id]) }
}

/** Without products, the statement is about what it was signed for. */
function readProducts(object: JsonObject, where: string): readonly VexProduct[] {
  const products = readItems(object, 'products', where, maxVexProducts, readProduct)
  // v0.0.1 lists the parts beside the products.
  const subcomponents = readItems(object, 'subcomponents', where, maxVexProducts, readComponent)
  if (products.length === 0) return [{ ...theSubject, subcomponents }]
  return subcomponents.length === 0
    ? products
    : products.map((product) => ({ ...product, subcomponents }))
}

const theSubject: VexProduct = {
  isSubject: true,
  purls: [],
  digests: {},
  ids: [],
  subcomponents: [],
  versions: [],
}

function readProduct(value: Json | undefined, where: string): VexProduct {
  const object = objectOrNothing(value)
  return {
    isSubject: false,
    ...readComponent(value, where),
    subcomponents:
      object === undefined
        ? []
        : readItems(object, 'subcomponents', where, maxVexProducts, readComponent),
    versions: [],
  }
}

/** v0.0.1 names components by a text, v0.2 by an object. */
function readComponent(value: Json | undefined, where: string): VexComponent {
  const object: JsonObject = typeof value === 'string' ? { '@id': value } : readObject(value, where)
  const identifiers = optional(object, 'identifiers', where, readObject) ?? {}
  const names = [field(object, '@id') ?? '', ...Object.values(identifiers)]
  const texts = distinct(readList(names, `${where}.identifiers`, { max: 100 }, readText))
  const digests = hashesOf(optional(object, 'hashes', where, readObject) ?? {}, `${where}.hashes`)
  if (texts.length === 0 && Object.keys(digests).length === 0) {
    throw wrongField(where, 'an object with @id, identifiers or hashes', value)
  }
  return {
    purls: distinct(texts.map(purlOrNothing)),
    digests,
    ids: texts.filter((text) => purlOrNothing(text) === undefined),
  }
}

const algorithms: Readonly<Record<string, string>> = {
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha3-256': 'sha3_256',
  'sha3-384': 'sha3_384',
  'sha3-512': 'sha3_512',
}

function hashesOf(hashes: JsonObject, where: string): DigestSet {
  const named = Object.entries(hashes).map(([name, hash]) => [
    Object.hasOwn(algorithms, name) ? algorithms[name] : name,
    typeof hash === 'string' ? hash.toLowerCase() : hash,
  ])
  return readDigestSet(Object.fromEntries(named) as JsonObject, where)
}
