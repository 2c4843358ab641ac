import {
  newestReviewedSyscall,
  syscallNumber,
  type Architecture,
  type Syscall,
} from './syscalls.ts'

// The system call filter of the commands: classic BPF, written here so that it can be reviewed as a table and needs no
// native code. Namespaces hide what belongs to others; the filter takes away the calls that reach around namespaces,
// that widen the attack surface of the kernel, or that no build needs. Everything else is allowed.

const errno = {
  EPERM: 1,
  ENOSYS: 38,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EAFNOSUPPORT: 97,
} as const
type Errno = keyof typeof errno

interface Refusal {
  readonly why: string
  readonly errno: Errno
  readonly calls: readonly Syscall[]
}

/** Refused whatever the arguments are. ENOSYS where the C library then takes an older way. */
export const refusals: readonly Refusal[] = [
  {
    why: 'io_uring performs calls that a filter never sees',
    errno: 'ENOSYS',
    calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
  },
  {
    why: 'the flags of clone3 are in memory, where a filter cannot look; clone is checked below',
    errno: 'ENOSYS',
    calls: ['clone3'],
  },
  { why: 'no namespace but those given', errno: 'EPERM', calls: ['unshare', 'setns'] },
  {
    why: 'the file tree stays as it was built',
    errno: 'EPERM',
    calls: ['mount', 'umount2', 'pivot_root', 'chroot', 'open_tree', 'move_mount', 'fsopen'],
  },
  {
    why: 'the file tree stays as it was built',
    errno: 'EPERM',
    calls: ['fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'swapon', 'swapoff', 'quotactl'],
  },
  {
    why: 'the file tree stays as it was built',
    errno: 'EPERM',
    calls: ['quotactl_fd', 'acct', 'fanotify_init', 'open_by_handle_at', 'vhangup'],
  },
  { why: 'mounts tell about the host', errno: 'ENOSYS', calls: ['statmount', 'listmount'] },
  {
    why: 'keyrings belong to a kernel uid, not to a namespace',
    errno: 'EPERM',
    calls: ['add_key', 'request_key', 'keyctl'],
  },
  {
    why: 'kernel programs and observation of others',
    errno: 'EPERM',
    calls: ['bpf', 'perf_event_open', 'userfaultfd', 'lookup_dcookie', 'syslog'],
  },
  {
    why: 'memory and descriptors of other processes',
    errno: 'EPERM',
    calls: ['process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd'],
  },
  {
    why: 'the kernel stays as it was started',
    errno: 'EPERM',
    calls: ['init_module', 'finit_module', 'delete_module', 'create_module', 'query_module'],
  },
  {
    why: 'the kernel stays as it was started',
    errno: 'EPERM',
    calls: ['get_kernel_syms', 'kexec_load', 'kexec_file_load', 'reboot'],
  },
  {
    why: 'one clock for everybody',
    errno: 'EPERM',
    calls: ['settimeofday', 'clock_settime', 'clock_adjtime'],
  },
  {
    why: 'placing memory on nodes tells and changes what others get',
    errno: 'EPERM',
    calls: ['mbind', 'set_mempolicy', 'get_mempolicy', 'move_pages', 'migrate_pages'],
  },
  {
    why: 'old or rare interfaces, attack surface only',
    errno: 'EPERM',
    calls: ['set_mempolicy_home_node', 'iopl', 'ioperm', 'modify_ldt', 'uselib', 'ustat'],
  },
  {
    why: 'old or rare interfaces, attack surface only',
    errno: 'EPERM',
    calls: ['sysfs', '_sysctl', 'nfsservctl'],
  },
]

const family = { unix: 1, inet: 2, inet6: 10, netlink: 16 }
const socketType = { stream: 1, datagram: 2, mask: 0xf }
const protocol = { default: 0, tcp: 6, udp: 17 }
const netlinkRoute = 0
// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const newNamespaces = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000
const newNetwork = 0x40000000
// TIOCSTI and TIOCLINUX type into a terminal, TIOCSETD loads line disciplines.
const terminalControls = [0x5412, 0x541c, 0x5423]
// Default, ADDR_NO_RANDOMIZE (debuggers), and "tell me" (all ones). No other execution domain.
const personalities = [0, 0x0040000, 0xffffffff]

type Label = string
type Line =
  | { readonly op: 'load'; readonly offset: number }
  | { readonly op: 'and'; readonly mask: number }
  | { readonly op: 'answer'; readonly value: number }
  | {
      readonly op: 'equal' | 'above' | 'any-bit'
      readonly value: number
      readonly match?: Label
      readonly otherwise?: Label
    }
  | { readonly op: 'label'; readonly name: Label }

const number = 0 // offsets in struct seccomp_data
const machine = 4
/** The low half of an argument: all arguments checked here are 32 bits wide for the kernel. */
const argument = (index: number): number => 16 + 8 * index

const allow: Line = { op: 'answer', value: 0x7fff0000 }
const kill: Line = { op: 'answer', value: 0x80000000 }
const refuse = (name: Errno): Line => ({ op: 'answer', value: 0x00050000 | errno[name] })

/** The filter, ready for `bwrap --seccomp`: an array of `struct sock_filter`, little endian. */
export function seccompProgram(architecture: Architecture): Uint8Array {
  const call = (name: Syscall): number | undefined => syscallNumber(name, architecture)
  return assemble([
    ...machineRules(architecture),
    ...refusals.flatMap(({ errno, calls }) =>
      calls.flatMap((name) => onCall(call(name), name, [refuse(errno)])),
    ),
    ...onCall(call('clone'), 'clone', namespaceRules()),
    ...onCall(call('socket'), 'socket', socketRules()),
    ...onCall(call('socketpair'), 'socketpair', [
      { op: 'load', offset: argument(0) },
      { op: 'equal', value: family.unix, otherwise: 'socketpair.refused' },
      allow,
      { op: 'label', name: 'socketpair.refused' },
      refuse('EAFNOSUPPORT'),
    ]),
    ...onCall(call('ioctl'), 'ioctl', [
      { op: 'load', offset: argument(1) },
      ...oneOf(terminalControls, 'ioctl.refused'),
      allow,
      { op: 'label', name: 'ioctl.refused' },
      refuse('EPERM'),
    ]),
    ...onCall(call('personality'), 'personality', [
      { op: 'load', offset: argument(0) },
      ...oneOf(personalities, 'personality.allowed'),
      refuse('EPERM'),
      { op: 'label', name: 'personality.allowed' },
      allow,
    ]),
    allow,
  ])
}

// A process of another machine mode (i386, x32, 32-bit ARM) has other call numbers: it ends here.
function machineRules(architecture: Architecture): readonly Line[] {
  const x86 = architecture === 'x86_64'
  return [
    { op: 'load', offset: machine },
    { op: 'equal', value: x86 ? 0xc000003e : 0xc00000b7, match: 'machine.known' },
    kill,
    { op: 'label', name: 'machine.known' },
    { op: 'load', offset: number },
    ...(x86
      ? ([
          { op: 'above', value: 0x3fffffff, otherwise: 'not-x32' },
          kill,
          { op: 'label', name: 'not-x32' },
        ] as const)
      : []),
    { op: 'above', value: newestReviewedSyscall, otherwise: 'reviewed' },
    refuse('ENOSYS'),
    { op: 'label', name: 'reviewed' },
  ]
}

function namespaceRules(): readonly Line[] {
  return [
    { op: 'load', offset: argument(0) },
    { op: 'any-bit', value: newNamespaces | newNetwork, otherwise: 'clone.allowed' },
    refuse('EPERM'),
    { op: 'label', name: 'clone.allowed' },
    allow,
  ]
}

// Unix, TCP and UDP over IP, and netlink for routes (getifaddrs). Not vsock, which no network namespace covers before
// Linux 7.0, and nothing whose name alone makes the kernel load a module.
function socketRules(): readonly Line[] {
  return [
    { op: 'load', offset: argument(0) },
    { op: 'equal', value: family.unix, match: 'socket.allowed' },
    { op: 'equal', value: family.netlink, match: 'socket.netlink' },
    ...oneOf([family.inet, family.inet6], 'socket.inet'),
    refuse('EAFNOSUPPORT'),
    { op: 'label', name: 'socket.netlink' },
    { op: 'load', offset: argument(2) },
    { op: 'equal', value: netlinkRoute, match: 'socket.allowed', otherwise: 'socket.protocol' },
    { op: 'label', name: 'socket.inet' },
    { op: 'load', offset: argument(1) },
    { op: 'and', mask: socketType.mask },
    ...oneOf([socketType.stream, socketType.datagram], 'socket.type-allowed'),
    refuse('ESOCKTNOSUPPORT'),
    { op: 'label', name: 'socket.type-allowed' },
    { op: 'load', offset: argument(2) },
    ...oneOf([protocol.default, protocol.tcp, protocol.udp], 'socket.allowed'),
    { op: 'label', name: 'socket.protocol' },
    refuse('EPROTONOSUPPORT'),
    { op: 'label', name: 'socket.allowed' },
    allow,
  ]
}

/** `body` must answer on every path: after it the accumulator no longer holds the call's number. */
function onCall(nr: number | undefined, name: Syscall, body: readonly Line[]): readonly Line[] {
  if (nr === undefined) return []
  return [
    { op: 'equal', value: nr, otherwise: `${name}.end` },
    ...body,
    { op: 'label', name: `${name}.end` },
  ]
}

function oneOf(values: readonly number[], label: Label): readonly Line[] {
  return values.map((value) => ({ op: 'equal', value, match: label }) as const)
}

const code = { load: 0x20, and: 0x54, equal: 0x15, above: 0x25, 'any-bit': 0x45, answer: 0x06 }

function assemble(lines: readonly Line[]): Uint8Array {
  const at = new Map<Label, number>()
  let count = 0
  for (const line of lines) {
    if (line.op === 'label') at.set(line.name, count)
    else count += 1
  }
  const program = new Uint8Array(count * 8)
  const view = new DataView(program.buffer)
  let index = 0
  for (const line of lines) {
    if (line.op === 'label') continue
    const jump = (label: Label | undefined): number => distance(at, index, label)
    view.setUint16(index * 8, code[line.op], true)
    if ('match' in line || 'otherwise' in line) {
      view.setUint8(index * 8 + 2, jump(line.match))
      view.setUint8(index * 8 + 3, jump(line.otherwise))
    }
    view.setUint32(index * 8 + 4, operand(line) >>> 0, true)
    index += 1
  }
  return program
}

function distance(at: ReadonlyMap<Label, number>, from: number, label: Label | undefined): number {
  if (label === undefined) return 0
  const to = at.get(label)
  if (to === undefined || to <= from || to - from - 1 > 255)
    throw new TypeError(`no forward jump to ${label}`)
  return to - from - 1
}

function operand(line: Exclude<Line, { op: 'label' }>): number {
  if (line.op === 'load') return line.offset
  return line.op === 'and' ? line.mask : line.value
}
