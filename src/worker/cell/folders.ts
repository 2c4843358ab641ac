import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  openSync,
  closeSync,
  constants,
  statfsSync,
  statSync,
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

// Large pages halve the time to unpack a toolchain; a kernel without them says no.
const mounting = `
flags=nosuid,nodev,mode=0755
"$1" -n -t tmpfs -o "$flags,$3,huge=within_size" tmpfs "$2" 2>/dev/null ||
  "$1" -n -t tmpfs -o "$flags,$3" tmpfs "$2" || exit 1
mkdir "$4" "$2/control" && "$1" -n -t tmpfs -o "$flags,$5" tmpfs "$4" || exit 1
exec "$6" -m 0600 "$2/control/output"
`

/**
 * Mounts two file systems in memory that die with the cell: one for what is only read, one, bounded, for what the
 * commands write. Throws an `Error` that says what mount said.
 */
export function makeFolders(spec: CellSpec): Folders {
  const { tools, limits, without, payloadUid } = spec
  const base = neutralPlace(spec.folder)
  const scratch = `${base}/scratch`
  const size = without.includes('disk-limit') ? '100%' : limits.diskBytes
  const count = without.includes('inode-limit') ? 0 : limits.inodes + slackInodes
  const bounds = ['size=100%,nr_inodes=0', `size=${size},nr_inodes=${count}`] as const
  const args = [
    '-c',
    mounting,
    'mount',
    tools.mount,
    base,
    bounds[0],
    scratch,
    bounds[1],
    tools.mkfifo,
  ]
  const env = { PATH: '/usr/bin:/bin' }
  const { status, stderr, error } = spawnSync(tools.sh, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(error?.message ?? stderr.trim())
  return populate(base, scratch, payloadUid)
}

// The commands see this path in the links of /proc/self/fd: it should tell nothing of the host. In the cell's own mount
// namespace nothing else needs these folders.
function neutralPlace(own: string): string {
  const free = (place: string): boolean =>
    statSync(place, { throwIfNoEntry: false })?.isDirectory() === true && !own.startsWith(place)
  return ['/media', '/mnt', '/srv'].find(free) ?? own
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
  for (const folder of [root, trees]) mkdirSync(folder)
  for (const folder of [build, temporary, home, sharedMemory]) {
    mkdirSync(folder)
    chownSync(folder, owner, owner)
  }
  for (const folder of [temporary, sharedMemory]) chmodSync(folder, 0o1777)
  // What the commands write arrives here. They may open their own /dev/stdout again.
  chownSync(`${control}/output`, owner, owner)
  return folders
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
