import type { Json } from '#document'
import { quote, SallyportError } from '#error'
import { refuse, wrongField, type Read } from './field.ts'

const alphabets = 'standard or URL-safe base64 without white space'

/**
 * Decodes base64 in the standard or the URL-safe alphabet, not both mixed, and nothing else: no white space,
 * no characters in between, no bits left over. Padding may be missing in the URL-safe alphabet only.
 */
export function decodeBase64(text: string, where: string): Uint8Array {
  const urlSafe = !/[+/]/.test(text)
  const bytes = Buffer.from(text, 'base64')
  // Node's decoder skips what it does not know, so the text is right only when encoding gives it back.
  const standard = bytes.toString('base64')
  if (text === standard) return plain(bytes)
  const url = urlSafe ? bytes.toString('base64url') : undefined
  if (text === url || (urlSafe && text === padded(url ?? ''))) return plain(bytes)
  throw notBase64(where, alphabets, text)
}

/** Decodes base64url without padding (RFC 7515 §2): the one form that a JWT may use. */
export function decodeBase64Url(text: string, where: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') === text) return plain(bytes)
  throw notBase64(where, 'base64url without padding', text)
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Bytes written as base64. They may be long, such as a payload: the size of the document bounds them. */
export function readBytes(value: Json | undefined, where: string): Uint8Array {
  if (typeof value !== 'string') throw wrongField(where, alphabets, value)
  return decodeBase64(value, where)
}

export const readSomeBytes: Read<Uint8Array> = (value, where) => {
  const bytes = readBytes(value, where)
  if (bytes.length === 0) throw notBase64(where, 'at least one byte in base64', '')
  return bytes
}

/** Copied out of Node's shared pool: whoever holds these bytes holds nothing else. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer)
}

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

function notBase64(where: string, expected: string, text: string): SallyportError {
  const fix = `Make the attestation again with a tool that writes ${where} as ${expected}`
  return refuse('ATTESTATION_BASE64', where, expected, quote(text, 80), fix)
}
