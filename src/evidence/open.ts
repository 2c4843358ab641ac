import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { quote, SallyportError } from '#error'

/**
 * Opens a regular file for reading. A pipe or device that somebody put in its place is refused and never
 * waited for.
 *
 * @throws SallyportError EVIDENCE_FILE_MISSING, EVIDENCE_FILE_NOT_REGULAR, EVIDENCE_FILE_UNREADABLE
 */
export async function openRegular(path: string): Promise<FileHandle> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw notOpened(path, cause)
  }
  try {
    const stat = await handle.stat()
    if (stat.isFile()) return handle
    throw notRegular(path, stat.isDirectory() ? 'a directory' : 'a pipe, socket or device')
  } catch (cause) {
    await handle.close()
    throw cause
  }
}

/** What a failed system call says about a file. */
export function unreadable(path: string, cause: unknown): SallyportError {
  const code = codeOf(cause)
  return new SallyportError(
    {
      code: 'EVIDENCE_FILE_UNREADABLE',
      where: path,
      expected: 'a file that can be read',
      found: code,
      fix:
        code === 'EACCES' || code === 'EPERM'
          ? `Run as a user who may read ${quote(path)}, or change its mode with chmod`
          : `Check the disk and the path ${quote(path)}, and try again`,
    },
    { cause },
  )
}

function notOpened(path: string, cause: unknown): SallyportError {
  const code = codeOf(cause)
  if (code === 'ENXIO') return notRegular(path, 'a socket or pipe')
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return unreadable(path, cause)
  return new SallyportError(
    {
      code: 'EVIDENCE_FILE_MISSING',
      where: path,
      expected: 'a file',
      found: 'nothing at this path',
      fix: `Correct the path ${quote(path)}, or put the file there`,
    },
    { cause },
  )
}

function notRegular(path: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_FILE_NOT_REGULAR',
    where: path,
    expected: 'a regular file',
    found,
    fix: `Pass the file itself in place of ${quote(path)}`,
  })
}

function codeOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause) return String(cause.code)
  return 'an unknown error'
}
