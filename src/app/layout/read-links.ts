import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quote, SallyportError } from '#error'
import type { LinkFile } from '#layout'

const maxFiles = 4096
const maxDepth = 10
const maxBytes = 16 * 1024 * 1024

/**
 * Reads every `*.link` file in a folder and in the folders of sublayouts below it. Symbolic links are left aside, so
 * that nothing outside the folder is read and no circle is walked.
 *
 * @throws SallyportError LAYOUT_UNREADABLE, LAYOUT_EXPENSIVE
 */
export async function readLinks(folder: string): Promise<readonly LinkFile[]> {
  const found: LinkFile[] = []
  await walk(folder, '', 0, found)
  return found
}

async function walk(root: string, below: string, depth: number, found: LinkFile[]): Promise<void> {
  const folder = join(root, below)
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause)
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory() && depth < maxDepth) await walk(root, path, depth + 1, found)
    if (!entry.isFile() || !entry.name.endsWith('.link')) continue
    if (found.length >= maxFiles) throw tooMany(root)
    found.push({ path, bytes: await readBounded(join(root, path)), where: join(root, path) })
  }
}

/** What is too large is given as it is up to the bound: it is no link then, and does not count. */
async function readBounded(path: string): Promise<Uint8Array> {
  try {
    const { size } = await lstat(path)
    return size > maxBytes ? new Uint8Array() : await readFile(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

export function unreadable(path: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  return new SallyportError(
    {
      code: 'LAYOUT_UNREADABLE',
      where: path,
      expected: 'a file or folder that can be read',
      found: code === 'ENOENT' ? 'nothing there' : code,
      fix: `Correct the path ${quote(path)}, or make it readable for the user who runs this`,
    },
    { cause },
  )
}

function tooMany(root: string): SallyportError {
  return new SallyportError({
    code: 'LAYOUT_EXPENSIVE',
    where: root,
    expected: `at most ${maxFiles} link files`,
    found: 'more',
    fix: 'Keep the links of this one product in a folder of their own',
  })
}
