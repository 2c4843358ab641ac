/**
 * Tree sizes and indexes are u64 on the wire. Here they are integers up to 2^53 - 1, which would take
 * 28,000 years to fill at 10,000 entries a second; anything larger is refused, never rounded.
 */
export const maxSize = Number.MAX_SAFE_INTEGER

/** Reads a decimal number without sign or leading zero; undefined when it is anything else or too large. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** A caller's mistake, not a finding: sizes that come from outside have been parsed before. */
export function assertSize(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`${what} must be an integer from 0 to 2^53 - 1, not ${value}`)
}

/** Eight bytes, big-endian. */
export function encodeUint64(value: number): Uint8Array {
  assertSize(value, 'a 64-bit number')
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

/** Eight bytes, big-endian; undefined when the number is larger than 2^53 - 1. */
export function decodeUint64(bytes: Uint8Array): number | undefined {
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
  return value <= BigInt(maxSize) ? Number(value) : undefined
}
