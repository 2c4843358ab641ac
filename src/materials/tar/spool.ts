import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Content put aside in one private file while a tree is read in an order that is not its own. */
export interface Spool {
  readonly length: number
  append(chunk: Uint8Array): void
  /** The bytes from `offset` on; readable until the spool is closed. */
  content(offset: number, size: number): () => Iterable<Uint8Array>
  close(): void
}

const pieceSize = 1 << 18

/** Opens a spool in a private folder; the folder's owner removes the file. */
export function openSpool(folder: string): Spool {
  const file = openSync(join(folder, 'spool'), 'wx+', 0o600)
  let length = 0
  return {
    get length() {
      return length
    },
    append(chunk) {
      for (let done = 0; done < chunk.length;) done += writeSync(file, chunk, done)
      length += chunk.length
    },
    content: (offset, size) => () => pieces(file, offset, size),
    close: () => closeSync(file),
  }
}

function* pieces(file: number, offset: number, size: number): Generator<Uint8Array> {
  for (let done = 0; done < size;) {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - done))
    const read = readSync(file, piece, 0, piece.length, offset + done)
    if (read === 0) return
    done += read
    yield piece.subarray(0, read)
  }
}
