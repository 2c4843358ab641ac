import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Defence } from '../../src/worker/cell/defence.ts'
import { SyscallProgram, type Argument } from '../../src/worker/cell/syscall-program.ts'
import type { Syscall } from '../../src/worker/cell/syscalls.ts'
import { architectureOrThrow } from '../../src/worker/machine.ts'
import { attack, type Attack } from './harness.ts'

const here = -100
const filter: readonly Defence[] = ['system-call-filter']
// What is left when root runs a build as root: the mistake that the cell makes impossible.
const asRealRoot: readonly Defence[] = [
  'system-call-filter',
  'unprivileged-cell',
  'user-namespace',
  'capabilities',
  'covered-proc',
]

/** An attack that is one system call. */
function call(without: readonly Defence[], name: Syscall, ...args: readonly Argument[]): Attack {
  return {
    without,
    calls: (program) => {
      const made = program.call(name, ...args)
      return ({ result }) => result(made) >= 0
    },
  }
}

attack('io_uring cannot be set up', () => ({
  without: filter,
  calls: (program) => {
    const ring = program.call('io_uring_setup', 8, program.buffer(120))
    return ({ result }) => result(ring) >= 0
  },
  mayBeImpossible: 'io_uring is switched off (kernel.io_uring_disabled)',
}))

attack('a user namespace cannot be made with unshare', () =>
  call(['system-call-filter', 'last-user-namespace'], 'unshare', 0x10000000),
)

attack('a user namespace cannot be made with clone', () =>
  call(['system-call-filter', 'last-user-namespace'], 'clone', 0x10000000 | 17, 0, 0, 0, 0),
)

attack('a user namespace cannot be made with clone3, whose flags a filter cannot see', () => ({
  without: ['system-call-filter', 'last-user-namespace'],
  calls: (program) => {
    const bytes = Buffer.alloc(64)
    bytes.writeBigUInt64LE(0x10000000n, 0)
    bytes.writeBigUInt64LE(17n, 32) // exit signal
    const made = program.call('clone3', program.bytes(bytes), 64)
    return ({ result }) => result(made) >= 0
  },
}))

attack('a key cannot be left in a keyring for the next build of the same uid', () => ({
  without: filter,
  calls: (program) => {
    const user = program.text('user')
    const key = program.call('add_key', user, program.text('hostile'), program.text('x'), 1, -4)
    return ({ result }) => result(key) > 0
  },
}))

attack('page faults of the kernel cannot be held (userfaultfd)', () =>
  call(filter, 'userfaultfd', 1),
)

attack(
  'the log of the kernel cannot be read',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const size = program.call('syslog', 10, 0, 0)
      return ({ result }) => result(size) > 0
    },
  }),
  { needs: 'root' },
)

attack('segments of the processor cannot be changed (modify_ldt)', () => ({
  without: filter,
  calls: (program) => {
    const read = program.call('modify_ldt', 0, program.buffer(64), 64)
    return ({ result }) => result(read) >= 0
  },
  mayBeImpossible: 'this architecture has no modify_ldt',
}))

attack('another personality of the kernel cannot be taken', () =>
  call(filter, 'personality', 0x0008),
)

attack('characters cannot be typed into a terminal (TIOCSTI)', () => ({
  without: filter,
  calls: (program) => {
    program.call('setsid')
    const terminal = program.call('openat', here, program.text('/dev/ptmx'), 2, 0)
    program.call('ioctl', terminal, 0x40045431, program.buffer(8)) // TIOCSPTLCK: unlock
    const slave = program.call('ioctl', terminal, 0x5441, 2) // TIOCGPTPEER
    program.call('ioctl', slave, 0x540e, 0) // TIOCSCTTY
    const typed = program.call('ioctl', slave, 0x5412, program.text('x'))
    return ({ result }) => result(typed) === 0
  },
  mayBeImpossible: 'dev.tty.legacy_tiocsti is 0',
}))

attack('memory of another process cannot be read with process_vm_readv', () => ({
  without: filter,
  calls: (program) => {
    // Its own, which the kernel would allow.
    const self = program.call('getpid')
    const vector = program.bytes(vectorOf(0x400000, 8))
    const read = program.call('process_vm_readv', self, vector, 0, vector, 0, 0)
    return ({ result }) => result(read) >= 0
  },
}))

attack('memory cannot be placed on other nodes (move_pages)', () =>
  call(filter, 'move_pages', 0, 0, 0, 0, 0, 0),
)

attack(
  'nothing can be mounted over the tools',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const nothing = program.text('none')
      const place = program.text('/usr')
      const mounted = program.call('mount', nothing, place, program.text('tmpfs'), 0, 0)
      return ({ result }) => result(mounted) === 0
    },
  }),
  { needs: 'root' },
)

