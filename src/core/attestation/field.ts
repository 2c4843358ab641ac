import { isObject, type Json, type JsonObject } from '#document'
import { quote, SallyportError, type ProblemCode } from '#error'

/** The longest text accepted in one field, in UTF-16 code units. */
export const maxText = 65_536

/** Reads one value found at a place; `where` names the place in messages. */
export type Read<T> = (value: Json | undefined, where: string) => T

export function refuse(
  code: ProblemCode,
  where: string,
  expected: string,
  found: string,
  fix: string,
): SallyportError {
  return new SallyportError({ code, where, expected, found, fix })
}

/** The refusal for a missing field or one of the wrong type. */
export function wrongField(
  where: string,
  expected: string,
  value: Json | undefined,
): SallyportError {
  const fix = `Make the attestation again with a tool that writes ${where} as ${expected}`
  return refuse('ATTESTATION_FIELD', where, expected, shown(value), fix)
}

/** The place of a field whose name an attacker may have chosen. */
export function placeOf(where: string, key: string): string {
  return `${where}.${quote(key, 80).slice(1, -1)}`
}

/** A field of an object; `null` and a missing field are the same (protobuf JSON and SLSA both say so). */
export function field(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}

export function readObject(value: Json | undefined, where: string): JsonObject {
  if (!isObject(value)) throw wrongField(where, 'an object', value)
  return value
}

export function readText(value: Json | undefined, where: string): string {
  if (typeof value !== 'string') throw wrongField(where, 'a string', value)
  if (value.length > maxText) throw tooMuch(where, `at most ${maxText} characters`, value.length)
  return value
}

/** A string that says something: present and not empty. */
export function readName(value: Json | undefined, where: string): string {
  const text = readText(value, where)
  if (text === '') throw wrongField(where, 'a string that is not empty', value)
  return text
}

export function readList<T>(
  value: Json | undefined,
  where: string,
  bounds: { readonly min?: number; readonly max: number },
  read: Read<T>,
): readonly T[] {
  if (!Array.isArray(value)) throw wrongField(where, 'an array', value)
  const items = value as readonly Json[]
  if (items.length > bounds.max) throw tooMuch(where, `at most ${bounds.max} items`, items.length)
  const { min = 0 } = bounds
  if (items.length < min) {
    throw wrongField(where, min === 1 ? 'at least one item' : `at least ${min} items`, value)
  }
  return items.map((item, index) => read(item, `${where}[${index}]`))
}

/** Reads a field that may be missing. */
export function optional<T>(
  object: JsonObject,
  key: string,
  where: string,
  read: Read<T>,
): T | undefined {
  const value = field(object, key)
  return value === undefined ? undefined : read(value, `${where}.${key}`)
}

/** Reads a field that must be there. */
export function required<T>(object: JsonObject, key: string, where: string, read: Read<T>): T {
  return read(field(object, key), `${where}.${key}`)
}

/** Refuses fields that nobody defined: only for documents whose specification does not say "ignore". */
export function onlyFields(object: JsonObject, known: ReadonlySet<string>, where: string): void {
  const unknown = Object.keys(object).find((key) => !known.has(key))
  if (unknown === undefined) return
  throw refuse(
    'ATTESTATION_UNKNOWN_FIELD',
    placeOf(where, unknown),
    `only ${[...known].join(', ')}`,
    `the field ${quote(unknown)}`,
    `Remove ${quote(unknown)}, or read the document with a version of Sallyport that knows it`,
  )
}

export function tooMuch(where: string, expected: string, found: number): SallyportError {
  const fix = `Make the attestation again with fewer or shorter values in ${where}`
  return refuse('ATTESTATION_LIMIT', where, expected, String(found), fix)
}

/** Leaves out what is undefined, so that a missing field is missing. */
export function compact<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
}

function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  return typeof value === 'object' ? 'an object' : quote(value)
}
