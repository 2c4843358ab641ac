import { lstat } from 'node:fs/promises'
import { SallyportError } from '#error'
import { writeNew } from './write-new.ts'

/**
 * Writes a file that is not there yet: what was there stays, and what could not be written whole does not.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function writeFresh(
  file: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  try {
    await writeNew(file, content, mode)
  } catch (cause) {
    throw notFresh(file, (cause as NodeJS.ErrnoException).code, cause)
  }
}

/**
 * Whether something is there already, for who does something first that cannot be undone.
 *
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function checkFresh(file: string): Promise<void> {
  const isThere = await lstat(file).then(
    () => true,
    () => false,
  )
  if (isThere) throw notFresh(file, 'EEXIST')
}

function notFresh(file: string, code: string | undefined, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: file,
      expected: 'a file that is not there yet and can be written',
      found: code ?? 'an unknown error',
      fix: 'Name another file with --output',
    },
    { cause },
  )
}
