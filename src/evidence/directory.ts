import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { splitAttestations } from '#attestation'
import type { Evidence } from '#decision'
import { quote, SallyportError } from '#error'
import { evidenceAt, lookSafely, nothingAt } from './source-options.ts'
import { readBounded } from './read-bounded.ts'
import { unavailable } from './unavailable.ts'

const maxEntries = 100_000
const maxFiles = 1024
const maxFileBytes = 32 * 1024 * 1024
const maxBytes = 64 * 1024 * 1024

/**
 * Finds the attestations of a digest in a folder of attestations: `DIR/sha256/<hex>/*`, `DIR/sha256/<hex>.*` and
 * `DIR/<hex>.*`. A folder that does not exist is unavailable: it was named, so something is wrong.
 */
export async function findInDirectory(folder: string, sha256: string): Promise<Evidence> {
  const place = `${folder} sha256:${sha256}`
  return lookSafely(place, async () => {
    const algorithm = join(folder, 'sha256')
    const own = join(algorithm, sha256)
    const isAbout = (name: string): boolean => name.startsWith(`${sha256}.`)
    const files = [
      ...((await filesIn(own, () => true)) ?? []),
      ...((await filesIn(algorithm, isAbout)) ?? []),
      ...(await mustList(folder, isAbout)),
    ]
    if (files.length === 0) return nothingAt(place, 'absent')
    if (files.length > maxFiles) {
      throw unavailable(folder, `at most ${maxFiles} files for one digest`, `${files.length}`)
    }
    return evidenceAt(place, await readFiles(files, folder))
  })
}

async function readFiles(files: readonly string[], folder: string): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = []
  let size = 0
  for (const file of files) {
    const bytes = await readBounded(file, maxFileBytes)
    size += bytes.length
    if (size > maxBytes) throw unavailable(folder, `at most ${maxBytes} bytes together`, 'more')
    parts.push(...splitAttestations(bytes))
  }
  return parts
}

async function mustList(folder: string, isWanted: (name: string) => boolean) {
  const files = await filesIn(folder, isWanted)
  if (files === undefined) throw unavailable(folder, 'a folder of attestations', 'no such folder')
  return files
}

/** The files of a folder, in order; undefined when there is no such folder. */
async function filesIn(
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<readonly string[] | undefined> {
  const names: string[] = []
  let seen = 0
  try {
    for await (const entry of await opendir(folder)) {
      seen += 1
      if (seen > maxEntries) throw unavailable(folder, `at most ${maxEntries} entries`, 'more')
      if (!entry.isDirectory() && !entry.name.startsWith('.') && isWanted(entry.name)) {
        names.push(entry.name)
      }
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw unavailable(folder, 'a folder that can be read', quote(code ?? 'an error'), cause)
  }
  return names.sort().map((name) => join(folder, name))
}
