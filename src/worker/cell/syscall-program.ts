import { dataAddress, elfProgram, little } from './elf.ts'
import { syscallNumber, type Architecture, type Syscall } from './syscalls.ts'

// A tiny static program that makes a list of system calls and writes what they returned. The isolation of a sandbox is
// measured with it: it needs no library, no interpreter and no compiler, starts in a millisecond, and asks the kernel
// exactly what an attacker would ask.

/** An address in the data of the program. */
export interface Pointer {
  readonly kind: 'pointer'
  readonly offset: number
  readonly size: number
}

/** The outcome of a call; as an argument of a later call it stands for the value. */
export interface Result {
  readonly kind: 'result'
  readonly index: number
}

export type Argument = number | bigint | Pointer | Result

interface Call {
  readonly number: number
  readonly args: readonly Argument[]
}

// One call in memory: number, six arguments, one bit per argument that is an address of the value, result.
const words = 9
const recordSize = words * 8
const endOfCalls = -1n

/** Writes a program call by call. */
export class SyscallProgram {
  readonly architecture: Architecture
  readonly #calls: Call[] = []
  readonly #data: Uint8Array[] = []
  #dataSize = 0

  constructor(architecture: Architecture) {
    this.architecture = architecture
  }

  bytes(content: Uint8Array): Pointer {
    const offset = this.#dataSize
    const padded = new Uint8Array(Math.ceil(content.length / 8) * 8)
    padded.set(content)
    this.#data.push(padded)
    this.#dataSize += padded.length
    return { kind: 'pointer', offset, size: content.length }
  }

  buffer(size: number): Pointer {
    return this.bytes(new Uint8Array(size))
  }

  text(value: string): Pointer {
    return this.bytes(Buffer.from(`${value}\0`))
  }

  /** A call that the architecture does not have is made all the same, and answered by the kernel with ENOSYS. */
  call(name: Syscall, ...args: readonly Argument[]): Result {
    this.#calls.push({ number: syscallNumber(name, this.architecture) ?? 0x0fff, args })
    return { kind: 'result', index: this.#calls.length - 1 }
  }

  elf(): Uint8Array {
    const data = this.#image()
    const code = (this.architecture === 'x86_64' ? codeForX86 : codeForArm)(data.length)
    return elfProgram(this.architecture, code, data)
  }

  /** How much the program writes when it comes to its end. */
  get outcomeSize(): number {
    return this.#dataStart() + this.#dataSize
  }

  /** Reads what the program wrote. Undefined: it did not come to its end. */
  outcome(
    dump: Uint8Array,
  ): { result: (of: Result) => number; content: (of: Pointer) => Uint8Array } | undefined {
    if (dump.length !== this.outcomeSize) return undefined
    const view = new DataView(dump.buffer, dump.byteOffset, dump.byteLength)
    return {
      result: ({ index }) => Number(view.getBigInt64(index * recordSize + (words - 1) * 8, true)),
      content: ({ offset, size }) =>
        dump.subarray(this.#dataStart() + offset, this.#dataStart() + offset + size),
    }
  }

  #dataStart(): number {
    return this.#calls.length * recordSize + 8
  }

  #image(): Uint8Array {
    const image = Buffer.alloc(this.outcomeSize)
    this.#calls.forEach(({ number, args }, index) => {
      const at = index * recordSize
      image.writeBigInt64LE(BigInt(number), at)
      let indirect = 0n
      args.forEach((argument, position) => {
        image.writeBigUInt64LE(BigInt.asUintN(64, this.#value(argument)), at + 8 + position * 8)
        if (isResult(argument)) indirect |= 1n << BigInt(position)
      })
      image.writeBigUInt64LE(indirect, at + 56)
    })
    image.writeBigInt64LE(endOfCalls, this.#dataStart() - 8)
    let at = this.#dataStart()
    for (const part of this.#data) {
      image.set(part, at)
      at += part.length
    }
    return image
  }

  #value(argument: Argument): bigint {
    if (typeof argument !== 'object') return BigInt(argument)
    return BigInt(
      argument.kind === 'pointer'
        ? dataAddress + this.#dataStart() + argument.offset
        : dataAddress + argument.index * recordSize + (words - 1) * 8,
    )
  }
}

function isResult(argument: Argument): argument is Result {
  return typeof argument === 'object' && argument.kind === 'result'
}

