import { spawnSync } from 'node:child_process'
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createTar, storeChunks, treeTime, type Storage } from '#materials'
import type { Variation } from '../execute/variation.ts'

/** A change of circumstances, or why this machine cannot make it. */
export interface Condition {
  readonly name: ConditionName
  /** What is other than usual, with the values. */
  readonly what: string
  /** Makes the change; what it gives undoes it. */
  readonly apply: () => Promise<Applied>
}

export interface Applied {
  readonly storage?: Storage
  readonly variation?: Variation
  readonly undo?: () => void
}

export type ConditionName = 'clock' | 'path' | 'locale' | 'umask' | 'cpus' | 'user'

export type Unavailable = { readonly name: ConditionName; readonly reason: string }

const daysAhead = 500

/**
 * The circumstances that a build must not depend on and that a recipe cannot set. Host name, locale, time zone, home,
 * build path and the user's name inside the sandbox are the same in every build, so they cannot be varied: nobody can see
 * others. The kernel's uid is another in each sandbox anyway, where the machine allows it.
 */
export function conditions(
  storage: Storage,
  faketime: string | undefined = findFaketime(),
): readonly (Condition | Unavailable)[] {
  return [clock(storage, faketime), path(storage), locale(), umask(), cpus()]
}

/** A clock that is 500 days ahead, for what runs in the sandbox: the kernel has no such clock for a namespace. */
function clock(storage: Storage, library: string | undefined): Condition | Unavailable {
  if (library === undefined)
    return { name: 'clock', reason: 'libfaketime is not installed (Debian package libfaketime)' }
  return {
    name: 'clock',
    what: `the clock is ${daysAhead} days ahead`,
    apply: async () => {
      const at = '/tool/sallyport-clock'
      const content = () => createReadStream(library) as AsyncIterable<Buffer>
      const { size } = statSync(library)
      const file = { kind: 'file', path: 'clock.so', mode: 0o755, size, content } as const
      const tar = createTar([file], { mtime: treeTime, what: 'the clock library' })
      const tree = await storeChunks(tar, storage)
      const env = {
        LD_PRELOAD: `${at}/clock.so`,
        FAKETIME: `+${daysAhead}d`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      }
      const mounts = [{ at, tree: { ...tree, path: storage.blobs.path(tree.sha256) } }]
      return { variation: { env, mounts } }
    },
  }
}

function findFaketime(): string | undefined {
  return ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime']
    .flatMap((folder) => {
      try {
        return readdirSync(folder).map((name) => join(folder, name))
      } catch {
        return []
      }
    })
    .find((file) => /\/libfaketime\.so\.\d+$/.test(file))
}

function path(storage: Storage): Condition {
  const workspace = join(storage.workspace, 'another', 'place, with a longer name')
  return {
    name: 'path',
    what: `the workspace is ${workspace}`,
    apply: async () => {
      await mkdir(workspace, { recursive: true, mode: 0o700 })
      return { storage: { blobs: storage.blobs, workspace } }
    },
  }
}

function locale(): Condition {
  const other = { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' }
  return {
    name: 'locale',
    what: `the orchestrator runs with TZ=${other.TZ} and LC_ALL=${other.LC_ALL}`,
    apply: () => {
      const names = Object.keys(other)
      const before = names.map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, other)
      return Promise.resolve({
        undo: () => {
          for (const [name, value] of before) {
            if (value === undefined) Reflect.deleteProperty(process.env, name)
            else process.env[name] = value
          }
        },
      })
    },
  }
}

function umask(): Condition {
  return {
    name: 'umask',
    what: 'the orchestrator runs with umask 0027',
    apply: () => {
      const before = process.umask(0o027)
      return Promise.resolve({ undo: () => void process.umask(before) })
    },
  }
}

/** One CPU instead of all that this machine has; children inherit it. */
function cpus(): Condition | Unavailable {
  const before = affinity()
  if (before === undefined) return { name: 'cpus', reason: 'taskset does not work here' }
  if (!/[,-]/.test(before)) return { name: 'cpus', reason: 'this machine has one CPU' }
  const [first = '0'] = before.split(/[,-]/)
  return {
    name: 'cpus',
    what: `everything runs on CPU ${first} instead of ${before}`,
    apply: () => {
      setAffinity(first)
      return Promise.resolve({ undo: () => setAffinity(before) })
    },
  }
}

function affinity(): string | undefined {
  const { stdout, status } = taskset('-cp', String(process.pid))
  return status === 0 ? /:\s*([\d,-]+)\s*$/.exec(stdout)?.[1] : undefined
}

function setAffinity(list: string): void {
  taskset('-acp', list, String(process.pid))
}

function taskset(...args: readonly string[]): { stdout: string; status: number | null } {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
  const { stdout, status } = spawnSync('taskset', args, { encoding: 'utf8', env })
  return { stdout: stdout ?? '', status }
}
