import { sha256Hex } from '#document'

/**
 * Bytes by their SHA-256, and nothing else: never an answer, never whether something is valid, still there, or about
 * an artifact. Whoever asks hashes what comes back.
 */
export interface ByteCache {
  get(sha256: string): Uint8Array | undefined
  put(bytes: Uint8Array): void
}

export interface ByteCacheOptions {
  /** Default 64 MiB. */
  readonly maxBytes?: number
  /** Default 4,096. */
  readonly maxEntries?: number
}

/** A cache in memory; what was not asked for longest goes first. */
export function openByteCache(options: ByteCacheOptions = {}): ByteCache {
  const { maxBytes = 64 * 1024 * 1024, maxEntries = 4096 } = options
  const entries = new Map<string, Uint8Array>()
  let size = 0
  const drop = (key: string): void => {
    size -= entries.get(key)?.length ?? 0
    entries.delete(key)
  }
  return {
    get(sha256) {
      const bytes = entries.get(sha256)
      if (bytes === undefined) return undefined
      entries.delete(sha256)
      entries.set(sha256, bytes)
      return bytes
    },
    put(bytes) {
      if (bytes.length > maxBytes) return
      const key = sha256Hex(bytes)
      drop(key)
      // A copy: the caller may go on with its own.
      entries.set(key, bytes.slice())
      size += bytes.length
      for (const oldest of entries.keys()) {
        if (size <= maxBytes && entries.size <= maxEntries) break
        drop(oldest)
      }
    },
  }
}