// rbx walks the records; r12 holds the bits of the indirect arguments.
function codeForX86(dataSize: number): Uint8Array {
  const loads = [
    [0x48, 0x8b, 0x7b, 0x08, 0x48, 0x8b, 0x3f], // rdi
    [0x48, 0x8b, 0x73, 0x10, 0x48, 0x8b, 0x36], // rsi
    [0x48, 0x8b, 0x53, 0x18, 0x48, 0x8b, 0x12], // rdx
    [0x4c, 0x8b, 0x53, 0x20, 0x4d, 0x8b, 0x12], // r10
    [0x4c, 0x8b, 0x43, 0x28, 0x4d, 0x8b, 0x00], // r8
    [0x4c, 0x8b, 0x4b, 0x30, 0x4d, 0x8b, 0x09], // r9
  ].flatMap((load, index) => [
    load.slice(0, 4), //            mov reg, [rbx + 8 * (index + 1)]
    [0x41, 0xf6, 0xc4, 1 << index], // test r12b, bit
    [0x74, 0x03], //                jz over the next
    load.slice(4), //               mov reg, [reg]
  ])
  const step = [
    [0x4c, 0x8b, 0x63, 0x38], //       mov r12, [rbx + 56]
    loads.flat(),
    [0x0f, 0x05], //                   syscall
    [0x48, 0x89, 0x43, 0x40], //       mov [rbx + 64], rax
    [0x48, 0x83, 0xc3, recordSize], // add rbx, 72
  ].flat()
  const test = [0x48, 0x8b, 0x03, 0x48, 0x85, 0xc0] // mov rax, [rbx]; test rax, rax
  const back = test.length + 2 + step.length + 2
  const code = [
    [0x48, 0xbb, ...little(dataAddress, 8)], // mov rbx, records
    test,
    [0x78, step.length + 2], //                 js to the end
    step,
    [0xeb, 0x100 - back], //                    jmp to the test
    [0xb8, ...little(1, 4)], //                 mov eax, write
    [0xbf, ...little(1, 4)], //                 mov edi, stdout
    [0x48, 0xbe, ...little(dataAddress, 8)], // mov rsi, records
    [0xba, ...little(dataSize, 4)], //          mov edx, size
    [0x0f, 0x05], //                            syscall
    [0xb8, ...little(231, 4)], //               mov eax, exit_group
    [0x31, 0xff], //                            xor edi, edi
    [0x0f, 0x05], //                            syscall
  ]
  return Uint8Array.from(code.flat())
}

// x19 walks the records; x20 holds the bits of the indirect arguments.
function codeForArm(dataSize: number): Uint8Array {
  const load = (to: number, from: number, offset: number): number =>
    (0xf9400000 | ((offset / 8) << 10) | (from << 5) | to) >>> 0
  const move = (to: number, value: number, half = 0): number =>
    ((half === 0 ? 0xd2800000 : 0xf2a00000) | ((value & 0xffff) << 5) | to) >>> 0
  const moveAll = (to: number, value: number): number[] => [
    move(to, value),
    move(to, value >>> 16, 1),
  ]
  const system = 0xd4000001
  const step = [
    load(20, 19, 56),
    ...[0, 1, 2, 3, 4, 5].flatMap((register) => [
      load(register, 19, 8 * (register + 1)),
      0x36000000 | (register << 19) | (2 << 5) | 20, // tbz x20, bit, over the next
      load(register, register, 0),
    ]),
    system,
    0xf9000000 | ((64 / 8) << 10) | (19 << 5), // str x0, [x19, 64]
    0x91000000 | (recordSize << 10) | (19 << 5) | 19, // add x19, x19, 72
  ]
  const write = [
    move(8, 64),
    move(0, 1),
    ...moveAll(1, dataAddress),
    ...moveAll(2, dataSize),
    system,
  ]
  const exitGroup = [move(8, 94), move(0, 0), system]
  const instructions = [
    ...moveAll(19, dataAddress),
    load(8, 19, 0),
    (0xb7000000 | (31 << 19) | ((step.length + 2) << 5) | 8) >>> 0, // tbnz x8, 63, to the end
    ...step,
    (0x14000000 | (-(step.length + 2) & 0x3ffffff)) >>> 0, // b to the first load
    ...write,
    ...exitGroup,
  ]
  return Uint8Array.from(instructions.flatMap((instruction) => little(instruction, 4)))
}
