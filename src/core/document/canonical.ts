import type { Json } from './json.ts'

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
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`not a JSON value: ${typeof value}`)
  const members = Object.entries(value as Record<string, Json>).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${string(key)}:${canonicalJson(item)}`).join(',')}}`
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
