import { canonicalJson, type Json } from '#document'

/**
 * JSON (RFC 8785, JCS) in printable ASCII alone. Whoever chose a name in it cannot end a line with it, in any reading of
 * what a line is, nor move the cursor of whoever looks at it.
 */
export function printableJson(value: Json): Uint8Array {
  return Buffer.from(canonicalJson(value).replaceAll(/[^\x20-\x7e]/g, escaped), 'latin1')
}

/** A text that takes at most `most` characters in printable JSON: its beginning, of whole characters. */
export function cut(text: string, most: number): string {
  // One that cannot be too long, whatever is in it.
  if (text.length * 6 <= most) return text.toWellFormed()
  let room = most
  let end = 0
  for (const character of text) {
    room -= sizeOf(character)
    if (room < 0) break
    end += character.length
  }
  return text.slice(0, end).toWellFormed()
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function sizeOf(character: string): number {
  if (character === '"' || character === '\\') return 2
  return /^[\x20-\x7e]$/.test(character) ? 1 : 6 * character.length
}
