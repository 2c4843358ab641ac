import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifacts, Hashes } from '#layout'
import { openRegular } from '../read-regular.ts'
import { unreadable } from './read-links.ts'

/** What in-toto's own tools leave aside, so that what they record and what is recorded here are the same. */
const leftAside = [/\.link/, /^\.git$/, /\.pyc$/, /~$/]

const maxFiles = 100_000

/**
 * Records the files of a folder as in-toto does: by SHA-256, links to files followed, links to folders not.
 *
 * @throws SallyportError LAYOUT_UNREADABLE
 */
export async function recordFiles(folder: string): Promise<Artifacts> {
  const found = new Map<string, Hashes>()
  await walk(folder, '', found)
  return found
}

async function walk(root: string, below: string, found: Map<string, Hashes>): Promise<void> {
  const folder = join(root, below)
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause)
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (leftAside.some((pattern) => pattern.test(entry.name))) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await walk(root, path, found)
    else if (await isFile(join(root, path)))
      found.set(path, { sha256: await sha256(join(root, path)) })
    if (found.size > maxFiles) throw unreadable(root, { code: `more than ${maxFiles} files` })
  }
}

/** A symbolic link that leads nowhere is no file, and is left aside as by in-toto. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    await using handle = await openRegular(path)
    for await (const chunk of handle.createReadStream({ autoClose: false }))
      hash.update(chunk as Buffer)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  return hash.digest('hex')
}
