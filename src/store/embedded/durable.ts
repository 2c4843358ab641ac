import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Makes what is and is not in a folder durable: new names, renamed ones, removed ones. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the content of a file durable. False when there is no such file. */
export async function syncFile(path: string): Promise<boolean> {
  // Reopening is enough: fsync writes what any process has written to the file, and Linux reports a write-back error
  // that nobody has seen yet to whoever opens the file next.
  const handle = await open(path, 'r').catch(absent)
  if (handle === undefined) return false
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  return true
}

/** Makes a folder, with those above it, and makes them durable. */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const first = await mkdir(folder, { recursive: true, ...(mode === undefined ? {} : { mode }) })
  if (first === undefined) return
  for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at))
}

/** How a file is written: `durable` waits until its content is on the disk. */
export interface WriteOptions {
  /** A folder for files under way, on the same file system. */
  readonly temporary: string
  readonly mode: number
  readonly durable: boolean
}

/** Writes a file so that it appears whole or not at all, over one of the same name. Its name is durable only after `syncFolder`. */
export async function writeWhole(
  path: string,
  bytes: Uint8Array,
  { temporary, mode, durable }: WriteOptions,
): Promise<void> {
  const unfinished = join(temporary, randomUUID())
  const handle = await open(unfinished, 'wx', mode)
  try {
    await handle.writeFile(bytes)
    if (durable) await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await renameInto(unfinished, path)
  } catch (problem) {
    await rm(unfinished, { force: true })
    throw problem
  }
}

/** Renames, and makes the folder when it is not there. */
export async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (problem) {
    if (codeOf(problem) !== 'ENOENT') throw problem
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
  }
}

/** Removes a folder that has only files; `rm` would look at each of them several times. */
export async function removeFlat(folder: string): Promise<void> {
  const names = await readdir(folder).catch(absent)
  if (names === undefined) return
  for (const name of names) await unlink(join(folder, name)).catch(absent)
  // Where another process has just put something there again, it will be removed with that.
  await rmdir(folder).catch((problem: unknown) => {
    if (codeOf(problem) !== 'ENOTEMPTY') absent(problem)
  })
}

/** The size of a regular file; undefined when there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(absent)
  return found?.isFile() === true ? found.size : undefined
}

/** For `catch`: undefined when the file is not there. */
export function absent(problem: unknown): undefined {
  if (codeOf(problem) === 'ENOENT' || codeOf(problem) === 'ENOTDIR') return undefined
  throw problem
}

export function codeOf(problem: unknown): string | undefined {
  return problem instanceof Error && 'code' in problem ? String(problem.code) : undefined
}

/** Whether it failed because there is no room, so that nothing is lost and it can be tried again. */
export function isFull(problem: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(problem) ?? '')
}
