/** What a stored blob is known by: the SHA-256 of its bytes (lower-case hex) and how many there are. */
export interface StoredBlob {
  readonly sha256: string
  readonly size: number
}

/**
 * A content-addressed store of immutable bytes. Names are the SHA-256 of the content, lower-case hex.
 *
 * An implementation MUST compute the digest itself from the bytes that it keeps, MUST NOT let a blob become
 * visible before it is complete and durable, and MUST NOT change a blob afterwards.
 */
export interface BlobStore {
  has(sha256: string): Promise<boolean>
  /** Where the blob lies on the host, for hashing it again and for mounting it read-only. */
  path(sha256: string): string
  /**
   * Takes over a file: it is moved (or copied and removed). It MUST lie outside the store and MUST NOT be open for
   * writing. When the digest is given and differs, the file MUST NOT enter the store and a SallyportError is thrown.
   */
  putFile(tempPath: string, sha256Expected?: string): Promise<StoredBlob>
  put(bytes: Uint8Array): Promise<StoredBlob>
  /** The bytes; throws when the blob is absent or no longer has its digest. */
  read(sha256: string): Promise<Uint8Array>
}
