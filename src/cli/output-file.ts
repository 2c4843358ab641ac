import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

const { O_APPEND, O_CREAT, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants
const flags = { w: O_TRUNC, a: O_APPEND } as const

/**
 * Opens a file that somebody has named for what comes out, to write it anew or to add at its end. A pipe that nobody reads is
 * not waited for.
 *
 * @throws what the system throws; ENXIO for such a pipe
 */
export async function openOutput(file: string, how: keyof typeof flags): Promise<FileHandle> {
  const handle = await open(file, O_WRONLY | O_CREAT | O_NONBLOCK | flags[how], 0o666)
  if ((await handle.stat()).isFile()) return handle
  try {
    // Somebody reads: from now on whoever writes waits for them, as for any pipe.
    return await open(file, how)
  } finally {
    await handle.close()
  }
}

/** Opens it, writes, and closes it. */
export async function writeOutput(
  file: string,
  text: string,
  how: keyof typeof flags = 'w',
): Promise<void> {
  await using handle = await openOutput(file, how)
  await handle.writeFile(text)
}
