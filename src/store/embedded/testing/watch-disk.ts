import { constants, readFileSync, statSync, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What this process has written through file handles, and what of it the disk has said that it has. */
export interface DiskWatch extends AsyncDisposable {
  /** How many times a file, under any name, was written to. */
  writes(path: string): number
  /** How many times a file or folder was synced to the end. */
  syncs(path: string): number
  /** Whether something was written to a file that a power failure could still take away. */
  isUnsafe(path: string): boolean
}

const writing = ['write', 'writev', 'writeFile', 'appendFile', 'truncate'] as const
const syncing = ['sync', 'datasync'] as const

interface Counts {
  writes: number
  syncs: number
  /** Writes that no sync has followed yet. */
  open: number
}

/**
 * Counts what file handles write and sync, by inode, until it is disposed of. `kill -9` leaves what was written in the
 * cache of the kernel, so a test that kills sees no difference between a write and a durable one; this does. A sync
 * counts a turn of the event loop after it has ended: whoever does not wait for it is found out.
 */
export async function watchDisk(): Promise<DiskWatch> {
  const files = new Map<string, Counts>()
  const countsOf = (key: string): Counts => {
    const found = files.get(key) ?? { writes: 0, syncs: 0, open: 0 }
    files.set(key, found)
    return found
  }
  const prototype = await prototypeOfHandles()
  const originals = [...writing, ...syncing].map((name) => [name, Reflect.get(prototype, name)])
  for (const name of writing)
    replace(prototype, name, async (handle, run) => {
      const counts = countsOf(await keyOf(handle))
      counts.writes += 1
      if (!isDurable(handle)) counts.open += 1
      return await run()
    })
  for (const name of syncing)
    replace(prototype, name, async (handle, run) => {
      const counts = countsOf(await keyOf(handle))
      const { open: before } = counts
      await run()
      await nextTurn()
      counts.syncs += 1
      counts.open -= before
    })
  const of = (path: string): Counts | undefined =>
    files.get(inode(statSync(path, { bigint: true })))
  return {
    writes: (path) => of(path)?.writes ?? 0,
    syncs: (path) => of(path)?.syncs ?? 0,
    isUnsafe: (path) => (of(path)?.open ?? 0) > 0,
    async [Symbol.asyncDispose]() {
      for (const [name, original] of originals) Reflect.set(prototype, name, original)
    },
  }
}

async function prototypeOfHandles(): Promise<object> {
  const handle = await open(import.meta.filename, 'r')
  await handle.close()
  return Reflect.getPrototypeOf(handle) ?? {}
}

type Run = () => Promise<unknown>

function replace(
  prototype: object,
  name: string,
  wrap: (handle: FileHandle, run: Run) => Promise<unknown>,
): void {
  const original = Reflect.get(prototype, name) as (...args: unknown[]) => Promise<unknown>
  Reflect.set(prototype, name, function (this: FileHandle, ...args: unknown[]) {
    return wrap(this, () => original.apply(this, args))
  })
}

async function keyOf(handle: FileHandle): Promise<string> {
  return inode(await handle.stat({ bigint: true }))
}

/** With its birth: the number of a file that is gone is soon given to another. */
function inode({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`
}

/** Whether each write to it waits for the disk, in the words of the kernel; elsewhere than on Linux nobody is asked. */
function isDurable({ fd }: FileHandle): boolean {
  if (process.platform !== 'linux') return false
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  return (Number.parseInt(flags ?? '0', 8) & constants.O_DSYNC) !== 0
}
