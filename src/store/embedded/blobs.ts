import { createHash, hash, randomUUID } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { chmod, copyFile, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isSha256 } from '#document'
import { quote, SallyportError } from '#error'
import type { BodyStore } from '#log'
import type { BlobStore, StoredBlob } from '#materials'
import {
  absent,
  codeOf,
  fileSize,
  isFull,
  makeFolder,
  syncFile,
  syncFolder,
  writeWhole,
} from './durable.ts'
import { readProblem } from './storage-problem.ts'

/** A blob store in a folder, which is also where the bodies are kept that log entries refer to. */
export interface FileBlobs extends BlobStore {
  /** The same blobs, as #log asks for them. */
  readonly bodies: BodyStore
}

/**
 * Keeps bytes in a folder by their SHA-256: `sha256/ab/abcdef…`, never changed once there, 0444. A blob is visible
 * only when it is whole and durable, and is hashed again each time it is read. Any number of processes may share it.
 */
export function openFileBlobs(directory: string): FileBlobs {
  return new FolderOfBlobs(directory)
}

const mode = 0o444
const maxKnown = 10_000

class FolderOfBlobs implements FileBlobs {
  readonly bodies: BodyStore
  readonly #directory: string
  readonly #temporary: string
  /** Blobs whose names this process has made durable itself; one that another process is just writing may not be yet. */
  readonly #known = new Set<string>()
  /** Puts under way, by digest: two of the same bytes are one. */
  readonly #puts = new Map<string, Promise<void>>()

  constructor(directory: string) {
    this.#directory = join(directory, 'sha256')
    this.#temporary = join(directory, 'tmp')
    this.bodies = {
      put: async (bytes) => (await this.put(bytes)).sha256,
      get: async (digest) => this.#readIfThere(digest),
    }
  }

  path(sha256: string): string {
    if (!isSha256(sha256)) throw notDigest(sha256)
    return join(this.#directory, sha256.slice(0, 2), sha256)
  }

  async has(sha256: string): Promise<boolean> {
    return (await fileSize(this.path(sha256))) !== undefined
  }

  async put(bytes: Uint8Array): Promise<StoredBlob> {
    const sha256 = hash('sha256', bytes)
    const { length: size } = bytes
    await this.#once(sha256, size, async (path) =>
      writeWhole(path, bytes, { temporary: this.#temporary, mode, durable: true }),
    )
    return { sha256, size }
  }

  async putFile(tempPath: string, sha256Expected?: string): Promise<StoredBlob> {
    const { sha256, size } = await hashFile(tempPath)
    if (sha256Expected !== undefined && sha256Expected !== sha256)
      throw mismatch(tempPath, sha256Expected, sha256)
    await this.#once(sha256, size, async (path) => this.#moveIn(tempPath, path))
    await rm(tempPath, { force: true })
    return { sha256, size }
  }

  async read(sha256: string): Promise<Uint8Array> {
    const bytes = await this.#readIfThere(sha256)
    if (bytes !== undefined) return bytes
    throw new SallyportError({
      code: 'BLOB_MISSING',
      where: this.path(sha256),
      expected: `the blob ${sha256}`,
      found: 'no such file',
      fix: `Restore "${this.path(sha256)}" from a copy of the store, or repeat what put it there`,
    })
  }

  async #readIfThere(sha256: string): Promise<Uint8Array | undefined> {
    const path = this.path(sha256)
    const bytes = await readFile(path)
      .catch(absent)
      .catch((problem: unknown) => {
        throw readProblem(problem, path)
      })
    if (bytes === undefined) return undefined
    const found = hash('sha256', bytes)
    if (found === sha256) return bytes
    throw new SallyportError({
      code: 'BLOB_CORRUPT',
      where: path,
      expected: `bytes with SHA-256 ${sha256}`,
      found: `${bytes.length} bytes with ${found}`,
      fix: `Restore "${path}" from a copy of the store: it has been altered or damaged`,
    })
  }

  /** Writes a blob unless it is there. */
  async #once(sha256: string, size: number, write: (path: string) => Promise<void>): Promise<void> {
    // What was recorded a moment ago is recorded again with the next decision: this costs microseconds, a promise more.
    if (this.#known.has(sha256) && isThere(this.path(sha256), size)) return
    const running = this.#puts.get(sha256) ?? this.#add(sha256, size, write)
    this.#puts.set(sha256, running)
    try {
      await running
    } catch (problem) {
      throw storeProblem(problem, this.#directory)
    } finally {
      this.#puts.delete(sha256)
    }
  }

  async #add(sha256: string, size: number, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.path(sha256)
    const folder = join(path, '..')
    // A file of another size has been damaged: the right one takes its place.
    if ((await fileSize(path)) !== size) {
      await makeFolder(folder)
      await makeFolder(this.#temporary, 0o700)
      await write(path)
    }
    await syncFolder(folder)
    this.#known.add(sha256)
    const [oldest] = this.#known
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest)
  }

  async #moveIn(tempPath: string, path: string): Promise<void> {
    await chmod(tempPath, mode)
    await syncFile(tempPath)
    try {
      await rename(tempPath, path)
    } catch (problem) {
      if (codeOf(problem) !== 'EXDEV') throw problem
      const copy = join(this.#temporary, randomUUID())
      await copyFile(tempPath, copy)
      await syncFile(copy)
      await rename(copy, path)
    }
  }
}

function isThere(path: string, size: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === size
}

async function hashFile(path: string): Promise<StoredBlob> {
  const hashing = createHash('sha256')
  let size = 0
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      hashing.update(chunk)
      size += chunk.length
    }
  })
  return { sha256: hashing.digest('hex'), size }
}

function notDigest(found: string): SallyportError {
  return new SallyportError({
    code: 'BLOB_DIGEST_MALFORMED',
    expected: 'a SHA-256 digest: 64 lower-case hex digits',
    found: quote(found),
    fix: 'Use the digest as the record that names it has it',
  })
}

function mismatch(path: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'BLOB_DIGEST_MISMATCH',
    where: path,
    expected: `SHA-256 ${quote(expected)}`,
    found,
    fix: 'Fetch the file again; if it stays so, it is not the file that was locked',
  })
}

function storeProblem(problem: unknown, where: string): SallyportError {
  if (problem instanceof SallyportError) return problem
  const fix = isFull(problem)
    ? `Free space on the file system of "${where}", then try again`
    : `Check the disk and the permissions of "${where}", then try again`
  const found = quote(problem instanceof Error ? problem.message : problem)
  return new SallyportError(
    { code: 'BLOB_STORE_FAILED', where, expected: 'to write a blob durably', found, fix },
    { cause: problem },
  )
}
