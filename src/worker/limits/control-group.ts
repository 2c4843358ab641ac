import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import type { Limits } from '../step.ts'

/** Where this process is in the control groups of the machine. */
export interface ControlGroupView {
  /** `/proc/self/mountinfo` */
  readonly mounts: string
  /** `/proc/self/cgroup` */
  readonly membership: string
  /** Makes a folder, which the kernel fills with the files of a group. */
  readonly makeFolder: (path: string) => void
}

/** Bounds memory and processes of everything that is put into it. */
export interface LimitGroup {
  readonly kind: 'cgroup-v1' | 'cgroup-v2'
  /** Folders that are removed when nothing is in them any more. */
  readonly folders: readonly string[]
  add(pid: number): void
  /** Times that the kernel killed a process of the group for want of memory. */
  memoryKills(): number
  /** Times that a process could not be started for the limit. */
  refusedProcesses(): number
  remove(): void
}

export function currentView(): ControlGroupView {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
    makeFolder: (path) => mkdirSync(path),
  }
}

/** A new group with these limits, or undefined where this process may not make one. */
export function makeLimitGroup(
  name: string,
  limits: Pick<Limits, 'memoryBytes' | 'processes'>,
  view: ControlGroupView,
): LimitGroup | undefined {
  return unifiedGroup(name, limits, view) ?? separateGroups(name, limits, view)
}

// Version 2: one tree. A group can be made below this process's own or one further up, wherever both controllers are
// handed down and this process may move others.
function unifiedGroup(
  name: string,
  limits: Pick<Limits, 'memoryBytes' | 'processes'>,
  view: ControlGroupView,
): LimitGroup | undefined {
  const top = mountOf(view, 'cgroup2')
  if (top === undefined) return undefined
  const own = ownFolder(top, membershipOf(view, ''))
  for (let parent = own; ; parent = join(parent, '..')) {
    const folder = handsDown(parent) && makeFolder(view, join(parent, name))
    if (folder !== false && folder !== undefined) {
      try {
        write(folder, 'memory.max', limits.memoryBytes)
        write(folder, 'pids.max', limits.processes)
        if (existsSync(join(folder, 'memory.swap.max'))) write(folder, 'memory.swap.max', 0)
        if (existsSync(join(folder, 'memory.oom.group'))) write(folder, 'memory.oom.group', 1)
        return unified(folder)
      } catch {
        removeFolder(folder)
      }
    }
    if (parent === top.at || !parent.startsWith(top.at)) return undefined
  }
}

function unified(folder: string): LimitGroup {
  return {
    kind: 'cgroup-v2',
    folders: [folder],
    add: (pid) => write(folder, 'cgroup.procs', pid),
    memoryKills: () => counter(join(folder, 'memory.events'), 'oom_kill'),
    refusedProcesses: () => counter(join(folder, 'pids.events'), 'max'),
    remove: () => removeFolder(folder),
  }
}

function handsDown(parent: string): boolean {
  try {
    accessSync(join(parent, 'cgroup.procs'), constants.W_OK)
    const handed = (): string[] => words(join(parent, 'cgroup.subtree_control'))
    const complete = (): boolean => ['memory', 'pids'].every((name) => handed().includes(name))
    if (!complete()) write(parent, 'cgroup.subtree_control', '+memory +pids')
    return complete()
  } catch {
    return false
  }
}

// Version 1: a tree for each controller.
function separateGroups(
  name: string,
  limits: Pick<Limits, 'memoryBytes' | 'processes'>,
  view: ControlGroupView,
): LimitGroup | undefined {
  const made: string[] = []
  try {
    for (const controller of ['memory', 'pids']) {
      const top = mountOf(view, 'cgroup', controller)
      const folder =
        top && makeFolder(view, join(ownFolder(top, membershipOf(view, controller)), name))
      if (folder === undefined) throw new Error(controller)
      made.push(folder)
    }
    const [memory = '', pids = ''] = made
    write(memory, 'memory.limit_in_bytes', limits.memoryBytes)
    // Memory and swap together: swap must not make the limit larger.
    if (existsSync(join(memory, 'memory.memsw.limit_in_bytes')))
      write(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes)
    write(pids, 'pids.max', limits.processes)
    return separate(memory, pids)
  } catch {
    made.forEach(removeFolder)
    return undefined
  }
}

function separate(memory: string, pids: string): LimitGroup {
  return {
    kind: 'cgroup-v1',
    folders: [memory, pids],
    add: (pid) => [memory, pids].forEach((folder) => write(folder, 'cgroup.procs', pid)),
    memoryKills: () => counter(join(memory, 'memory.oom_control'), 'oom_kill'),
    refusedProcesses: () => counter(join(pids, 'pids.events'), 'max'),
    remove: () => [memory, pids].forEach(removeFolder),
  }
}

interface GroupMount {
  readonly at: string
  /** The part of the tree that is mounted there. */
  readonly root: string
}

// 31 23 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
function mountOf(
  view: ControlGroupView,
  type: string,
  controller?: string,
): GroupMount | undefined {
  return view.mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => {
      const dash = fields.indexOf('-')
      const options = fields[dash + 3]?.split(',') ?? []
      return fields[dash + 1] === type && (controller === undefined || options.includes(controller))
    })
    .map(([, , , root = '/', at = '/']) => ({ root, at }))
    .at(-1)
}

// 4:memory:/path for version 1, 0::/path for version 2
function membershipOf(view: ControlGroupView, controller: string): string {
  const line = view.membership
    .split('\n')
    .map((text) => /^\d+:([^:]*):(.*)$/.exec(text))
    .find((match) => match?.[1]?.split(',').includes(controller))
  return line?.[2] ?? '/'
}

function ownFolder({ at, root }: GroupMount, path: string): string {
  if (root === '/') return join(at, path)
  return path === root || path.startsWith(`${root}/`) ? join(at, path.slice(root.length)) : at
}

function makeFolder(view: ControlGroupView, folder: string): string | undefined {
  try {
    view.makeFolder(folder)
    return folder
  } catch {
    return undefined
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Gone already, or the janitor's to remove when the last process is.
  }
}

function write(folder: string, file: string, value: number | string): void {
  writeFileSync(join(folder, file), String(value), { flag: 'r+' })
}

function words(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split(/\s+/)
}

function counter(file: string, key: string): number {
  try {
    const line = new RegExp(`^${key} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))
    return Number(line?.[1] ?? 0)
  } catch {
    return 0
  }
}