attack(
  'a file system cannot be opened with the new mount interface',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const opened = program.call('fsopen', program.text('tmpfs'), 0)
      return ({ result }) => result(opened) >= 0
    },
  }),
  { needs: 'root' },
)

attack('the root cannot be changed with chroot', () => ({
  without: ['system-call-filter', 'capabilities'],
  calls: (program) => {
    const changed = program.call('chroot', program.text('/tmp'))
    return ({ result }) => result(changed) === 0
  },
}))

attack(
  'a cover of /proc cannot be taken off',
  () => ({
    without: ['system-call-filter', 'capabilities', 'unprivileged-cell', 'user-namespace'],
    calls: (program) => {
      const off = program.call('umount2', program.text('/proc/cmdline'), 2)
      return ({ result }) => result(off) === 0
    },
  }),
  { needs: 'root' },
)

attack(
  'core_pattern cannot be opened for writing, also when root starts the build',
  () => ({
    without: ['unprivileged-cell', 'covered-proc'],
    calls: (program) => {
      const path = program.text('/proc/sys/kernel/core_pattern')
      const opened = program.call('openat', here, path, 1, 0) // Opened only, never written.
      return ({ result }) => result(opened) >= 0
    },
  }),
  { needs: 'root' },
)

attack(
  'sysrq-trigger cannot be opened for writing, also when root starts the build',
  () => ({
    without: ['unprivileged-cell', 'user-namespace', 'covered-proc'],
    calls: (program) => {
      const path = program.text('/proc/sysrq-trigger')
      const opened = program.call('openat', here, path, 1, 0)
      return ({ result }) => result(opened) >= 0
    },
    mayBeImpossible: 'the kernel has no sysrq',
  }),
  { needs: 'root' },
)

attack(
  'a device node cannot be made',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const made = program.call('mknodat', here, program.text('/tmp/null'), 0o20666, 0x103)
      return ({ result }) => result(made) === 0
    },
  }),
  { needs: 'root' },
)

attack(
  'the clock cannot be set',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      // ADJ_SETOFFSET by nothing: needs the same privilege, changes nothing.
      const timex = Buffer.alloc(208)
      timex.writeUInt32LE(0x0100, 0)
      const set = program.call('clock_adjtime', 0, program.bytes(timex))
      return ({ result }) => result(set) >= 0
    },
  }),
  { needs: 'root' },
)

attack(
  'files outside the tree cannot be opened by handle',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const handle = program.bytes(Buffer.concat([Buffer.from([64, 0, 0, 0]), Buffer.alloc(100)]))
      const id = program.buffer(8)
      program.call('name_to_handle_at', here, program.text('/build'), handle, id, 0)
      const mount = program.call('openat', here, program.text('/build'), 0, 0)
      const opened = program.call('open_by_handle_at', mount, handle, 0)
      return ({ result }) => result(opened) >= 0
    },
  }),
  { needs: 'root' },
)

attack(
  'programs cannot be loaded into the kernel (bpf)',
  () => ({
    without: asRealRoot,
    calls: (program) => {
      const attributes = Buffer.alloc(72) // BPF_MAP_CREATE: an array of one number
      for (const [index, value] of [2, 4, 4, 1].entries())
        attributes.writeUInt32LE(value, index * 4)
      const map = program.call('bpf', 0, program.bytes(attributes), 72)
      return ({ result }) => result(map) >= 0
    },
    mayBeImpossible: 'the kernel has no bpf',
  }),
  { needs: 'root' },
)

attack('shared memory of the host (SysV) cannot be found', (place) => {
  const key = 0x5a11 + (process.pid << 16)
  const host = onHost(place.folder, (program) => {
    program.call('shmget', key, 4096, 0o1666)
  })
  host()
  place.after(
    onHost(place.folder, (program) => {
      const segment = program.call('shmget', key, 0, 0)
      program.call('shmctl', segment, 0, 0)
    }),
  )
  return {
    without: ['ipc-namespace'],
    calls: (program) => {
      const found = program.call('shmget', key, 0, 0)
      return ({ result }) => result(found) >= 0
    },
  }
})

/** A program of system calls for the host side of an attack. */
function onHost(folder: string, write: (program: SyscallProgram) => void): () => void {
  const program = new SyscallProgram(architectureOrThrow())
  write(program)
  return () => {
    const path = join(folder, 'on-host')
    writeFileSync(path, program.elf(), { mode: 0o755 })
    spawnSync(path)
    rmSync(path)
  }
}

function vectorOf(address: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(BigInt(address), 0)
  bytes.writeBigUInt64LE(BigInt(size), 8)
  return bytes
}
