import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import { quote, SallyportError } from '#error'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/** Reads a small file that only its owner may read; links, other owners and looser modes are refused. */
export function readSecretFile(path: string, what: string, maxBytes: number): Buffer {
  const file = open(path, what)
  try {
    const { mode, uid, size } = regularFile(file, path, what)
    if ((mode & 0o077) !== 0) throw looseMode(path, what, mode)
    if (uid !== process.getuid?.()) {
      throw new SallyportError({
        code: 'SIGNER_FILE_MODE',
        where: path,
        expected: `${what} that belongs to the user of the signer (uid ${process.getuid?.()})`,
        found: `uid ${uid} as its owner`,
        fix: `Run sallyport as the owner of the file, or \`chown ${process.getuid?.()} ${path}\``,
      })
    }
    if (size > maxBytes) throw tooLarge(path, what, size, maxBytes)
    return readBounded(file, { path, what, maxBytes })
  } finally {
    closeSync(file)
  }
}

interface Bounds {
  readonly path: string
  readonly what: string
  readonly maxBytes: number
}

/** Reads a descriptor to its end: for a passphrase handed down as an inherited descriptor. */
export function readBounded(file: number, { path, what, maxBytes }: Bounds): Buffer {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  for (;;) {
    const got = readSync(file, buffer, length, buffer.length - length, null)
    length += got
    if (length > maxBytes) throw tooLarge(path, what, length, maxBytes)
    if (got === 0) return buffer.subarray(0, length)
  }
}

/** Writes a file that did not exist, mode 0600, durable when it returns. What could not be written whole is not left. */
export function createSecretFile(path: string, what: string, bytes: Uint8Array): void {
  let file: number
  try {
    file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, what, cause)
    throw new SallyportError(
      {
        code: 'SIGNER_FILE_EXISTS',
        where: path,
        expected: `a name that is free, for ${what}`,
        found: 'a file of that name',
        fix: `Choose another name; or move ${path} away if it is really no longer needed`,
      },
      { cause },
    )
  }
  try {
    writeAndClose(file, bytes)
  } catch (cause) {
    rmSync(path, { force: true })
    throw unusable(path, what, cause)
  }
  syncFolder(dirname(path))
}

function writeAndClose(file: number, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

export function syncFolder(path: string): void {
  const folder = openSync(path, O_RDONLY)
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function open(path: string, what: string): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw unusable(path, what, cause)
  }
}

function regularFile(file: number, path: string, what: string): Stats {
  const status = fstatSync(file)
  if (status.isFile()) return status
  throw new SallyportError({
    code: 'SIGNER_FILE',
    where: path,
    expected: `${what} as a regular file`,
    found: status.isDirectory() ? 'a folder' : 'a pipe, socket or device',
    fix: `Name the file that holds ${what}`,
  })
}

function looseMode(path: string, what: string, mode: number): SallyportError {
  return new SallyportError({
    code: 'SIGNER_FILE_MODE',
    where: path,
    expected: `${what} that nobody but its owner can read or change (mode 0600)`,
    found: `mode 0${(mode & 0o7777).toString(8)}`,
    fix: `Run \`chmod 600 ${path}\`; if others may have read it, make a new key`,
  })
}

function tooLarge(path: string, what: string, size: number, maxBytes: number): SallyportError {
  return new SallyportError({
    code: 'SIGNER_FILE',
    where: path,
    expected: `${what} of at most ${maxBytes} bytes`,
    found: `${size} bytes or more`,
    fix: `Name the file that holds ${what}`,
  })
}

function unusable(path: string, what: string, cause: unknown): SallyportError {
  const { code } = cause as NodeJS.ErrnoException
  const found: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EACCES: 'a file or folder that this user may not open',
    ELOOP: 'a symbolic link',
    EISDIR: 'a folder',
    ENOSPC: 'no room on the disk',
  }
  return new SallyportError(
    {
      code: 'SIGNER_FILE',
      where: path,
      expected: what,
      found: found[code ?? ''] ?? quote(code ?? 'an unknown failure'),
      fix:
        code === 'ENOSPC'
          ? `Make room at ${dirname(path)}`
          : 'Correct the path, or create the keys with `sallyport init`',
    },
    { cause },
  )
}
