import { quote } from '#error'
import { notPurl } from './purl-problem.ts'

/** Characters that may stand in a part of a package URL as they are; all others are percent-encoded. */
const written = /^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/
/** Characters that need no encoding. */
const plain = /^[\w.~:-]*$/
const control = /\p{Cc}/u

/**
 * Decodes a part. What a browser, a registry and we could read differently is refused: white space, half an
 * escape, bytes that are not UTF-8, control characters.
 */
export function decodePart(part: string, what: string, text: string): string {
  if (!written.test(part)) throw notPurl(text, `${what} percent-encoded`, quote(part))
  if (!part.includes('%')) return part
  const decoded = decodeOrNothing(part)
  if (decoded === undefined) throw notPurl(text, `${what} in UTF-8`, quote(part))
  if (control.test(decoded)) throw notPurl(text, `${what} without control characters`, quote(part))
  return decoded
}

/** Whether a part is text that can be written: whole characters, and no control characters. */
export function isPlainText(part: unknown): part is string {
  return typeof part === 'string' && part.isWellFormed() && !control.test(part)
}

/** Encodes everything but letters, digits, `.-_~` and `:`. */
export function encodePart(part: string): string {
  if (plain.test(part)) return part
  return encodeURIComponent(part)
    .replaceAll('%3A', ':')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Encodes a path, segment by segment. */
export function encodePath(path: string): string {
  return path.split('/').map(encodePart).join('/')
}

function decodeOrNothing(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
