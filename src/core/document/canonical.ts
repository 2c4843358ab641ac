import type { Json, JsonObject } from './json.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * The one way to write a JSON value (RFC 8785, JCS): keys sorted by UTF-16 code units, no white space,
 * numbers and strings as ECMAScript writes them.
 *
 * @throws TypeError for a value that is not JSON (undefined members, NaN, infinities, lone surrogates)
 */
export function canonicalJson(value: Json): string {
  return decoder.decode(encodeCanonical(value))
}

/** Room in which a value is written, kept for the next one: decisions are written for each answer. */
let spare: Uint8Array | undefined = new Uint8Array(16 * 1024)
const maxSpareBytes = 64 * 1024

/** The UTF-8 bytes of the canonical form: what is hashed, signed and recorded. */
export function encodeCanonical(value: Json): Uint8Array {
  return encode(value, undefined)
}

/** The canonical bytes of values that stand in many others, by those very objects, which MUST be frozen through and through. */
export type WrittenParts = Pick<WeakMap<object, Uint8Array>, 'get'>

/** The same bytes; those of `parts` are taken as they are. */
export function encodeCanonicalOf(value: Json, parts: WrittenParts): Uint8Array {
  return encode(value, parts)
}

function encode(value: Json, parts: WrittenParts | undefined): Uint8Array {
  const writer = new Writer(spare ?? new Uint8Array(1024), parts)
  spare = undefined
  try {
    writer.value(value)
    return writer.bytes.slice(0, writer.length)
  } finally {
    if (writer.bytes.length <= maxSpareBytes) spare = writer.bytes
  }
}

const comma = 0x2c
const colon = 0x3a
const quote = 0x22
const backslash = 0x5c
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Writes bytes at once, because texts that are put together make several times their size of garbage. */
class Writer {
  bytes: Uint8Array
  length = 0
  readonly #parts: WrittenParts | undefined

  constructor(room: Uint8Array, parts: WrittenParts | undefined) {
    this.bytes = room
    this.#parts = parts
  }

  value(value: Json): void {
    if (typeof value === 'string') this.#string(value)
    else if (value === null || typeof value === 'boolean') this.#word(String(value))
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'object') this.#container(value)
    else throw new TypeError(`not a JSON value: ${typeof value}`)
  }

  #container(value: readonly Json[] | JsonObject): void {
    const written = this.#parts?.get(value)
    if (written !== undefined) this.#written(written)
    else if (Array.isArray(value)) this.#list(value as readonly Json[])
    else this.#object(value as JsonObject)
  }

  #list(items: readonly Json[]): void {
    this.#byte(openList)
    let isFirst = true
    for (const item of items) {
      if (!isFirst) this.#byte(comma)
      isFirst = false
      this.value(item)
    }
    this.#byte(closeList)
  }

  #object(members: JsonObject): void {
    this.#byte(openObject)
    let isFirst = true
    for (const key of sortedKeys(members)) {
      if (!isFirst) this.#byte(comma)
      isFirst = false
      this.#string(key)
      this.#byte(colon)
      this.value(members[key] as Json)
    }
    this.#byte(closeObject)
  }

  #number(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`)
    this.#word(JSON.stringify(value))
  }

  #string(value: string): void {
    this.#reserve(value.length + 2)
    const { bytes } = this
    let at = this.length
    bytes[at++] = quote
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index)
      if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash)
        return this.#escaped(value)
      bytes[at++] = unit
    }
    bytes[at++] = quote
    this.length = at
  }

  #escaped(value: string): void {
    if (!value.isWellFormed()) throw new TypeError('not a Unicode string: it has a lone surrogate')
    this.#word(JSON.stringify(value))
  }

  #word(text: string): void {
    this.#reserve(text.length * 3)
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written
  }

  #written(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = byte
  }

  #reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
}

const few = 16

/** By UTF-16 code units, as strings are compared (ECMA-262, IsLessThan). Most objects have so few keys that moving them is quickest. */
function sortedKeys(members: JsonObject): readonly string[] {
  const keys = Object.keys(members)
  if (keys.length > few) return keys.sort()
  for (let from = 1; from < keys.length; from += 1) {
    const key = keys[from] ?? ''
    let to = from
    for (let before = keys[to - 1] ?? ''; to > 0 && before > key; before = keys[to - 1] ?? '') {
      keys[to] = before
      to -= 1
    }
    keys[to] = key
  }
  return keys
}
