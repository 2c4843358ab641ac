import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

import { refusals, seccompProgram } from './seccomp.ts'
import {
  newestReviewedSyscall,
  syscallNames,
  syscallNumber,
  type Architecture,
  type Syscall,
} from './syscalls.ts'

const architectures: readonly Architecture[] = ['x86_64', 'aarch64']
const machine = { x86_64: 0xc000003e, aarch64: 0xc00000b7 }
const foreign = { i386: 0x40000003, '32-bit ARM': 0x40000028 }

// Whoever changes the filter changes these, and has the table reviewed again.
const golden = {
  x86_64: 'b1b4408a2d6c566e4f96ba5a5abf0a6d9d10f55be806e0cc50dc9b03097af9b9',
  aarch64: '6199c2b6c13c3d73648ad7073951cc861839f56f44a41013d7baffccca6e8057',
}

for (const architecture of architectures) {
  test(`the filter for ${architecture} is the one that was reviewed`, () => {
    const sha256 = createHash('sha256').update(seccompProgram(architecture)).digest('hex')
    assert.equal(sha256, golden[architecture])
  })

  test(`every call of the table is refused on ${architecture}, with its error`, () => {
    for (const { errno, calls } of refusals) {
      for (const name of calls) {
        const number = syscallNumber(name, architecture)
        if (number !== undefined) assert.equal(decide(architecture, number), errno, name)
      }
    }
  })

  test(`calls that builds need are allowed on ${architecture}`, () => {
    const needed: readonly Syscall[] = [
      'openat',
      'read',
      'write',
      'mmap',
      'kill',
      'ptrace',
      'connect',
    ]
    for (const name of needed) assert.equal(ask(architecture, name), 'allow', name)
  })

  test(`sockets are Unix, TCP, UDP and routes on ${architecture}, nothing else`, () => {
    const socket = (...args: readonly number[]): string => ask(architecture, 'socket', ...args)
    for (const type of [1, 2, 5]) assert.equal(socket(1, type, 0), 'allow')
    for (const family of [2, 10]) {
      for (const flags of [0, 0x800, 0x80800]) {
        assert.equal(socket(family, 1 | flags, 0), 'allow')
        assert.equal(socket(family, 1 | flags, 6), 'allow')
        assert.equal(socket(family, 2 | flags, 17), 'allow')
      }
      assert.equal(socket(family, 3, 1), 'ESOCKTNOSUPPORT')
      assert.equal(socket(family, 5, 132), 'ESOCKTNOSUPPORT')
      assert.equal(socket(family, 1, 132), 'EPROTONOSUPPORT')
      assert.equal(socket(family, 1, 262), 'EPROTONOSUPPORT')
    }
    assert.equal(socket(16, 3, 0), 'allow')
    assert.equal(socket(16, 3, 12), 'EPROTONOSUPPORT')
    for (let family = 0; family < 64; family += 1) {
      if (![1, 2, 10, 16].includes(family)) assert.equal(socket(family, 1, 0), 'EAFNOSUPPORT')
    }
    assert.equal(ask(architecture, 'socketpair', 1, 1, 0), 'allow')
    assert.equal(ask(architecture, 'socketpair', 40, 1, 0), 'EAFNOSUPPORT')
  })

  test(`clone makes processes and threads on ${architecture}, never namespaces`, () => {
    assert.equal(ask(architecture, 'clone', 17), 'allow') // SIGCHLD
    assert.equal(ask(architecture, 'clone', 0x003d0f00), 'allow') // a thread of glibc
    for (const flag of [17, 25, 26, 27, 28, 29, 30]) {
      assert.equal(ask(architecture, 'clone', 2 ** flag + 17), 'EPERM', `bit ${flag}`)
    }
  })

  test(`a terminal cannot be typed into on ${architecture}, whatever the high bits of the command are`, () => {
    for (const command of [0x5412, 0x541c, 0x5423]) {
      assert.equal(ask(architecture, 'ioctl', 0, command), 'EPERM')
      assert.equal(ask(architecture, 'ioctl', 0, 2 ** 32 + command), 'EPERM')
    }
    assert.equal(ask(architecture, 'ioctl', 0, 0x5401), 'allow')
  })

  test(`calls that were made after the review do not exist on ${architecture}`, () => {
    assert.equal(decide(architecture, newestReviewedSyscall), 'allow')
    for (const number of [newestReviewedSyscall + 1, 500, 0x3fffffff])
      assert.equal(decide(architecture, number), 'ENOSYS')
  })

  test(`a process of another machine mode ends on ${architecture}`, () => {
    for (const other of [...Object.values(foreign), 0])
      assert.equal(decide(architecture, 0, [], other), 'kill')
    // x32 has its own numbers on the same machine.
    assert.equal(decide(architecture, 0x40000000), architecture === 'x86_64' ? 'kill' : 'ENOSYS')
  })
}

const headers = {
  x86_64: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h',
  aarch64: '/usr/include/asm-generic/unistd.h',
}
for (const architecture of architectures) {
  const header = headers[architecture]
  const skip = existsSync(header) ? false : `skipped: no ${header}`
  test(`the numbers of ${architecture} are those of the kernel headers`, { skip }, () => {
    const text = readFileSync(header, 'utf8')
    for (const name of syscallNames) {
      const written = new RegExp(`^#define __NR(?:3264)?_${name}\\s+(\\d+)$`, 'm').exec(text)?.[1]
      const known = syscallNumber(name, architecture)
      // Headers may be older than the table.
      if (written !== undefined) assert.equal(known, Number(written), name)
      else assert.ok(known === undefined || known > 440, name)
    }
  })
}

function ask(architecture: Architecture, name: Syscall, ...args: readonly number[]): string {
  const number = syscallNumber(name, architecture)
  assert.ok(number !== undefined, name)
  return decide(architecture, number, args)
}

/** Runs the filter as the kernel would. */
function decide(
  architecture: Architecture,
  number: number,
  args: readonly number[] = [],
  arch: number = machine[architecture],
): string {
  const program = seccompProgram(architecture)
  const view = new DataView(program.buffer)
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number, true)
  data.setUint32(4, arch, true)
  args.forEach((value, index) => data.setBigUint64(16 + 8 * index, BigInt(value), true))
  let accumulator = 0
  for (let at = 0; at < program.length / 8; at += 1) {
    const operand = view.getUint32(at * 8 + 4, true)
    const jump = (yes: boolean): number => view.getUint8(at * 8 + (yes ? 2 : 3))
    switch (view.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(operand, true)
        break
      case 0x54:
        accumulator = (accumulator & operand) >>> 0
        break
      case 0x15:
        at += jump(accumulator === operand)
        break
      case 0x25:
        at += jump(accumulator > operand)
        break
      case 0x45:
        at += jump((accumulator & operand) !== 0)
        break
      case 0x06:
        return answer(operand)
      default:
        assert.fail('an instruction that the filter does not use')
    }
  }
  return assert.fail('the filter does not answer')
}

function answer(value: number): string {
  if (value === 0x7fff0000) return 'allow'
  if (value === 0x80000000) return 'kill'
  const names: Readonly<Record<number, string>> = {
    1: 'EPERM',
    38: 'ENOSYS',
    93: 'EPROTONOSUPPORT',
    94: 'ESOCKTNOSUPPORT',
    97: 'EAFNOSUPPORT',
  }
  return names[value & 0xffff] ?? `${value}`
}
