import { dataAddress, elfProgram, little } from './elf.ts'
import type { Architecture } from './syscalls.ts'

// The first process of a sandbox: it starts the command, buries whatever is orphaned, and ends as the command ends.
// Bubblewrap has one of its own, but puts the system call filter on it only after the command has begun to run: for a
// moment the command could take over an unfiltered process (found by a probe, once in seventy runs). This program is
// started under the filter. It is static and written here, so it needs nothing of the root.

/** The descriptor through which it is started; it closes it before anything else runs. */
export const initDescriptor = 7

/**
 * A program that runs `argv`, which it gets as its own arguments after the first. `candidates` are the paths that are
 * tried in order, as `execvp` would; `message` is written when none can be executed.
 */
export function initProgram(
  architecture: Architecture,
  candidates: readonly string[],
  message: string,
): Uint8Array {
  const status = 8
  const list = 8 * (candidates.length + 1)
  const texts = [...candidates.map((path) => `${path}\0`), message].map((text) => Buffer.from(text))
  const addresses = texts.map(
    (_, index) =>
      dataAddress +
      status +
      list +
      texts.slice(0, index).reduce((sum, { length }) => sum + length, 0),
  )
  const at = {
    status: dataAddress,
    list: dataAddress + status,
    message: addresses.at(-1) ?? 0,
    messageSize: texts.at(-1)?.length ?? 0,
  }
  const data = Buffer.concat([
    Buffer.alloc(status),
    Uint8Array.from([...addresses.slice(0, -1), 0].flatMap((address) => little(address, 8))),
    ...texts,
  ])
  return elfProgram(architecture, architecture === 'x86_64' ? x86(at) : arm(at), data)
}

interface Addresses {
  readonly status: number
  readonly list: number
  readonly message: number
  readonly messageSize: number
}

// Assembled by hand, jumps included; a test compares the behaviour on both machines.
function x86({ status, list, message, messageSize }: Addresses): Uint8Array {
  const code = [
    [0x4c, 0x8b, 0x24, 0x24], //              mov r12, [rsp]            argc
    [0x4c, 0x8d, 0x6c, 0x24, 0x10], //        lea r13, [rsp + 16]       argv + 1
    [0x4e, 0x8d, 0x74, 0xe4, 0x10], //        lea r14, [rsp + r12 * 8 + 16]   envp
    [0xb8, ...little(3, 4)], //               mov eax, close
    [0xbf, ...little(initDescriptor, 4)], //  mov edi, 7
    [0x0f, 0x05], //                          syscall
    [0xb8, ...little(57, 4)], //              mov eax, fork
    [0x0f, 0x05], //                          syscall
    [0x85, 0xc0, 0x74, 0x4d, 0x89, 0xc3], //  test eax, eax; jz child; mov ebx, eax
    [0xb8, ...little(61, 4)], //        wait: mov eax, wait4
    [0xbf, 0xff, 0xff, 0xff, 0xff], //        mov edi, -1
    [0xbe, ...little(status, 4)], //          mov esi, status
    [0x31, 0xd2, 0x45, 0x31, 0xd2], //        xor edx, edx; xor r10d, r10d
    [0x0f, 0x05], //                          syscall
    [0x83, 0xf8, 0xfc, 0x74, 0xe5], //        cmp eax, -EINTR; je wait
    [0x85, 0xc0, 0x78, 0x15], //              test eax, eax; js fail
    [0x39, 0xd8, 0x75, 0xdd], //              cmp eax, ebx; jne wait
    [0x8b, 0x3e, 0x89, 0xf8], //              mov edi, [rsi]; mov eax, edi
    [0x83, 0xe0, 0x7f, 0x74, 0x0f], //        and eax, 0x7f; jz exited
    [0x8d, 0xb8, ...little(128, 4)], //       lea edi, [rax + 128]
    [0xeb, 0x10], //                          jmp exit
    [0xbf, ...little(255, 4)], //       fail: mov edi, 255
    [0xeb, 0x09], //                          jmp exit
    [0xc1, 0xef, 0x08], //            exited: shr edi, 8
    [0x81, 0xe7, ...little(255, 4)], //       and edi, 255
    [0xb8, ...little(231, 4)], //       exit: mov eax, exit_group
    [0x0f, 0x05], //                          syscall
    [0xbb, ...little(list, 4)], //     child: mov ebx, list
    [0x48, 0x8b, 0x3b], //               try: mov rdi, [rbx]
    [0x48, 0x85, 0xff, 0x74, 0x13], //        test rdi, rdi; jz none
    [0x4c, 0x89, 0xee, 0x4c, 0x89, 0xf2], //  mov rsi, r13; mov rdx, r14
    [0xb8, ...little(59, 4)], //              mov eax, execve
    [0x0f, 0x05], //                          syscall
    [0x48, 0x83, 0xc3, 0x08, 0xeb, 0xe5], //  add rbx, 8; jmp try
    [0xbf, ...little(2, 4)], //         none: mov edi, stderr
    [0xbe, ...little(message, 4)], //         mov esi, message
    [0xba, ...little(messageSize, 4)], //     mov edx, size
    [0xb8, ...little(1, 4)], //               mov eax, write
    [0x0f, 0x05], //                          syscall
    [0xbf, ...little(127, 4)], //             mov edi, 127
    [0xeb, 0xbc], //                          jmp exit
  ]
  return Uint8Array.from(code.flat())
}

