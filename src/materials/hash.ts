import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** What a material's bytes are known by. */
export interface Digests {
  readonly sha256: string
  readonly sha512: string
  readonly size: number
}

/** Both digests of what passes by, and how much it was. */
export interface Hashes {
  readonly size: number
  update(chunk: Uint8Array): void
  digest(): Digests
}

export function openHashes(): Hashes {
  const sha256 = createHash('sha256')
  const sha512 = createHash('sha512')
  let size = 0
  return {
    get size() {
      return size
    },
    update(chunk) {
      sha256.update(chunk)
      sha512.update(chunk)
      size += chunk.length
    },
    digest: () => ({ sha256: sha256.digest('hex'), sha512: sha512.digest('hex'), size }),
  }
}

export async function hashFile(path: string): Promise<Digests> {
  const hashes = openHashes()
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hashes.update(chunk)
  return hashes.digest()
}
