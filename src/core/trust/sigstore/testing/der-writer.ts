// Writes DER: the other half of der/reader.ts, for certificates and time stamps that tests make themselves.
import { tags } from '../der/reader.ts'
import { oidOf } from '../der/values.ts'

export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer =>
  element(tags.sequence, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => element(tags.set, ...parts)
export const octets = (...parts: readonly Uint8Array[]): Buffer =>
  element(tags.octetString, ...parts)
export const bits = (bytes: Uint8Array, unused = 0): Buffer =>
  element(tags.bitString, Uint8Array.of(unused), bytes)
export const oid = (dotted: string): Buffer => element(tags.oid, Buffer.from(oidOf(dotted), 'hex'))
export const text = (value: string, tag: number = tags.utf8String): Buffer =>
  element(tag, Buffer.from(value))
export const boolean = (value: boolean): Buffer =>
  element(tags.boolean, Uint8Array.of(value ? 0xff : 0))
export const explicit = (n: number, ...parts: readonly Uint8Array[]): Buffer =>
  element(tags.constructed(n), ...parts)

export function integer(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? bytesOf(value) : Buffer.from(value)
  const isNegative = (bytes[0] ?? 0) >= 0x80
  return element(tags.integer, isNegative ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes)
}

export function utcTime(time: Date): Buffer {
  return text(`${digits(time).slice(2)}Z`, tags.utcTime)
}

export function generalizedTime(time: Date): Buffer {
  const fraction = String(time.getUTCMilliseconds() / 1000).slice(1)
  return text(`${digits(time)}${fraction}Z`, tags.generalizedTime)
}

function digits(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')
}

function lengthOf(length: number): Buffer {
  const bytes = bytesOf(length)
  return length < 0x80 ? bytes : Buffer.concat([Uint8Array.of(0x80 | bytes.length), bytes])
}

function bytesOf(value: number): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}