function arm({ status, list, message, messageSize }: Addresses): Uint8Array {
  const move = (to: number, value: number): number => (0xd2800000 | (value << 5) | to) >>> 0
  const moveHigh = (to: number, value: number): number =>
    (0xf2a00000 | ((value >>> 16) << 5) | to) >>> 0
  const address = (to: number, value: number): number[] => [
    move(to, value & 0xffff),
    moveHigh(to, value),
  ]
  const system = (number: number): number[] => [move(8, number), 0xd4000001]
  const code = [
    [0xf94003f3, 0x910043f4, 0x8b130e95], // ldr x19, [sp]; add x20, sp, 16; add x21, x20, x19, lsl 3
    [move(0, initDescriptor), ...system(57)], // close
    [move(0, 17), move(1, 0), move(2, 0), move(3, 0), move(4, 0), ...system(220)], // clone, as fork
    [0xb4000300, 0xaa0003f6], //             cbz x0, child; mov x22, x0
    [0x92800000, ...address(1, status)], //  wait: mov x0, -1; status
    [move(2, 0), move(3, 0), ...system(260)], // wait4
    [0xb100101f, 0x54ffff00], //             cmn x0, EINTR; b.eq wait
    [0xb7f80100], //                         tbnz x0, 63, fail
    [0xeb16001f, 0x54fffea1], //             cmp x0, x22; b.ne wait
    [0xb9400020, 0x72001801, 0x540000a0], // ldr w0, [x1]; ands w1, w0, 0x7f; b.eq exited
    [0x11020020, 0x14000004], //             add w0, w1, 128; b exit
    [move(0, 255), 0x14000002], //           fail: b exit
    [0x53083c00], //                         exited: ubfx w0, w0, 8, 8
    system(94), //                           exit: exit_group
    address(19, list), //                    child:
    [0xf8408660, 0xb40000c0], //             try: ldr x0, [x19], 8; cbz x0, none
    [0xaa1403e1, 0xaa1503e2, ...system(221), 0x17fffffa], // mov x1, x20; mov x2, x21; execve; b try
    [move(0, 2), ...address(1, message), move(2, messageSize), ...system(64)], // none: write
    [move(0, 127), 0x17ffffee], //           b exit
  ]
  return Uint8Array.from(code.flat().flatMap((instruction) => little(instruction, 4)))
}
