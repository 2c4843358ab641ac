import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { quote, SallyportError } from '#error'
import { readRegular, Unfit } from './read-regular.ts'

/** A file that takes part in a decision: the name it is known by, and its bytes. */
export interface NamedFile {
  readonly file: string
  readonly bytes: Uint8Array
}

/** Such a file, and where it lies: what belongs to it lies beside it. */
export interface PlacedFile extends NamedFile {
  readonly path: string
}

const mostBytes = 4 * 1024 * 1024

/** Reads a file of the configuration. Its name is relative to the home folder when it lies there. */
export async function readNamed(path: string, home: string): Promise<PlacedFile> {
  return { file: nameOf(path, home), bytes: await readFileBounded(path), path }
}

/** Reads policy files; a folder stands for every `*.yaml` and `*.yml` in it, in the order of their names. */
export async function readPolicyFiles(
  paths: readonly string[],
  home: string,
): Promise<readonly PlacedFile[]> {
  const files = (await Promise.all(paths.map(policyFilesAt))).flat()
  if (files.length === 0) {
    throw new SallyportError({
      code: 'CONFIG_NO_POLICY',
      where: paths.map((path) => nameOf(path, home)).join(', '),
      expected: 'at least one policy file (*.yaml)',
      found: 'none',
      fix: 'Put a policy there, or name one with --policy; `sallyport init` writes two to start from',
    })
  }
  return await Promise.all([...new Set(files)].map((file) => readNamed(file, home)))
}

async function policyFilesAt(path: string): Promise<string[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  if (!info.isDirectory()) return [path]
  const names = await readdir(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  return names
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .sort()
    .map((name) => join(path, name))
}

function nameOf(path: string, home: string): string {
  const inside = relative(home, resolve(path))
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) ? inside : path
}

/** Reads a regular file, of at most 4 MiB unless more is said: a pipe or device in its place is refused and never waited for. */
export async function readFileBounded(path: string, maxBytes = mostBytes): Promise<Uint8Array> {
  try {
    return await readRegular(path, maxBytes)
  } catch (cause) {
    throw cause instanceof Unfit ? unfit(cause, path, maxBytes) : unreadable(path, cause)
  }
}

function unfit({ code, size }: Unfit, path: string, maxBytes: number): SallyportError {
  if (size === undefined)
    return new SallyportError({
      code: 'FILE_UNREADABLE',
      where: path,
      expected: 'a regular file',
      found: code,
      fix: `Name a file in place of ${quote(path)}`,
    })
  return new SallyportError({
    code: 'FILE_TOO_LARGE',
    where: path,
    expected: `at most ${maxBytes} bytes`,
    found: code,
    fix: `Name another file; ${quote(path)} is no policy, trust file, trusted root or lock`,
  })
}

function unreadable(path: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  return new SallyportError(
    {
      code: code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      where: path,
      expected: 'a file that can be read',
      found: code === 'ENOENT' ? 'nothing there' : code,
      fix:
        code === 'ENOENT'
          ? `Correct the path ${quote(path)}, or put the file there`
          : `Make ${quote(path)} readable for the user who runs this`,
    },
    { cause },
  )
}
