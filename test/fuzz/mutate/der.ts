import type { Random } from '../random.ts'
import { mutateBytes } from './bytes.ts'

interface Element {
  readonly start: number
  readonly header: number
  readonly end: number
}

/** Changes in DER that know where elements begin: tags, lengths, elements gone, twice, swapped or lent by others. */
export function mutateDer(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const elements = elementsOf(bytes)
  if (elements.length === 0 || random.once(5)) return mutateBytes(bytes, others, random)
  const one = random.pick(elements)
  const copy = Buffer.from(bytes)
  switch (random.below(7)) {
    case 0:
      copy[one.start] = random.pick([
        0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0xa0, 0x1f, 0xbf,
      ])
      return copy
    case 1:
      copy[one.start + 1] = random.pick([0x00, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xfe, 0xff])
      return copy
    case 2:
      return replaced(bytes, one, Buffer.alloc(0), elements)
    case 3:
      return replaced(bytes, one, twice(bytes.subarray(one.start, one.end)), elements)
    case 4:
      return replaced(bytes, one, element(bytes, random.pick(elements)), elements)
    case 5:
      return replaced(bytes, one, lent(others, random) ?? Buffer.of(0x05, 0x00), elements)
    default:
      return replaced(bytes, one, withContent(bytes, one, random), elements)
  }
}

/** Where elements are, at every depth; what is no DER has none. */
function elementsOf(bytes: Buffer, start = 0, limit = bytes.length, depth = 0): Element[] {
  const found: Element[] = []
  if (depth === 24) return found
  for (let at = start; at + 2 <= limit && found.length < 2000;) {
    const length = lengthAt(bytes, at + 1, limit)
    if (length === undefined) return depth === 0 ? found : []
    const end = length.header + length.value
    found.push({ start: at, header: length.header, end })
    const from = insideOf(bytes[at] ?? 0, length.header)
    if (from !== undefined) found.push(...elementsOf(bytes, from, end, depth + 1))
    at = end
  }
  return found
}

/** Where the elements inside begin, of what may have some; a bit string has one byte before them. */
function insideOf(tag: number, header: number): number | undefined {
  if (tag === 0x03) return header + 1
  return (tag & 0x20) !== 0 || tag === 0x04 ? header : undefined
}

/** Of an element whose length stands at a place, where that ends before `limit`. */
function lengthAt(
  bytes: Buffer,
  at: number,
  limit: number,
): { header: number; value: number } | undefined {
  const first = bytes[at] ?? 0xff
  if (first < 0x80) return at + 1 + first > limit ? undefined : { header: at + 1, value: first }
  const count = first & 0x7f
  if (count === 0 || count > 3 || at + 1 + count > bytes.length) return undefined
  const value = bytes.readUIntBE(at + 1, count)
  return at + 1 + count + value > limit ? undefined : { header: at + 1 + count, value }
}

/** Another element in this one's place; the lengths around it are put right, so that what is inside gets read. */
function replaced(bytes: Buffer, one: Element, by: Buffer, elements: readonly Element[]): Buffer {
  const around = elements.filter(({ header, end }) => header <= one.start && one.end <= end)
  const inner = Buffer.concat([bytes.subarray(0, one.start), by, bytes.subarray(one.end)])
  const change = by.length - (one.end - one.start)
  // From the inside out, so that a length that takes another byte is counted by those around it.
  return around.reduceRight<{ out: Buffer; change: number }>(
    (soFar, { start, header, end }) => {
      const content = end - header + soFar.change
      const head = Buffer.concat([Buffer.of(bytes[start] ?? 0), lengthOf(content)])
      const out = Buffer.concat([soFar.out.subarray(0, start), head, soFar.out.subarray(header)])
      return { out, change: soFar.change + head.length - (header - start) }
    },
    { out: inner, change },
  ).out
}

function lengthOf(value: number): Buffer {
  if (value < 0x80) return Buffer.of(value)
  if (value < 0x100) return Buffer.of(0x81, value)
  return value < 0x10000
    ? Buffer.of(0x82, value >> 8, value & 0xff)
    : Buffer.of(0x83, value >> 16, (value >> 8) & 0xff, value & 0xff)
}

function withContent(bytes: Buffer, { start, header, end }: Element, random: Random): Buffer {
  const content = mutateBytes(Buffer.from(bytes.subarray(header, end)), [], random)
  if (content.length > 0xff_ffff) return bytes.subarray(start, end)
  return Buffer.concat([Buffer.of(bytes[start] ?? 0), lengthOf(content.length), content])
}

function twice(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, bytes])
}

function element(bytes: Buffer, { start, end }: Element): Buffer {
  return bytes.subarray(start, end)
}

function lent(others: readonly Buffer[], random: Random): Buffer | undefined {
  if (others.length === 0) return undefined
  const other = random.pick(others)
  const elements = elementsOf(other)
  return elements.length === 0 ? undefined : element(other, random.pick(elements))
}
