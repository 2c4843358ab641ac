import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** Why a file is not read although the system would. What was found stands where errors of the system have their code. */
export class Unfit extends Error {
  readonly code: string
  /** Absent for what is no regular file. */
  readonly size: number | undefined

  constructor(file: string, code: string, size?: number) {
    super(`${file}: ${code}`)
    this.code = code
    this.size = size
  }
}

/**
 * Opens a regular file for reading: a pipe or device in its place is refused, and neither waited for nor read without end.
 *
 * @throws Unfit, or what the system throws
 */
export async function openRegular(file: string): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  const info = await handle.stat()
  if (info.isFile()) return handle
  await handle.close()
  throw new Unfit(file, 'a folder, pipe or device')
}

/**
 * Reads a regular file of at most so many bytes.
 *
 * @throws Unfit, or what the system throws
 */
export async function readRegular(file: string, maxBytes: number): Promise<Buffer> {
  await using handle = await openRegular(file)
  const { size } = await handle.stat()
  if (size > maxBytes) throw new Unfit(file, `${size} bytes`, size)
  return await handle.readFile()
}
