import { existsSync } from 'node:fs'

import type { Without } from './defence.ts'
import type { Folders } from './folders.ts'

/** What one sandbox is made of. The probes and every command get the same. */
export interface SandboxShape {
  readonly folders: Folders
  /** Mount points; the n-th tree is the folder `n` below `folders.trees`. */
  readonly mounts: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
  readonly without: Without
}

/** The namespaces that bubblewrap makes, besides those of the cell. */
export const sandboxNamespaces = ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup'] as const

// Files of /proc that tell about the host, or about whatever else runs on it. Where the kernel has one, an empty file
// is mounted over it.
const coveredFiles = [
  'bootconfig',
  'cmdline',
  'config.gz',
  'diskstats',
  'interrupts',
  'iomem',
  'ioports',
  'kallsyms',
  'kcore',
  'key-users',
  'keys',
  'kmsg',
  'kpagecgroup',
  'kpagecount',
  'kpageflags',
  'latency_stats',
  'locks',
  'modules',
  'mtrr',
  'pagetypeinfo',
  'partitions',
  'sched_debug',
  'slabinfo',
  'softirqs',
  'swaps',
  'sys/kernel/random/boot_id',
  'sysrq-trigger',
  'timer_list',
  'timer_stats',
  'vmallocinfo',
  'zoneinfo',
]
const coveredFolders = [
  'acpi',
  'asound',
  'bus',
  'driver',
  'dynamic_debug',
  'fs',
  'irq',
  'scsi',
  'tty',
]

/** The arguments of bubblewrap, given to it through a descriptor: its command line shows none of them. */
export function bubblewrapArguments(shape: SandboxShape): string[] {
  const { folders, without, environment, cwd } = shape
  const has = (defence: Parameters<Without['has']>[0]): boolean => !without.has(defence)
  const readOnly = has('read-only-trees') ? '--ro-bind' : '--bind'
  return [
    has('user-namespace') ? ['--unshare-user', '--uid', '1000', '--gid', '1000'] : [],
    has('user-namespace') && has('last-user-namespace') ? ['--disable-userns'] : [],
    has('process-namespaces') ? ['--unshare-pid', '--as-pid-1'] : [],
    has('ipc-namespace') ? ['--unshare-ipc'] : [],
    has('host-name') ? ['--unshare-uts', '--hostname', 'worker'] : [],
    ['--unshare-cgroup', '--die-with-parent', '--new-session'],
    has('capabilities') ? ['--cap-drop', 'ALL'] : ['--cap-add', 'ALL'],
    [readOnly, folders.root, '/'],
    ['--proc', '/proc', ...(has('covered-proc') ? covers(folders) : [])],
    ['--dev', '/dev', '--bind', folders.sharedMemory, '/dev/shm', '--remount-ro', '/dev'],
    ['--bind', folders.temporary, '/tmp', '--bind', folders.temporary, '/var/tmp'],
    ['--bind', folders.home, '/home/build', '--bind', folders.build, '/build'],
    shape.mounts.flatMap((at, index) => [readOnly, `${folders.trees}/${index}`, at]),
    has('hidden-host') ? [] : ['--bind', '/', '/host'],
    has('empty-environment') ? ['--clearenv'] : [],
    Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ['--chdir', cwd],
  ].flat()
}

function covers({ control }: Folders): string[] {
  const present = (name: string): boolean => existsSync(`/proc/${name}`)
  const hide = (names: readonly string[], empty: string): string[] =>
    names.filter(present).flatMap((name) => ['--ro-bind', `${control}/${empty}`, `/proc/${name}`])
  return [
    ['--ro-bind', '/proc/sys', '/proc/sys'],
    hide(coveredFiles, 'empty-file'),
    hide(coveredFolders, 'empty-folder'),
  ].flat()
}
