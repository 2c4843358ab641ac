import type { Random } from '../random.ts'

const oddBytes = [
  0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x30, 0x31, 0x7f, 0x80, 0x82, 0x84, 0xa0, 0xff,
]

/** Bits, bytes, pieces: what may happen to bytes of which nothing is known. */
export function mutateBytes(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const copy = Buffer.from(bytes)
  const at = random.below(copy.length + 1)
  const length = 1 + random.below(random.once(4) ? copy.length : 8)
  switch (random.below(9)) {
    case 0:
      return at < copy.length ? flipped(copy, at, 1 << random.below(8)) : copy
    case 1:
      return overwritten(copy, at, random.below(256))
    case 2:
      return overwritten(copy, at, random.pick(oddBytes))
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)])
    case 4:
      return copy.subarray(0, at)
    case 5:
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)])
    case 6:
      return Buffer.concat([copy.subarray(0, at), random.bytes(length % 64), copy.subarray(at)])
    case 7:
      return spliced(copy, at, random.pick([copy, ...others]), random)
    default:
      return repeated(copy, at, length, random)
  }
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ bit
  return bytes
}

function overwritten(bytes: Buffer, at: number, value: number): Buffer {
  if (at < bytes.length) bytes[at] = value
  return bytes
}

/** The beginning of one and the end of another. */
function spliced(bytes: Buffer, at: number, other: Buffer, random: Random): Buffer {
  return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))])
}

/** A piece many times over, seldom very many. */
function repeated(bytes: Buffer, at: number, length: number, random: Random): Buffer {
  const piece = bytes.subarray(at, at + (length % 64))
  const times = random.once(50) ? 20_000 : random.below(60)
  return Buffer.concat([
    bytes.subarray(0, at),
    ...Array.from({ length: times }, () => piece),
    bytes.subarray(at),
  ])
}
