import { isListedId } from '#package'
import { isObject, type Json, type JsonObject } from '#document'
import {
  field,
  onlyFields,
  optional,
  readList,
  readName,
  readObject,
  readText,
  required,
  wrongField,
} from '../field.ts'
import { readTime } from '../time.ts'
import { readItems } from './text.ts'

// The rules of CycloneDX's JSON schemas about what is read here, and about what stands around it.

/** The versions of the format that have a JSON form, and are known. */
export const cycloneDxVersions = ['1.2', '1.3', '1.4', '1.5', '1.6', '1.7'] as const
export type CycloneDxVersion = (typeof cycloneDxVersions)[number]

const anyCount = { max: 1_000_000 }

const types = [
  'application',
  'framework',
  'library',
  'container',
  'operating-system',
  'device',
  'firmware',
  'file',
]
const types15 = ['platform', 'device-driver', 'machine-learning-model', 'data']
const types16 = ['cryptographic-asset']

/** What stands in a component beside the facts. */
export function checkComponent(object: JsonObject, version: CycloneDxVersion, where: string): void {
  const known = [
    ...types,
    ...(version >= '1.5' ? types15 : []),
    ...(version >= '1.6' ? types16 : []),
  ]
  oneOf(field(object, 'type'), known, `${where}.type`)
  if (field(object, 'scope') !== undefined) {
    oneOf(field(object, 'scope'), ['required', 'optional', 'excluded'], `${where}.scope`)
  }
  if (version < '1.4') required(object, 'version', where, readText)
  checkReference(field(object, 'bom-ref'), version, `${where}.bom-ref`)
  checkVersionRange(object, where)
  const swid = optional(object, 'swid', where, readObject)
  if (swid !== undefined) {
    required(swid, 'tagId', `${where}.swid`, readText)
    required(swid, 'name', `${where}.swid`, readText)
  }
  checkPatches(optional(object, 'pedigree', where, readObject) ?? {}, `${where}.pedigree`)
  checkProperties(object, version, where)
}

function checkVersionRange(object: JsonObject, where: string): void {
  const range = field(object, 'versionRange')
  if (range === undefined) return
  if (field(object, 'version') !== undefined) {
    throw wrongField(`${where}.versionRange`, 'nothing beside a version', range)
  }
  if (field(object, 'isExternal') === true) return
  throw wrongField(`${where}.versionRange`, 'nothing in a component that is not external', range)
}

function checkPatches(pedigree: JsonObject, where: string): void {
  readItems(pedigree, 'patches', where, anyCount.max, (value, place) => {
    const patch = readObject(value, place)
    oneOf(
      field(patch, 'type'),
      ['unofficial', 'monkey', 'backport', 'cherry-pick'],
      `${place}.type`,
    )
    readItems(patch, 'resolves', place, anyCount.max, (item, at) => {
      oneOf(
        field(readObject(item, at), 'type'),
        ['defect', 'enhancement', 'security'],
        `${at}.type`,
      )
    })
  })
}

/** From 1.5 on a reference is not empty. */
export function checkReference(
  value: Json | undefined,
  version: CycloneDxVersion,
  where: string,
): void {
  if (value === undefined) return
  if (version < '1.5') readText(value, where)
  else readName(value, where)
}

/** From 1.6 on a property has a name and a value, and nothing else. */
function checkProperties(object: JsonObject, version: CycloneDxVersion, where: string): void {
  if (version === '1.2') return
  readItems(object, 'properties', where, anyCount.max, (value, place) => {
    const property = readObject(value, place)
    optional(property, 'value', place, readText)
    if (version < '1.6') return
    required(property, 'name', place, readText)
    onlyFields(property, propertyFields, place)
  })
}

const propertyFields = new Set(['name', 'value'])

const metadataFields = new Set([
  'timestamp',
  'lifecycles',
  'tools',
  'manufacturer',
  'authors',
  'component',
  'manufacture',
  'supplier',
  'licenses',
  'properties',
  'distributionConstraints',
])

export function checkMetadata(
  metadata: JsonObject,
  version: CycloneDxVersion,
  where: string,
): void {
  onlyFields(metadata, metadataFields, where)
  optional(metadata, 'timestamp', where, readTime)
  checkLicenses(metadata, version, where)
  checkProperties(metadata, version, where)
}

