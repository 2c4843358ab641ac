import type { z } from 'zod'
import { checkShape, encodeCanonical, isObject, parseJson, type JsonObject } from '#document'

const what = 'the log entry'

/** How entries of some kinds are written and read back. None of them is a decision, and none is ever decided again. */
export interface EntryForm<T extends { readonly kind: string }> {
  readonly kinds: readonly T['kind'][]
  /**
   * Its canonical bytes, once it has been held against its schema; `what` names it to whoever has to mend it.
   *
   * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
   */
  encode(value: T, what: string): Uint8Array
  /**
   * What was parsed already, as one of these kinds; undefined when it is something else.
   *
   * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
   */
  read(value: JsonObject): T | undefined
  /** The same from the bytes of an entry. */
  parse(entry: Uint8Array): T | undefined
}

/** The form of the kinds that these schemas describe, by the name of each kind. */
export function entryForm<T extends { readonly kind: string }>(
  schemas: Readonly<Record<T['kind'], z.ZodType<T>>>,
): EntryForm<T> {
  const kinds = Object.keys(schemas) as T['kind'][]
  const read = (value: JsonObject): T | undefined => {
    const kind = kinds.find((one) => one === value['kind'])
    return kind === undefined ? undefined : checkShape<T>(schemas[kind], value, { what })
  }
  return {
    kinds,
    encode(value, name) {
      const schema = schemas[value.kind as T['kind']]
      return encodeCanonical(checkShape<T>(schema, value, { what: name }))
    },
    read,
    parse(entry) {
      const value = parseJson(entry, { what })
      return isObject(value) ? read(value) : undefined
    },
  }
}
