import { isObject, type Json, type JsonObject } from '#document'
import { canonicalPurl } from '#package'
import { SallyportError } from '#error'
import { field, optional, readList, readName, readText, type Read } from '../field.ts'

/** A field that may be missing or an empty text, which says as little. */
export function optionalText(object: JsonObject, key: string, where: string): string | undefined {
  const text = optional(object, key, where, readText)
  return text === '' ? undefined : text
}

/** A list of names; a missing list is an empty one. */
export function readNames(
  object: JsonObject,
  key: string,
  where: string,
  max: number,
): readonly string[] {
  return readList(field(object, key) ?? [], `${where}.${key}`, { max }, readName)
}

/** A list of objects; a missing list is an empty one. */
export function readItems<T>(
  object: JsonObject,
  key: string,
  where: string,
  max: number,
  read: Read<T>,
): readonly T[] {
  return readList(field(object, key) ?? [], `${where}.${key}`, { max }, read)
}

/** The canonical form of a package URL; undefined when the text is none: others write them as they please. */
export function purlOrNothing(text: Json | undefined): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined
  try {
    return canonicalPurl(text)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** An object, or nothing at all. */
export function objectOrNothing(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined
}

/** Each text once, in the order of their first appearance. */
export function distinct(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== undefined && text !== ''))] as string[]
}
