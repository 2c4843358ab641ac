import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { DigestSet } from '#attestation'
import { quote, SallyportError } from '#error'
import { openRegular, unreadable } from './open.ts'

/** What a file is: the digests that evidence names it by. */
export interface FileDigest {
  readonly digest: DigestSet & { readonly sha256: string; readonly sha512: string }
  readonly size: number
}

/**
 * Hashes a regular file of any size.
 *
 * @throws SallyportError EVIDENCE_FILE_MISSING, EVIDENCE_FILE_NOT_REGULAR, EVIDENCE_FILE_UNREADABLE, or
 *   EVIDENCE_FILE_CHANGED when somebody wrote to it meanwhile
 */
export async function digestFile(path: string): Promise<FileDigest> {
  const handle = await openRegular(path)
  try {
    const before = await handle.stat({ bigint: true })
    const result = await hash(handle, path)
    const after = await handle.stat({ bigint: true })
    if (isSame(before, after) && BigInt(result.size) === after.size) return result
  } finally {
    await handle.close()
  }
  throw new SallyportError({
    code: 'EVIDENCE_FILE_CHANGED',
    where: path,
    expected: 'a file that nobody writes to while it is read',
    found: 'another size or time of change than before',
    fix: `Wait until ${quote(path)} is complete, and try again`,
  })
}

async function hash(handle: FileHandle, path: string): Promise<FileDigest> {
  const sha256 = createHash('sha256')
  const sha512 = createHash('sha512')
  let size = 0
  try {
    const stream = handle.createReadStream({ highWaterMark: 1 << 20, start: 0, autoClose: false })
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sha256.update(chunk)
      sha512.update(chunk)
      size += chunk.length
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
  return { digest: { sha256: sha256.digest('hex'), sha512: sha512.digest('hex') }, size }
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs
}
