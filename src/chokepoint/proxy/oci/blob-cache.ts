import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nobody, type Keeper } from './checked-stream.ts'
import { Growing } from './growing.ts'

/**
 * Bytes on disk by their SHA-256, and nothing else: never whether somebody may have them. Files come to their name only
 * whole and verified, by a rename; whoever reads one compares it again.
 */
export interface BlobCache {
  find(sha256: string): Promise<{ readonly path: string; readonly size: number } | undefined>
  /** Takes the bytes that pass by; nobody does where there is no room for that many. */
  keeper(sha256: string, size: number): Promise<Keeper>
  /** What is there is not what its name says. */
  drop(sha256: string): Promise<void>
  readonly bytes: number
  readonly maxBytes: number
}

export interface BlobCacheOptions {
  readonly folder: string
  readonly maxBytes: number
  /** Told when the disk fails: then nothing is kept, and everything is handed out. MUST NOT throw. */
  readonly onError: (error: unknown) => void
}

/** Opens the folder; what somebody was writing when the process ended is removed. */
export async function openBlobCache(options: BlobCacheOptions): Promise<BlobCache> {
  const { folder, maxBytes } = options
  await rm(join(folder, 'tmp'), { recursive: true, force: true })
  await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o700 })
  const cache = new DiskCache(options)
  await cache.load()
  if (cache.bytes > maxBytes) await cache.evict(0)
  return cache
}

class DiskCache implements BlobCache {
  readonly #options: BlobCacheOptions
  /** By digest, what was not asked for longest first. */
  readonly #sizes = new Map<string, number>()
  #kept = 0
  /** Of files that are being written. */
  #promised = 0

  constructor(options: BlobCacheOptions) {
    this.#options = options
  }

  get bytes(): number {
    return this.#kept
  }

  get maxBytes(): number {
    return this.#options.maxBytes
  }

  async load(): Promise<void> {
    const { folder } = this.#options
    const names = await readdir(join(folder, 'sha256'), { recursive: true }).catch(() => [])
    const found: { sha256: string; size: number; at: number }[] = []
    for (const name of names) {
      const [, sha256] = /^[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(name) ?? []
      if (sha256 === undefined) continue
      const { size, mtimeMs } = await stat(this.#path(sha256))
      found.push({ sha256, size, at: mtimeMs })
    }
    for (const { sha256, size } of found.sort((a, b) => a.at - b.at)) this.#note(sha256, size)
  }

  async find(sha256: string) {
    const size = this.#sizes.get(sha256)
    if (size === undefined) return undefined
    this.#sizes.delete(sha256)
    this.#sizes.set(sha256, size)
    const path = this.#path(sha256)
    const there = await stat(path).catch(() => undefined)
    if (there?.isFile() === true && there.size === size) return { path, size }
    await this.drop(sha256)
    return undefined
  }

  async keeper(sha256: string, size: number): Promise<Keeper> {
    if (size + this.#promised > this.#options.maxBytes || this.#sizes.has(sha256)) return nobody
    this.#promised += size
    try {
      await this.evict(this.#promised)
      const path = join(this.#options.folder, 'tmp', randomUUID())
      const file = await open(path, 'wx+', 0o600)
      const growing = new Growing(file, this.#options.onError)
      return this.#keep({ sha256, size, path, growing })
    } catch (error) {
      this.#promised -= size
      this.#options.onError(error)
      return nobody
    }
  }

  async drop(sha256: string): Promise<void> {
    const size = this.#sizes.get(sha256)
    if (size === undefined) return
    this.#sizes.delete(sha256)
    this.#kept -= size
    await this.#remove(this.#path(sha256))
  }

  /** Makes room. Who reads a file that goes has it open. */
  async evict(room: number): Promise<void> {
    for (const oldest of this.#sizes.keys()) {
      if (this.#kept + room <= this.#options.maxBytes) return
      await this.drop(oldest)
    }
  }

  #keep({ sha256, size, path, growing }: Writing): Keeper {
    let isOpen = true
    const end = async (how: 'whole' | 'cut'): Promise<void> => {
      isOpen = false
      this.#promised -= size
      await growing.end(how)
    }
    const giveUp = async (error?: unknown): Promise<void> => {
      if (!isOpen) return
      if (error !== undefined) this.#options.onError(error)
      await end('cut')
      await this.#remove(path)
    }
    return {
      // A disk that is full keeps nobody from what passes by.
      write: async (chunk) => {
        if (isOpen) await growing.write(chunk).catch(giveUp)
      },
      commit: async () => {
        if (!isOpen) return
        try {
          const target = this.#path(sha256)
          await mkdir(join(target, '..'), { recursive: true, mode: 0o700 })
          await rename(path, target)
          this.#note(sha256, size)
          await end('whole')
        } catch (error) {
          await giveUp(error)
        }
      },
      abort: () => giveUp(),
      growing,
    }
  }

  async #remove(path: string): Promise<void> {
    await rm(path, { force: true }).catch(this.#options.onError)
  }

  #note(sha256: string, size: number): void {
    this.#kept += size - (this.#sizes.get(sha256) ?? 0)
    this.#sizes.delete(sha256)
    this.#sizes.set(sha256, size)
  }

  #path(sha256: string): string {
    return join(this.#options.folder, 'sha256', sha256.slice(0, 2), sha256)
  }
}

interface Writing {
  readonly sha256: string
  readonly size: number
  readonly path: string
  readonly growing: Growing
}
