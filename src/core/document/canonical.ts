import type { Json, JsonObject } from './json.ts'

/**
 * The one way to write a JSON value (RFC 8785, JCS): keys sorted by UTF-16 code units, no white space,
 * numbers and strings as ECMAScript writes them.
 *
 * @throws TypeError for a value that is not JSON (undefined members, NaN, infinities, lone surrogates)
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return number(value)
  if (typeof value === 'string') return string(value)
  if (Array.isArray(value)) return array(value as readonly Json[])
  if (typeof value !== 'object') throw new TypeError(`not a JSON value: ${typeof value}`)
  return object(value as JsonObject)
}

// Decisions are written so for each answer: what is below makes no more garbage than it must.

function array(items: readonly Json[]): string {
  let text = ''
  for (const item of items) text += (text === '' ? '' : ',') + canonicalJson(item)
  return `[${text}]`
}

function object(members: JsonObject): string {
  let text = ''
  // Without a comparison of our own, strings are sorted by UTF-16 code units (ECMA-262, SortCompare).
  for (const key of Object.keys(members).sort())
    text += `${text === '' ? '' : ','}${string(key)}:${canonicalJson(members[key] as Json)}`
  return `{${text}}`
}

const encoder = new TextEncoder()

/** The UTF-8 bytes of the canonical form: what is hashed, signed and recorded. */
export function encodeCanonical(value: Json): Uint8Array {
  return encoder.encode(canonicalJson(value))
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`)
  return JSON.stringify(value)
}

function string(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('not a Unicode string: it has a lone surrogate')
  return JSON.stringify(value)
}
