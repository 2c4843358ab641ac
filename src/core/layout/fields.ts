import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { malformed } from './refuse.ts'

/** How many things one list or map of a layout or link may hold. */
const maxItems = 1024

/** An object with these fields and no others; those after `?` may be missing. */
export function readFields(
  value: Json | undefined,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = readMap(value, where)
  for (const name of required) {
    if (!Object.hasOwn(object, name)) throw malformed(where, `the field ${quote(name)}`, 'none')
  }
  const strange = Object.keys(object).find(
    (name) => !required.includes(name) && !optional.includes(name),
  )
  if (strange === undefined) return object
  const known = [...required, ...optional].join(', ')
  throw malformed(where, `only the fields ${known}`, quote(strange, 100))
}

export function readMap(value: Json | undefined, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as JsonObject
  throw malformed(where, 'an object', show(value))
}

export function readList<T>(
  value: Json | undefined,
  where: string,
  read: (item: Json | undefined, where: string) => T,
): readonly T[] {
  if (!Array.isArray(value)) throw malformed(where, 'a list', show(value))
  if (value.length > maxItems) {
    throw malformed(where, `at most ${maxItems} items`, String(value.length))
  }
  return (value as readonly Json[]).map((item, index) => read(item, `${where}[${index}]`))
}

export function readText(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value
  throw malformed(where, 'a text', show(value))
}

/** A name of a step or inspection: it is part of file names, so it is no path. */
export function readName(value: Json | undefined, where: string): string {
  const name = readText(value, where)
  // oxlint-disable-next-line no-control-regex -- names with control characters are refused here
  if (/^[^/\\\u0000-\u001f\u007f]{1,200}$/.test(name) && !/^\.{1,2}$/.test(name)) return name
  throw malformed(where, 'a name of at most 200 characters without slashes', quote(name, 80))
}

export function readConstant(value: Json | undefined, where: string, wanted: string): void {
  if (value !== wanted) throw malformed(where, quote(wanted), show(value))
}

export function readHex(value: Json | undefined, where: string): Uint8Array {
  const text = readText(value, where)
  if (/^(?:[0-9a-fA-F]{2})+$/.test(text)) return Buffer.from(text, 'hex')
  throw malformed(where, 'bytes in hexadecimal', quote(text, 80))
}

function show(value: Json | undefined): string {
  return value === undefined ? 'nothing' : quote(value, 80)
}
