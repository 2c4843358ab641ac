import { mkdir } from 'node:fs/promises'
import { SallyportError } from '#error'

/**
 * Makes a folder of a home, with those above it, that only its owner can enter; one that is there stays as it is.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: folder,
        expected: 'a folder, or a place where this user can make one',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Move away what is at ${folder} and is no folder, or make the folder above it writable for you`,
      },
      { cause },
    )
  }
}
