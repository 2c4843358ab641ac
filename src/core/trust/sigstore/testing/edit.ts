import type { Json } from '#document'

/** A change at one place of a document: a new value, a function of the old one, or `gone`. */
export type Edit = readonly [path: string, change: Json | typeof gone | ((old: Json) => Json)]

/** Takes the value away. */
export const gone: unique symbol = Symbol('gone')

/** The document with changes at the places that the paths name, such as `tlogs.0.baseUrl`. A place past the end of a list adds to it. */
export function edited(document: Json, ...edits: readonly Edit[]): Json {
  return edits.reduce<Json>(
    (json, [path, change]) => editedAt(json, path.split('.'), change),
    document,
  )
}

/** The value at a place. */
export function at(document: Json, path: string): Json {
  return path.split('.').reduce<Json>((value, key) => fieldsOf(value)[key] ?? null, document)
}

/** The text at a place. */
export function textAt(document: Json, path: string): string {
  const value = at(document, path)
  if (typeof value === 'string') return value
  throw new TypeError(`no text at ${path}`)
}

function editedAt(value: Json, [key, ...rest]: readonly string[], change: Edit[1]): Json {
  if (key === undefined) return typeof change === 'function' ? change(value) : (change as Json)
  const fields = fieldsOf(value)
  const { [key]: old = null, ...others } = fields
  if (rest.length === 0 && change === gone) {
    return Array.isArray(value) ? value.filter((_, index) => String(index) !== key) : others
  }
  const changed = editedAt(old, rest, change)
  if (!Array.isArray(value)) return { ...fields, [key]: changed }
  const list = [...(value as readonly Json[])]
  list[Number(key)] = changed
  return list
}

function fieldsOf(value: Json): { readonly [key: string]: Json } {
  if (typeof value !== 'object' || value === null) throw new TypeError('nothing to edit there')
  return value as { readonly [key: string]: Json }
}
