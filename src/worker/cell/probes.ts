import type { CanaryTargets, CellProbe } from './protocol.ts'
import { outcomeName } from './errno.ts'
import { abstractAddress, ipv4Address, ipv6Address, unixAddress } from './socket-address.ts'
import { SyscallProgram, type Argument, type Pointer, type Result } from './syscall-program.ts'
import type { Architecture, Syscall } from './syscalls.ts'

/** What the probes are told of the sandbox they run in. */
export interface ProbeSetting {
  readonly architecture: Architecture
  readonly canaries: CanaryTargets
  readonly environment: Readonly<Record<string, string>>
  /** Read-only places. */
  readonly mounts: readonly string[]
}

/** A destination that one probe tries, so that the recorder can be seen to record it. */
export const recordedDestination = { address: '169.254.169.254', port: 80 }

type Look = (outcome: NonNullable<ReturnType<SyscallProgram['outcome']>>) => {
  readonly found: string
  readonly contained: boolean
}

interface Probe {
  readonly name: string
  readonly expected: string
  readonly look: Look
}

const here = -100 // AT_FDCWD
const read = 0
const write = 1
const create = 0o101 // O_CREAT | O_WRONLY
const nobodyReads = 0o600

/** Asks the kernel, from inside, for everything that must not be there. */
export class IsolationProbes {
  readonly #program: SyscallProgram
  readonly #probes: Probe[] = []

  constructor(setting: ProbeSetting) {
    this.#program = new SyscallProgram(setting.architecture)
    this.#descriptors() // First: the others open some.
    this.#hostFiles(setting.canaries)
    this.#sockets(setting.canaries)
    this.#systemCalls()
    this.#processes(setting)
    this.#writable(setting.mounts)
  }

  elf(): Uint8Array {
    return this.#program.elf()
  }

