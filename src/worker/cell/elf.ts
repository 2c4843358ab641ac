import type { Architecture } from './syscalls.ts'

const codeAddress = 0x400000
/** Where the data of a program is; as far from the code as the largest page of aarch64. */
export const dataAddress = 0x410000
const dataOffset = 0x10000

const fileHeaderSize = 64
const programHeaderSize = 56
const headersSize = fileHeaderSize + 2 * programHeaderSize

/** A static program: one segment to execute, entered at its beginning, one to read and write. */
export function elfProgram(
  architecture: Architecture,
  code: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  const file = new Uint8Array(dataOffset + data.length)
  file.set(headers(architecture, code.length, data.length))
  file.set(code, headersSize)
  file.set(data, dataOffset)
  return file
}

function headers(architecture: Architecture, codeSize: number, dataSize: number): Uint8Array {
  const bytes = Buffer.alloc(headersSize)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(2, 16) // ET_EXEC
  bytes.writeUInt16LE(architecture === 'x86_64' ? 62 : 183, 18)
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(BigInt(codeAddress + headersSize), 24)
  bytes.writeBigUInt64LE(BigInt(fileHeaderSize), 32)
  bytes.writeUInt16LE(fileHeaderSize, 52)
  bytes.writeUInt16LE(programHeaderSize, 54)
  bytes.writeUInt16LE(2, 56)
  const segment = (index: number, flags: number, offset: number, at: number, size: number) => {
    const start = fileHeaderSize + index * programHeaderSize
    bytes.writeUInt32LE(1, start) // PT_LOAD
    bytes.writeUInt32LE(flags, start + 4)
    for (const [position, value] of [offset, at, at, size, size, 0x10000].entries()) {
      bytes.writeBigUInt64LE(BigInt(value), start + 8 + position * 8)
    }
  }
  segment(0, 5, 0, codeAddress, headersSize + codeSize)
  segment(1, 6, dataOffset, dataAddress, dataSize)
  return bytes
}

/** A number as bytes, the lowest first. */
export function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256)
}
