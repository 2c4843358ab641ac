import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  openSync,
  closeSync,
  constants,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'

import type { CellSpec } from './protocol.ts'
import { TarError, type TarHeader } from './tar-reader.ts'

/** Where things are in the cell. `scratch` is what the commands can write to, all of it and nothing else. */
export interface Folders {
  readonly root: string
  readonly trees: string
  readonly control: string
  readonly scratch: string
  readonly build: string
  readonly temporary: string
  readonly home: string
  readonly sharedMemory: string
}

/** What the scratch has when it is empty, to see later whether it was full. */
const slackInodes = 16

/**
 * Mounts two file systems in memory that die with the cell: one for what is only read, one, bounded, for what the
 * commands write. Throws an `Error` that says what mount said.
 */
export function makeFolders(spec: CellSpec): Folders {
  const base = `${spec.folder}/cell`
  const scratch = `${base}/scratch`
  const { diskBytes, inodes } = spec.limits
  const without = new Set(spec.without)
  mkdirSync(base, { mode: 0o711 })
  // Large pages halve the time to unpack a toolchain; a kernel without them says no.
  const fast = [
    'mode=0755,size=100%,nr_inodes=0,huge=within_size',
    'mode=0755,size=100%,nr_inodes=0',
  ]
  if (fast.every((options) => mountMemory(spec, base, options) !== undefined))
    throw new Error(mountMemory(spec, base, fast[1] ?? '') ?? 'mount failed')
  mkdirSync(scratch)
  const size = without.has('disk-limit') ? '100%' : String(diskBytes)
  const count = without.has('inode-limit') ? 0 : inodes + slackInodes
  const failure = mountMemory(spec, scratch, `mode=0755,size=${size},nr_inodes=${count}`)
  if (failure !== undefined) throw new Error(failure)
  return populate(base, scratch, spec.payloadUid)
}

function populate(base: string, scratch: string, owner: number): Folders {
  const folders: Folders = {
    root: `${base}/root`,
    trees: `${base}/trees`,
    control: `${base}/control`,
    scratch,
    build: `${scratch}/build`,
    temporary: `${scratch}/tmp`,
    home: `${scratch}/home`,
    sharedMemory: `${scratch}/shm`,
  }
  const { root, trees, control, build, temporary, home, sharedMemory } = folders
  for (const folder of [root, trees, control]) mkdirSync(folder)
  for (const folder of [build, temporary, home, sharedMemory]) {
    mkdirSync(folder)
    chownSync(folder, owner, owner)
  }
  for (const folder of [temporary, sharedMemory]) chmodSync(folder, 0o1777)
  return folders
}

function mountMemory(spec: CellSpec, at: string, options: string): string | undefined {
  const args = ['-n', '-t', 'tmpfs', '-o', `nosuid,nodev,${options}`, 'tmpfs', at]
  const { status, stderr, error } = spawnSync(spec.tools.mount, args, { env: {}, encoding: 'utf8' })
  if (status === 0) return undefined
  return error?.message ?? stderr.trim()
}

/** Which bounds of the scratch were reached. */
export function exhaustedScratch({ scratch }: Folders): readonly ('disk' | 'inodes')[] {
  const { bfree, ffree, bsize } = statfsSync(scratch)
  return [
    ...(bfree * bsize < 64 * 1024 ? (['disk'] as const) : []),
    ...(ffree <= slackInodes ? (['inodes'] as const) : []),
  ]
}

const fixedPlaces = ['proc', 'dev', 'build', 'tmp', 'var/tmp', 'home/build', 'etc']

// The same in every sandbox of this version: without them programs cannot name their user or this machine.
const fixedFiles: Readonly<Record<string, string>> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/usr/sbin/nologin\nbuild:x:1000:1000:build:/home/build:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost worker\n::1 localhost worker\n',
  'etc/hostname': 'worker\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'etc/resolv.conf': 'nameserver 127.0.0.1\noptions attempts:1 timeout:2\n',
}

/**
 * Makes the places where things are mounted, and the fixed files, in an unpacked root. `entries` is what was unpacked:
 * a place that is there already must be a directory, never a link.
 */
export function furnishRoot(
  root: string,
  entries: ReadonlyMap<string, TarHeader['type']>,
  mounts: readonly string[],
): void {
  const known = new Map(entries)
  for (const place of [...fixedPlaces, ...mounts]) makePlace(root, known, place)
  for (const [path, content] of Object.entries(fixedFiles)) {
    if (known.get(path) === 'directory') throw new TarError(`a directory at ${path}`)
    if (known.has(path)) unlinkSync(`${root}/${path}`)
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
    const fd = openSync(`${root}/${path}`, flags, 0o644)
    writeSync(fd, content)
    closeSync(fd)
  }
}

function makePlace(root: string, known: Map<string, TarHeader['type']>, place: string): void {
  const parts = place.split('/').filter((part) => part !== '')
  parts.forEach((_, index) => {
    const path = parts.slice(0, index + 1).join('/')
    const type = known.get(path)
    if (type === 'directory') return
    if (type !== undefined)
      throw new TarError(`a ${type} at ${JSON.stringify(path)}, where /${place} is mounted`)
    mkdirSync(`${root}/${path}`, 0o755)
    known.set(path, 'directory')
  })
}
