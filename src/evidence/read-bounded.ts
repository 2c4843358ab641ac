import type { FileHandle } from 'node:fs/promises'
import { SallyportError } from '#error'
import { openRegular, unreadable } from './open.ts'

/**
 * Reads a whole file, whose size nobody believes before it is read.
 *
 * @throws SallyportError EVIDENCE_FILE_…
 */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await openRegular(path)
  try {
    const { size } = await handle.stat()
    if (size > maxBytes) throw tooLarge(path, size, maxBytes)
    return await readAll(handle, path, maxBytes)
  } finally {
    await handle.close()
  }
}

async function readAll(handle: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    const stream = handle.createReadStream({ start: 0, end: maxBytes, autoClose: false })
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
  if (size > maxBytes) throw tooLarge(path, size, maxBytes)
  return new Uint8Array(Buffer.concat(chunks))
}

function tooLarge(path: string, size: number, maxBytes: number): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_FILE_UNREADABLE',
    where: path,
    expected: `at most ${maxBytes} bytes of attestations in one file`,
    found: `${size} bytes`,
    fix: 'Split the file, or name the attestations that matter with --bundle',
  })
}
