import { join } from 'node:path'
import { splitAttestations } from '#attestation'
import type { Evidence } from '#decision'
import { filesAbout, list } from './listing.ts'
import { evidenceAt, lookSafely, nothingAt } from './source-options.ts'
import { readBounded } from './read-bounded.ts'
import { unavailable } from './unavailable.ts'

const maxFiles = 1024
const maxFileBytes = 32 * 1024 * 1024
const maxBytes = 64 * 1024 * 1024

/**
 * Finds the attestations of a digest in a folder of attestations: `DIR/sha256/<hex>/*`, `DIR/sha256/<hex>.*` and
 * `DIR/<hex>.*`. A folder that does not exist is unavailable: it was named, so something is wrong. What is listed is kept
 * until the folder changes; `now` is for tests.
 */
export async function findInDirectory(
  folder: string,
  sha256: string,
  now: () => number = Date.now,
): Promise<Evidence> {
  const place = `${folder} sha256:${sha256}`
  return lookSafely(place, async () => {
    const algorithm = join(folder, 'sha256')
    const own = join(algorithm, sha256)
    const files = [
      ...((await list(own)) ?? []).map((name) => join(own, name)),
      ...((await filesAbout(algorithm, sha256, now)) ?? []).map((name) => join(algorithm, name)),
      ...(await mustHave(folder, sha256, now)).map((name) => join(folder, name)),
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

async function mustHave(
  folder: string,
  sha256: string,
  now: () => number,
): Promise<readonly string[]> {
  const files = await filesAbout(folder, sha256, now)
  if (files === undefined) throw unavailable(folder, 'a folder of attestations', 'no such folder')
  return files
}
