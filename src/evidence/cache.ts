import { Recent, sha256Hex } from '#document'

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

/** A cache in memory; what was not asked for lately goes first. */
export function openByteCache(options: ByteCacheOptions = {}): ByteCache {
  const { maxBytes = 64 * 1024 * 1024, maxEntries = 4096 } = options
  const entries = new Recent<Uint8Array>({ most: maxEntries, size: maxBytes })
  return {
    get: (sha256) => entries.get(sha256),
    put(bytes) {
      if (bytes.length > maxBytes) return
      // A copy: the caller may go on with its own.
      entries.set(sha256Hex(bytes), bytes.slice(), bytes.length)
    },
  }
}
