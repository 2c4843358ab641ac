import { copyFile, constants, mkdir, open, rename, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'

/** Writes a file in one step that survives a crash: the old one or the new one is there, never a part. */
export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  await place(path, async (temporary) => {
    await using file = await open(temporary, 'wx', mode)
    await file.writeFile(bytes)
    await file.sync()
  })
}

/** Copies a blob to where somebody wants it, in the same way; the copy belongs to its reader. */
export async function placeCopy(blob: string, path: string): Promise<void> {
  await place(path, async (temporary) => {
    await copyFile(blob, temporary, constants.COPYFILE_EXCL)
    await using file = await open(temporary, 'r+').catch(() => open(temporary, 'r'))
    await file.chmod(0o644)
    await file.sync()
  })
}

async function place(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `.sallyport-${randomUUID()}`)
  try {
    await write(temporary)
    await rename(temporary, path)
    await using parent = await open(folder, 'r')
    await parent.sync()
  } finally {
    await rm(temporary, { force: true })
  }
}
