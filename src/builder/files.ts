import { access, copyFile, constants, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '#error'

/**
 * Whether artifacts can go into a folder, or into one that would be made there: told before a build, not after it.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function checkOutput(folder: string): Promise<void> {
  try {
    await access(`${await nearest(resolve(folder))}/`, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unwritable(folder, folder, cause)
  }
}

/** The folder itself, or the one above it that is there. */
async function nearest(folder: string): Promise<string> {
  const above = dirname(folder)
  const isThere = await stat(folder).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' && above !== folder) return false
      throw cause
    },
  )
  return isThere ? folder : await nearest(above)
}

/**
 * Writes a file in one step that survives a crash: the old one or the new one is there, never a part.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  await place(path, async (temporary) => {
    await using file = await open(temporary, 'wx', mode)
    await file.writeFile(bytes)
    await file.sync()
  })
}

/**
 * Copies a blob to where somebody wants it, in the same way; the copy belongs to its reader.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function placeCopy(blob: string, path: string): Promise<void> {
  await place(path, async (temporary) => {
    await copyFile(blob, temporary, constants.COPYFILE_EXCL)
    await using file = await open(temporary, 'r+').catch(() => open(temporary, 'r'))
    await file.chmod(0o644)
    await file.sync()
  })
}

/**
 * Takes a file away, if there is one.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (cause) {
    throw unwritable(path, dirname(path), cause)
  }
}

async function place(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.sallyport-${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true })
    await write(temporary)
    await rename(temporary, path)
    await using parent = await open(folder, 'r')
    await parent.sync()
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw unwritable(path, folder, cause)
  }
}

function unwritable(path: string, folder: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: path,
      expected: 'a place where this user can write, with room in it',
      found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
      fix: `Make ${folder} a folder where you can write, with room in it; --output names another one for artifacts`,
    },
    { cause },
  )
}
