import { quote, SallyportError } from '#error'
import { findDuplicateKey } from './duplicate-key.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export interface JsonOptions {
  /** What the bytes are, for messages: `the policy file policies/prod.yaml`, `the DSSE payload`. */
  readonly what: string
  /** Bytes accepted at most; default 16 MiB. */
  readonly maxBytes?: number
  /** Nesting accepted at most; default 64. */
  readonly maxDepth?: number
  /** Values accepted at most, as far as they can be counted without reading them; default a million. */
  readonly maxValues?: number
  /** Rounds integers beyond 2^53: for documents of others in which no number is looked at. */
  readonly roundsIntegers?: boolean
}

const mebibyte = 1024 * 1024
const defaults = { maxDepth: 64, maxValues: 1_000_000 }
/** Of keys that are longer, V8 hashes the length alone (`String::kMaxHashCalcLength`): each is compared with all others. */
export const longKey = 16_000
export const maxLongKeys = 100
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON from bytes that an attacker may have chosen (RFC 8259, and I-JSON's RFC 7493 strictness):
 * UTF-8 without byte order mark, no key twice in one object, no lone surrogate, no number that is infinite
 * or an integer beyond 2^53. `__proto__` is an ordinary key.
 *
 * @throws SallyportError DOCUMENT_TOO_LARGE, DOCUMENT_TOO_DEEP, DOCUMENT_SYNTAX, DOCUMENT_DUPLICATE_KEY
 */
export function parseJson(bytes: Uint8Array, options: JsonOptions): Json {
  const text = decodeText(bytes, options.what, options.maxBytes ?? 16 * mebibyte)
  const keysWritten = scan(text, { ...defaults, ...options })
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch (cause) {
    // The body is attacker-controlled; a parse failure must be a Problem, not a SyntaxError.
    throw syntax(options.what, 'well-formed JSON (RFC 8259)', message(cause), cause)
  }
  const { keys, isVast } = survey(value, options.what)
  if (keys !== keysWritten) throw duplicate(text, options.what)
  if (isVast && options.roundsIntegers !== true) refuseVastIntegers(text, options.what)
  return value
}

/** Decodes UTF-8 strictly, bounded, and refuses a byte order mark. */
export function decodeText(bytes: Uint8Array, what: string, maxBytes: number): string {
  if (bytes.length > maxBytes) {
    throw tooLarge(what, `at most ${maxBytes} bytes`, `${bytes.length} bytes`)
  }
  try {
    const text = utf8.decode(bytes)
    if (text.startsWith('\ufeff'))
      throw syntax(what, 'UTF-8 without a byte order mark', 'a byte order mark')
    return text
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw syntax(what, 'UTF-8', 'bytes that are not UTF-8', cause)
  }
}

/**
 * Counts the keys as they are written, and bounds depth and number before the recursive parser sees the text: an empty list
 * has two characters, and takes twenty times as much memory.
 */
function scan(text: string, { what, maxDepth, maxValues }: JsonOptions & typeof defaults): number {
  const { keys, longKeys, values } = count(text, what, maxDepth)
  if (values > maxValues) throw tooLarge(what, `at most ${maxValues} values`, 'more')
  if (longKeys > maxLongKeys)
    throw tooLarge(what, `at most ${maxLongKeys} keys of more than ${longKey} characters`, 'more')
  return keys
}

interface Count {
  readonly keys: number
  readonly longKeys: number
  /** Each is the first of its list or object, or stands behind a comma. */
  readonly values: number
}

function count(text: string, what: string, maxDepth: number): Count {
  let depth = 0
  let keys = 0
  let longKeys = 0
  let values = 0
  let lastLength = 0
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === 0x22) {
      const end = endOfString(text, index)
      lastLength = end - index
      index = end
    } else if (unit === 0x3a) {
      keys += 1
      longKeys += Number(lastLength > longKey)
    } else if (unit === 0x2c) values += 1
    else if (unit === 0x7b || unit === 0x5b) {
      depth += 1
      values += 1
      if (depth > maxDepth) throw tooDeep(what, maxDepth)
    } else if (unit === 0x7d || unit === 0x5d) depth -= 1
  }
  return { keys, longKeys, values }
}

/** Where the string that opens here is closed: the next quote behind an even number of backslashes. */
function endOfString(text: string, open: number): number {
  for (let end = text.indexOf('"', open + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

interface Survey {
  /** Keys that survived parsing. */
  readonly keys: number
  /** Whether some number is whole and beyond 2^53. */
  readonly isVast: boolean
}

/** Looks at every value, and refuses what JSON can spell but nobody can rely on. */
function survey(value: Json, what: string): Survey {
  let keys = 0
  let isVast = false
  const visit = (item: Json): void => {
    if (typeof item === 'string') checkString(item, what)
    else if (typeof item === 'number') isVast = checkNumber(item, what) || isVast
    else if (Array.isArray(item)) (item as readonly Json[]).forEach(visit)
    else if (typeof item === 'object' && item !== null) {
      for (const key of Object.keys(item)) {
        checkString(key, what)
        keys += 1
        visit((item as JsonObject)[key] as Json)
      }
    }
  }
  visit(value)
  return { keys, isVast }
}

function checkString(value: string, what: string): void {
  if (!value.isWellFormed()) {
    throw syntax(what, 'strings of Unicode characters', 'a lone surrogate')
  }
}

function checkNumber(value: number, what: string): boolean {
  if (!Number.isFinite(value)) throw syntax(what, 'numbers that are finite', String(value))
  return Number.isInteger(value) && !Number.isSafeInteger(value)
}

/** 1e30 says that it is rounded; 9007199254740993 does not, and readers disagree about it (RFC 7493 §2.2). */
function refuseVastIntegers(text: string, what: string): void {
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs
  for (const [word] of text.matchAll(token)) {
    if (/^-?\d+$/.test(word) && !Number.isSafeInteger(Number(word))) {
      throw syntax(what, 'integers within 2^53, which every reader understands alike', quote(word))
    }
  }
}

function duplicate(text: string, what: string): SallyportError {
  const key = findDuplicateKey(text)
  return new SallyportError({
    code: 'DOCUMENT_DUPLICATE_KEY',
    where: what,
    expected: 'each key once in an object',
    found: `the key ${quote(key)} twice`,
    fix: 'Remove one of the two; readers disagree about which one counts',
  })
}

function tooLarge(what: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'DOCUMENT_TOO_LARGE',
    where: what,
    expected,
    found,
    fix: 'Make the document smaller; nothing of this kind is meant to be this large',
  })
}

/** @internal */
export function syntax(
  what: string,
  expected: string,
  found: string,
  cause?: unknown,
): SallyportError {
  const fix = 'Correct the document, or get it again from where it was made'
  return new SallyportError(
    { code: 'DOCUMENT_SYNTAX', where: what, expected, found, fix },
    { cause },
  )
}

/** @internal */
export function tooDeep(what: string, maxDepth: number): SallyportError {
  return new SallyportError({
    code: 'DOCUMENT_TOO_DEEP',
    where: what,
    expected: `at most ${maxDepth} levels of nesting`,
    found: 'more',
    fix: 'Make the document flatter; nothing of this kind is meant to be this deep',
  })
}

function message(cause: unknown): string {
  return cause instanceof Error ? quote(cause.message).slice(1, -1) : 'something else'
}

/** Whether this is an object, and no array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
