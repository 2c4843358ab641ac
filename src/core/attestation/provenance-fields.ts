import type { Json, JsonObject } from '#document'
import { field, placeOf, readList, readObject, readText, tooMuch } from './field.ts'
import { readResource, type ResourceDescriptor } from './resource-descriptor.ts'

const maxResources = 50_000
const maxVersions = 256

/** A list of identified things; a missing list is an empty one. */
export function readResources(
  object: JsonObject,
  key: string,
  where: string,
): readonly ResourceDescriptor[] {
  const list = field(object, key) ?? []
  return readList(list, `${where}.${key}`, { max: maxResources }, readResource)
}

/** `builder.version`: a map from component to version. */
export function readVersions(
  value: Json | undefined,
  where: string,
): Readonly<Record<string, string>> {
  const versions = Object.entries(readObject(value, where))
  if (versions.length > maxVersions) {
    throw tooMuch(where, `at most ${maxVersions} components`, versions.length)
  }
  return Object.fromEntries(
    versions.map(([name, version]) => [name, readText(version, placeOf(where, name))]),
  )
}