/** Services say which way data flows. */
export function checkServices(object: JsonObject, version: CycloneDxVersion, where: string): void {
  readItems(object, 'services', where, anyCount.max, (value, place) => {
    const service = readObject(value, place)
    required(service, 'name', place, readText)
    checkReference(field(service, 'bom-ref'), version, `${place}.bom-ref`)
    checkLicenses(service, version, place)
    checkProperties(service, version, place)
    readItems(service, 'data', place, anyCount.max, (item, at) => {
      const data = readObject(item, at)
      required(data, 'classification', at, readText)
      const flows = ['inbound', 'outbound', 'bi-directional', 'unknown']
      oneOf(field(data, 'flow'), flows, `${at}.flow`)
    })
    checkServices(service, version, place)
  })
}

/** A citation says what it is about in one way, and to whom or what it owes that. */
export function checkCitations(bom: JsonObject, where: string): void {
  readItems(bom, 'citations', where, anyCount.max, (value, place) => {
    const citation = readObject(value, place)
    required(citation, 'timestamp', place, readTime)
    const about = ['pointers', 'expressions'].filter((key) => field(citation, key) !== undefined)
    if (about.length !== 1) throw wrongField(place, 'either pointers or expressions', value)
    const owed = ['attributedTo', 'process'].filter((key) => field(citation, key) !== undefined)
    if (owed.length === 0) throw wrongField(place, 'attributedTo or process', value)
  })
}

/** The licences of a component or document, each by identifier or name, or as an expression. */
export function checkLicenses(object: JsonObject, version: CycloneDxVersion, where: string): void {
  const choices = readItems(object, 'licenses', where, anyCount.max, checkChoice)
  const expressions = choices.filter((kind) => kind === 'expression').length
  // Only 1.5 and 1.6 say so.
  if ((version === '1.5' || version === '1.6') && expressions > 0 && choices.length > 1) {
    throw wrongField(
      `${where}.licenses`,
      'one expression, or licences only',
      field(object, 'licenses'),
    )
  }
}

function checkChoice(value: Json | undefined, where: string): 'license' | 'expression' {
  const choice = readObject(value, where)
  const license = optional(choice, 'license', where, readObject)
  const expression = optional(choice, 'expression', where, readText)
  if ((license === undefined) === (expression === undefined)) {
    throw wrongField(where, 'either a license or an expression', value)
  }
  if (license === undefined) return 'expression'
  const place = `${where}.license`
  const id = optional(license, 'id', place, readText)
  const name = optional(license, 'name', place, readText)
  if ((id === undefined) === (name === undefined)) {
    throw wrongField(place, 'either an id or a name', field(choice, 'license'))
  }
  if (id !== undefined && !isListedId(id)) {
    throw wrongField(`${place}.id`, 'an identifier of the SPDX License List', id)
  }
  checkAttachment(field(license, 'text'), `${place}.text`)
  return 'license'
}

function checkAttachment(value: Json | undefined, where: string): void {
  if (value === undefined) return
  const text = readObject(value, where)
  if (typeof field(text, 'content') !== 'string') {
    throw wrongField(`${where}.content`, 'a string', field(text, 'content'))
  }
  if (field(text, 'encoding') !== undefined) {
    oneOf(field(text, 'encoding'), ['base64'], `${where}.encoding`)
  }
}

/** Dependencies name what depends. */
export function checkDependency(value: Json | undefined, version: CycloneDxVersion, where: string) {
  const dependency = readObject(value, where)
  const ref = required(dependency, 'ref', where, readText)
  checkReference(ref, version, `${where}.ref`)
  return {
    from: ref,
    to: readList(field(dependency, 'dependsOn') ?? [], `${where}.dependsOn`, anyCount, readText),
  }
}

export function oneOf(value: Json | undefined, known: readonly string[], where: string): void {
  if (typeof value === 'string' && known.includes(value)) return
  throw wrongField(where, `one of ${known.join(', ')}`, value)
}

/** The version of a document of CycloneDX; undefined when it is none. */
export function cycloneDxVersionOf(value: Json | undefined): string | undefined {
  if (!isObject(value) || field(value, 'bomFormat') !== 'CycloneDX') return undefined
  const version = field(value, 'specVersion')
  return typeof version === 'string' ? version : undefined
}
