import { quote } from '#error'
import { malformed, tags, type DerElement, type DerReader } from './reader.ts'

/** The content of an OBJECT IDENTIFIER in hexadecimal: short, comparable and free of ambiguity. */
export type Oid = string

/** Writes an OBJECT IDENTIFIER that this program knows, such as `2.5.29.15`. */
export function oidOf(dotted: string): Oid {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [40 * first + second, ...rest].flatMap((arc) => {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      septets.unshift((left % 128) | 0x80)
    }
    return septets
  })
  return Buffer.from(bytes).toString('hex')
}

/** Writes an OBJECT IDENTIFIER in dots, for messages. */
export function dottedOid(oid: Oid): string {
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of Buffer.from(oid, 'hex')) {
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    if ((byte & 0x80) === 0) {
      arcs.push(arc)
      arc = 0n
    }
  }
  const [head = 0n, ...rest] = arcs
  const first = head < 40n ? 0n : head < 80n ? 1n : 2n
  return [first, head - 40n * first, ...rest].join('.')
}

const maxOidBytes = 64

export function readOid(reader: DerReader): Oid {
  const element = reader.read(tags.oid)
  const oid = element.hex
  // X.690 §8.19.2: arcs are whole, and none begins with zero bits.
  if (oid.length <= 2 * maxOidBytes && oidForm.test(oid)) return oid
  throw malformed(element.where, 'an object identifier', quote(oid, 2 * maxOidBytes))
}

/** Arcs in hexadecimal: bytes from 80 on, the first of them not 80 itself, and one below 80 at the end. */
const oidForm = /^(?:(?!80)(?:[89a-f][0-9a-f])*[0-7][0-9a-f])+$/

/** The bytes of an INTEGER: two's complement, as short as can be. */
export function readInteger(reader: DerReader): Buffer {
  const element = reader.read(tags.integer)
  const { content } = element
  const [first, second = 0] = content
  const isPadded =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (first !== undefined && !isPadded) return content
  throw malformed(element.where, 'an integer in its shortest form', 'none or padding')
}

/** A small INTEGER, such as a version or a path length. */
export function readSmallInteger(reader: DerReader): number {
  const bytes = readInteger(reader)
  if (bytes.length <= 4 && (bytes[0] ?? 0) < 0x80) return bytes.readUIntBE(0, bytes.length)
  throw malformed(reader.where, 'an integer from 0 to 2^31 - 1', `${bytes.length} bytes`)
}

/** A positive INTEGER, without the zero byte that marks it as such. */
export function readPositive(reader: DerReader): Buffer {
  const bytes = readInteger(reader)
  if ((bytes[0] ?? 0) < 0x80) return bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes
  throw malformed(reader.where, 'a positive integer', 'a negative one')
}

export function booleanOf(element: DerElement): boolean {
  const { content } = element
  // X.690 §11.1: all bits or none.
  if (content.length === 1 && (content[0] === 0xff || content[0] === 0)) return content[0] === 0xff
  throw malformed(element.where, 'a boolean of DER', content.toString('hex', 0, 8))
}

/** A BIT STRING whose bits fill its bytes, such as a signature or a key. */
export function readBytesOfBits(reader: DerReader): Buffer {
  const element = reader.read(tags.bitString)
  if (element.content[0] === 0) return element.content.subarray(1)
  throw malformed(element.where, 'a bit string of whole bytes', 'unused bits')
}

/** A BIT STRING of at most 16 named bits, the first one lowest. */
export function namedBitsOf(element: DerElement): number {
  const { content } = element
  const [unused = 8, first = 0, second = 0] = content
  if (content.length > 3 || unused > 7 || !endsInOne(content, unused)) {
    throw malformed(element.where, 'a short bit string in DER', content.toString('hex', 0, 8))
  }
  let bits = 0
  for (let index = 0; index < 16; index += 1) {
    const byte = index < 8 ? first : second
    if ((byte & (0x80 >> (index % 8))) !== 0) bits |= 1 << index
  }
  return bits
}

/** X.690 §11.2: the unused bits are zero, and the last used one is not. */
function endsInOne(content: Buffer, unused: number): boolean {
  if (content.length === 1) return unused === 0
  const last = content.at(-1) ?? 0
  return ((last >> unused) & 1) === 1 && (last & ((1 << unused) - 1)) === 0
}

const utc = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
const generalized = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{0,8}[1-9]))?Z$/

/** UTCTime or GeneralizedTime in the one form that DER allows (X.690 §11.7, §11.8), in milliseconds since 1970. */
export function timeOf(element: DerElement): number {
  const text = element.content.toString('latin1')
  const isUtc = element.tag === tags.utcTime
  const parts = (isUtc ? utc : generalized).exec(text)
  if (parts !== null) {
    const [year, ...rest] = parts.slice(1, 7).map(Number) as unknown as Calendar
    // RFC 5280 §4.1.2.5.1: two digits below 50 are in this century.
    const time = utcTime([isUtc ? year + (year < 50 ? 2000 : 1900) : year, ...rest])
    if (time !== undefined) return time + Math.floor(Number(`0.${parts[7] ?? '0'}`) * 1000)
  }
  throw malformed(element.where, 'a time in UTC, to the second', quote(text, 24))
}

type Calendar = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
]

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The time that a calendar has under these numbers; undefined when it has none, or when nobody signed anything yet. */
function utcTime([year, month, day, hour, minute, second]: Calendar): number | undefined {
  if (year < 1950 || day < 1 || day > daysIn(year, month)) return undefined
  const isTime = hour < 24 && minute < 60 && second < 60
  return isTime ? Date.UTC(year, month - 1, day, hour, minute, second) : undefined
}

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return (monthDays[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0)
}

export function readTime(reader: DerReader): number {
  return timeOf(
    reader.peek() === tags.utcTime ? reader.read(tags.utcTime) : reader.read(tags.generalizedTime),
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 text without control characters. */
export function textOf(content: Buffer, where: string): string {
  const ascii = content.toString('latin1')
  if (/^[\u0020-\u007e]*$/.test(ascii)) return ascii
  let text: string
  try {
    text = utf8.decode(content)
  } catch {
    throw malformed(where, 'text in UTF-8', `${content.length} other bytes`)
  }
  // oxlint-disable-next-line no-control-regex -- these are what a name must not hold
  if (!/[\u0000-\u001f\u007f-\u009f]/.test(text)) return text
  throw malformed(where, 'text without control characters', quote(text, 80))
}

/** ASCII text without control characters (IA5String of names in certificates). */
export function asciiOf(content: Buffer, where: string): string {
  const text = content.toString('latin1')
  if (/^[\u0020-\u007e]+$/.test(text)) return text
  throw malformed(where, 'printable ASCII text', quote(text, 80))
}
