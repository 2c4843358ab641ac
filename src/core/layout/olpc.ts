import type { Json } from '#document'
import { malformed } from './refuse.ts'

/**
 * The bytes that a signature in the older envelope covers: OLPC canonical JSON. Keys stand in the order of their code
 * points, and only quotation marks and backslashes are escaped. There are no fractions.
 * http://wiki.laptop.org/go/Canonical_JSON
 *
 * @throws SallyportError LAYOUT_FORMAT for a number that is no integer
 */
export function encodeOlpc(value: Json, where: string): Uint8Array {
  const parts: string[] = []
  write(value, parts, where)
  return Buffer.from(parts.join(''), 'utf8')
}

function write(value: Json, parts: string[], where: string): void {
  if (typeof value === 'string') {
    parts.push(text(value))
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw malformed(where, 'whole numbers', String(value))
    parts.push(String(value))
  } else if (value === null || typeof value === 'boolean') {
    parts.push(String(value))
  } else if (Array.isArray(value)) {
    writeAll('[', ']', value as readonly Json[], parts, (item) => write(item, parts, where))
  } else {
    const object = value as { readonly [key: string]: Json }
    const keys = Object.keys(object).sort(byCodePoint)
    writeAll('{', '}', keys, parts, (key) => {
      parts.push(text(key), ':')
      write(object[key] as Json, parts, where)
    })
  }
}

function writeAll<T>(
  open: string,
  close: string,
  items: readonly T[],
  parts: string[],
  each: (item: T) => void,
): void {
  parts.push(open)
  items.forEach((item, index) => {
    if (index > 0) parts.push(',')
    each(item)
  })
  parts.push(close)
}

function text(value: string): string {
  return `"${value.replace(/["\\]/g, (character) => `\\${character}`)}"`
}

/** UTF-8 keeps the order of code points; UTF-16, in which JavaScript compares, does not. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
