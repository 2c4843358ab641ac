/** The two machines that a filter and a probe program can be written for. */
export type Architecture = 'x86_64' | 'aarch64'

/** Of this process. */
export function architectureOf(arch: string): Architecture | undefined {
  if (arch === 'x64') return 'x86_64'
  return arch === 'arm64' ? 'aarch64' : undefined
}

// Numbers on x86_64 and aarch64; absent where the architecture never had the call. A test compares them with the
// kernel headers of the machine where there are any.
const numbers = {
  _sysctl: [156, undefined],
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bind: [49, 200],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_gettime: [228, 113],
  clock_settime: [227, 112],
  clone: [56, 220],
  clone3: [435, 435],
  connect: [42, 203],
  create_module: [174, undefined],
  delete_module: [176, 106],
  dup3: [292, 24],
  exit_group: [231, 94],
  fanotify_init: [300, 262],
  fchmodat: [268, 53],
  fcntl: [72, 25],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  get_kernel_syms: [177, undefined],
  get_mempolicy: [239, 236],
  getdents64: [217, 61],
  getpid: [39, 172],
  getppid: [110, 173],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  ioperm: [173, undefined],
  iopl: [172, undefined],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  kill: [62, 129],
  linkat: [265, 37],
  listmount: [458, 458],
  lookup_dcookie: [212, 18],
  mbind: [237, 235],
  memfd_create: [319, 279],
  migrate_pages: [256, 238],
  mknodat: [259, 33],
  modify_ldt: [154, undefined],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  nanosleep: [35, 101],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  openat: [257, 56],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  query_module: [178, undefined],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  read: [0, 63],
  reboot: [169, 142],
  request_key: [249, 218],
  sendto: [44, 206],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  sethostname: [170, 161],
  setns: [308, 268],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsockopt: [54, 208],
  settimeofday: [164, 170],
  shmat: [30, 196],
  shmget: [29, 194],
  socket: [41, 198],
  socketpair: [53, 199],
  statmount: [457, 457],
  swapoff: [168, 225],
  swapon: [167, 224],
  symlinkat: [266, 36],
  sysfs: [139, undefined],
  syslog: [103, 116],
  umount2: [166, 39],
  uname: [63, 160],
  unshare: [272, 97],
  uselib: [134, undefined],
  userfaultfd: [323, 282],
  ustat: [136, undefined],
  vhangup: [153, 58],
  write: [1, 64],
} as const satisfies Record<string, readonly [number | undefined, number | undefined]>

export type Syscall = keyof typeof numbers

export const syscallNames = Object.keys(numbers) as readonly Syscall[]

/** Undefined: this architecture does not have the call. */
export function syscallNumber(name: Syscall, architecture: Architecture): number | undefined {
  return numbers[name][architecture === 'x86_64' ? 0 : 1]
}

/** The newest call that was looked at when the filter was written (mseal, Linux 6.10). */
export const newestReviewedSyscall = 462
