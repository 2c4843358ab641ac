import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SallyportError } from '#error'
import { shelfDays } from '#store'

/** Grants hold for a week at most: what is older helps nobody. */
export const youngMs = shelfDays * 86_400_000

/** A file, and since when it is there. */
export interface KeptFile {
  readonly bytes: Uint8Array
  readonly mtimeMs: number
}

/** What is in a folder; nothing where there is none. @throws SallyportError FILE_UNWRITABLE */
export async function keptIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw notUsable(folder, error)
  }
}

/** Since when a file is there. Undefined for what is none, is too large, or cannot be looked at. */
export async function timeOf(file: string, maxBytes: number): Promise<number | undefined> {
  try {
    const info = await stat(file)
    return info.isFile() && info.size <= maxBytes ? info.mtimeMs : undefined
  } catch {
    // One odd entry must keep nobody from the others.
    return undefined
  }
}

/** Undefined for what is no file, is too large, or cannot be read. */
export async function readKept(file: string, maxBytes: number): Promise<KeptFile | undefined> {
  const mtimeMs = await timeOf(file, maxBytes)
  if (mtimeMs === undefined) return undefined
  try {
    return { bytes: await readFile(file), mtimeMs }
  } catch {
    return undefined
  }
}

/**
 * Writes a file whole, or not at all.
 *
 * @param since the time that it has from then on; else now
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function writeKept(file: string, bytes: Uint8Array, since?: Date): Promise<void> {
  const folder = dirname(file)
  const temporary = join(folder, `.${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(temporary, bytes, { mode: 0o600, flush: true })
    if (since !== undefined) await utimes(temporary, since, since)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw notUsable(folder, error)
  }
}

/**
 * Tries whether a folder takes files. One that is not there does; with `orAbove`, when the one does in which it would be made.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function tryFolder(folder: string, { orAbove = false } = {}): Promise<void> {
  const temporary = join(folder, `.${randomUUID()}`)
  try {
    await writeFile(temporary, new Uint8Array(4096), { mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw notUsable(folder, error)
    if (orAbove && dirname(folder) !== folder) await tryFolder(dirname(folder), { orAbove })
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

function notUsable(folder: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: folder,
      expected:
        'a folder that the gate can write: it keeps requests and grants of breakglass there',
      found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
      fix: `Have the operator of the gate make room at ${folder}, or make it writable. Meanwhile ${meanwhile}`,
    },
    { cause },
  )
}

const meanwhile =
  'send a request to an approver from hand to hand (the file of `sallyport breakglass request` without --gate, at a home), and put a grant beside the artifact or into the annotation of the pods with `sallyport breakglass use`'