  /** Reads what the program wrote. A program that did not come to its end contains nothing. */
  results(dump: Uint8Array): readonly CellProbe[] {
    const outcome = this.#program.outcome(dump)
    return this.#probes.map(({ name, expected, look }) =>
      outcome === undefined
        ? { name, expected, found: 'no answer from the probe', contained: false }
        : { name, expected, ...look(outcome) },
    )
  }

  #hostFiles({ keyFile, npmrc, unixSocket }: CanaryTargets): void {
    const program = this.#program
    this.#open('host-key-file', keyFile, read, ['ENOENT'])
    this.#open('host-npmrc', npmrc, read, ['ENOENT'])
    this.#open('password-hashes', '/etc/shadow', read, ['ENOENT'])
    this.#open('sysfs', '/sys/kernel', read, ['ENOENT'])
    this.#open('kernel-memory', '/proc/kcore', read, ['EACCES', 'ENOENT', 'success but empty'])
    this.#open('core-pattern', '/proc/sys/kernel/core_pattern', write, ['EROFS', 'EACCES'])
    this.#open('sysrq-trigger', '/proc/sysrq-trigger', write, ['EROFS', 'EACCES', 'ENOENT'])
    this.#connect('host-unix-socket', 1, unixAddress(unixSocket), ['ENOENT'])
    const bootArguments = program.buffer(64)
    const opened = program.call('openat', here, program.text('/proc/cmdline'), read, 0)
    this.#says(
      'boot-arguments',
      'nothing',
      program.call('read', opened, bootArguments, 64),
      (size) => (size > 0 ? `${size} bytes` : 'nothing'),
    )
  }

  #sockets({ abstractSocket, port }: CanaryTargets): void {
    this.#connect('host-abstract-socket', 1, abstractAddress(abstractSocket), ['ECONNREFUSED'])
    this.#connect('host-loopback', 2, ipv4Address('127.0.0.1', port), ['ECONNREFUSED'])
    const { address, port: web } = recordedDestination
    this.#connect('cloud-metadata', 2, ipv4Address(address, web), ['ECONNREFUSED'])
    this.#connect('internet', 2, ipv4Address('1.1.1.1', 443), ['ECONNREFUSED'])
    const quad = Uint8Array.of(0x26, 6, 0x47, 0, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11)
    this.#connect('internet-ipv6', 10, ipv6Address(quad, 443), [
      'ECONNREFUSED',
      'ENETUNREACH',
      'EAFNOSUPPORT',
    ])
    const families = {
      vsock: 40,
      packet: 17,
      alg: 38,
      xdp: 44,
      bluetooth: 31,
      can: 29,
      tipc: 30,
      rds: 21,
    }
    for (const [name, family] of Object.entries(families))
      this.#refused(`socket-${name}`, ['EAFNOSUPPORT'], 'socket', family, 2, 0)
    this.#refused('socket-raw', ['ESOCKTNOSUPPORT'], 'socket', 2, 3, 1)
    this.#refused('socket-netfilter', ['EPROTONOSUPPORT'], 'socket', 16, 3, 12)
  }

  #systemCalls(): void {
    const program = this.#program
    const nothing = program.text('')
    const tmp = program.text('/tmp')
    const zeros = program.buffer(256)
    this.#refused('io-uring', ['ENOSYS'], 'io_uring_setup', 8, zeros)
    this.#refused('clone3', ['ENOSYS'], 'clone3', zeros, 64)
    this.#refused('user-namespace', ['EPERM'], 'unshare', 0x10000000)
    this.#refused('network-namespace', ['EPERM'], 'unshare', 0x40000000)
    this.#refused('clone-namespace', ['EPERM'], 'clone', 0x10000000 | 17, 0, 0, 0, 0)
    this.#refused('enter-namespace', ['EPERM'], 'setns', 0, 0)
    this.#refused('keyring', ['EPERM'], 'keyctl', 0, -4, 0)
    this.#refused('add-key', ['EPERM'], 'add_key', program.text('user'), nothing, zeros, 1, -4)
    this.#refused('mount', ['EPERM'], 'mount', nothing, tmp, program.text('tmpfs'), 0, 0)
    this.#refused('unmount', ['EPERM'], 'umount2', program.text('/proc/sys'), 2)
    this.#refused('new-mount-interface', ['EPERM'], 'fsopen', program.text('tmpfs'), 0)
    this.#refused('pivot-root', ['EPERM'], 'pivot_root', tmp, tmp)
    this.#refused('chroot', ['EPERM'], 'chroot', tmp)
    this.#refused('file-handles', ['EPERM'], 'open_by_handle_at', here, zeros, 0)
    this.#refused('bpf', ['EPERM'], 'bpf', 0, zeros, 0)
    this.#refused('perf', ['EPERM'], 'perf_event_open', zeros, 0, -1, -1, 0)
    this.#refused('userfaultfd', ['EPERM'], 'userfaultfd', 1)
    this.#refused('kernel-module', ['EPERM'], 'init_module', zeros, 0, nothing)
    this.#refused('kexec', ['EPERM'], 'kexec_load', 0, 0, 0, 0)
    this.#refused('clock', ['EPERM'], 'clock_settime', 0, zeros)
    this.#refused('kernel-log', ['EPERM'], 'syslog', 3, zeros, 16)
    this.#refused('terminal-input', ['EPERM'], 'ioctl', 0, 0x5412, nothing)
    this.#refused(
      'device-node',
      ['EPERM'],
      'mknodat',
      here,
      program.text('/tmp/node'),
      0o20600,
      0x103,
    )
    this.#refused('become-root', ['EPERM', 'EINVAL'], 'setresuid', 0, 0, 0)
    this.#refused('host-name-change', ['EPERM'], 'sethostname', nothing, 0)
  }

  #processes({ canaries, environment }: ProbeSetting): void {
    const program = this.#program
    // A small number may be one of the sandbox's own (an orchestrator in a container).
    if (canaries.pid > 64) this.#refused('host-process', ['ESRCH'], 'kill', canaries.pid, 0)
    const given = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    for (const [name, process] of [
      ['environment', 'self'],
      ['environment-of-the-init', '1'],
    ] as const) {
      const found = this.#content(`/proc/${process}/environ`, 64 * 1024)
      this.#text(name, 'exactly what was given', found, (text) => {
        const more = text.split('\0').filter((line) => line !== '' && !given.includes(line))
        return more.length === 0 ? 'exactly what was given' : `${more.length} more`
      })
    }
    const status = 'no capability, no new privileges, filtered'
    this.#text('privileges', status, this.#content('/proc/self/status', 8192), statusOf)
    this.#text('privileges-of-the-init', status, this.#content('/proc/1/status', 8192), statusOf)
    this.#text('visible-processes', 'its own', this.#listing('/proc'), (names) => {
      const processes = names.split('/').filter((name) => /^\d+$/.test(name))
      return processes.length <= 2 ? 'its own' : `${processes.length} processes`
    })
    const names = program.buffer(390) // struct utsname: six fields of 65 bytes
    program.call('uname', names)
    this.#add('host-name', 'worker', ({ content }) => {
      const found = nameAt(Buffer.from(content(names)).toString('latin1'), 65)
      return { found, contained: found === 'worker' }
    })
  }

  #writable(mounts: readonly string[]): void {
    for (const place of ['/', '/usr', '/etc', '/dev', '/proc/sys', ...mounts]) {
      const path = `${place === '/' ? '' : place}/.sallyport-probe`
      this.#open(`write-${place}`, path, create, ['EROFS', 'ENOENT', 'EACCES'])
    }
  }

  #descriptors(): void {
    this.#text('descriptors', 'input and output', this.#listing('/proc/self/fd'), (names) => {
      // The listing itself needs one.
      const numbers = names.split('/').filter((name) => /^\d+$/.test(name))
      return numbers.length <= 4 ? 'input and output' : `${numbers.length - 1} descriptors`
    })
  }

  #refused(name: string, accepted: readonly string[], call: Syscall, ...args: Argument[]): void {
    this.#answers(name, accepted, this.#program.call(call, ...args))
  }

  #open(name: string, path: string, flags: number, accepted: readonly string[]): void {
    const program = this.#program
    const opened = program.call('openat', here, program.text(path), flags, nobodyReads)
    const byte = program.buffer(8)
    const got = program.call('read', opened, byte, 1)
    const emptyIsFine = accepted.includes('success but empty')
    this.#add(name, accepted.join(' or '), ({ result }) => {
      const found = outcomeName(result(opened))
      const empty = emptyIsFine && found === 'success' && result(got) === 0
      return {
        found: empty ? 'success but empty' : found,
        contained: empty || accepted.includes(found),
      }
    })
  }

  #connect(name: string, family: number, address: Uint8Array, accepted: readonly string[]): void {
    const program = this.#program
    const socket = program.call('socket', family, 1, 0)
    const aSecond = program.bytes(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    program.call('setsockopt', socket, 1, 21, aSecond, 16) // SO_SNDTIMEO
    const connected = program.call('connect', socket, program.bytes(address), address.length)
    this.#add(name, accepted.join(' or '), ({ result }) => {
      const opened = result(socket)
      const found = outcomeName(opened < 0 ? opened : result(connected))
      return { found, contained: accepted.includes(found) }
    })
  }

  #content(path: string, size: number): { size: Result; content: Pointer } {
    const program = this.#program
    const opened = program.call('openat', here, program.text(path), read, 0)
    const content = program.buffer(size)
    return { size: program.call('read', opened, content, size), content }
  }

  #listing(path: string): { size: Result; content: Pointer; listing: true } {
    const program = this.#program
    const opened = program.call('openat', here, program.text(path), 0o200000, 0)
    const content = program.buffer(64 * 1024)
    return { size: program.call('getdents64', opened, content, 64 * 1024), content, listing: true }
  }

  #answers(name: string, accepted: readonly string[], call: Result): void {
    this.#add(name, accepted.join(' or '), ({ result }) => {
      const found = outcomeName(result(call))
      return { found, contained: accepted.includes(found) }
    })
  }

  #says(name: string, expected: string, call: Result, say: (result: number) => string): void {
    this.#add(name, expected, ({ result }) => {
      const found = say(result(call))
      return { found, contained: found === expected }
    })
  }

  #text(
    name: string,
    expected: string,
    from: { readonly size: Result; readonly content: Pointer; readonly listing?: true },
    say: (text: string) => string,
  ): void {
    this.#add(name, expected, ({ result, content }) => {
      const size = result(from.size)
      const bytes = Buffer.from(content(from.content)).subarray(0, Math.max(size, 0))
      const found = say(from.listing === true ? namesIn(bytes) : bytes.toString('latin1'))
      return { found, contained: found === expected }
    })
  }

  #add(name: string, expected: string, look: Look): void {
    this.#probes.push({ name, expected, look })
  }
}

function statusOf(status: string): string {
  const value = (key: string): string =>
    new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '?'
  const capabilities = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].filter(
    (key) => !/^0+$/.test(value(key)),
  )
  return [
    capabilities.length === 0 ? 'no capability' : capabilities.join(' '),
    value('NoNewPrivs') === '1' ? 'no new privileges' : 'new privileges possible',
    value('Seccomp') === '2' ? 'filtered' : 'not filtered',
  ].join(', ')
}

function nameAt(text: string, offset: number): string {
  return text.slice(offset, offset + 65).split('\0')[0] ?? ''
}

// struct linux_dirent64: inode, offset, record length (16 bits), type (8 bits), name.
function namesIn(listing: Buffer): string {
  const names: string[] = []
  for (let at = 0; at + 19 < listing.length;) {
    const length = listing.readUInt16LE(at + 16)
    if (length < 20) break
    names.push(nameAt(listing.toString('latin1', at + 19, at + length), 0))
    at += length
  }
  return names.join('/')
}
