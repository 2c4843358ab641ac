import { createHash } from 'node:crypto'

/** SHA-256 of bytes (or of the UTF-8 of a text), in lower-case hexadecimal. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Whether the text is a SHA-256 digest in lower-case hexadecimal. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}
