import { createHash, type Hash } from 'node:crypto'
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'

import {
  extend,
  readTarHeader,
  tarBlock,
  TarError,
  type Extended,
  type TarHeader,
} from './tar-reader.ts'

/** An open, verified-to-be content: the orchestrator says what it must hash to, this side hashes what it reads. */
export interface OpenBlob {
  readonly fd: number
  readonly size: number
  readonly sha256: string
}

export interface Unpacked {
  /** `path -> type` of everything unpacked; paths are byte strings relative to the folder. */
  readonly entries: ReadonlyMap<string, TarHeader['type']>
}

export interface UnpackOptions {
  /** Who owns what is unpacked. */
  readonly owner: number
  /** Members that are left out. */
  readonly without?: ReadonlySet<string>
  /** Test only: believe what the blob was said to be. */
  readonly hashUncheckedUnsafe?: boolean
}

/** The content is not what it was said to be. */
export class BlobError extends Error {
  override readonly name = 'BlobError'
}

const chunkSize = 1 << 20

/**
 * Unpacks a tar into an empty folder that nobody else writes to, and hashes it on the way: the bytes that were unpacked
 * are the bytes that were hashed. Nothing is written through a link, nothing outside the folder, nothing twice. Modes
 * become 0755 or 0644, owners and extended attributes are dropped, times are kept.
 */
export function unpackTar(blob: OpenBlob, folder: string, options: UnpackOptions): Unpacked {
  const source = new Source(blob)
  const tree = new Tree(folder, options)
  let extended: Extended = {}
  while (source.remaining > 0) {
    const announced = readTarHeader(source.take(tarBlock), extended)
    if (announced.kind === 'end') break
    if (announced.kind === 'extension') {
      const content = Buffer.from(source.take(announced.size))
      source.skip(padding(announced.size))
      extend(extended, announced.extension, content)
      continue
    }
    extended = {}
    tree.add(announced.header, source)
    source.skip(padding(announced.header.size))
  }
  source.finish(options.hashUncheckedUnsafe === true)
  tree.finish()
  return { entries: tree.entries }
}

function padding(size: number): number {
  return (tarBlock - (size % tarBlock)) % tarBlock
}

/** Reads a blob from its beginning to its end, hashing. */
class Source {
  remaining: number
  readonly #blob: OpenBlob
  readonly #hash: Hash = createHash('sha256')
  readonly #buffer = Buffer.allocUnsafe(chunkSize)
  #start = 0
  #end = 0
  #position = 0

  constructor(blob: OpenBlob) {
    const { size } = fstatSync(blob.fd)
    if (size !== blob.size) throw new BlobError(`${size} bytes`)
    this.#blob = blob
    this.remaining = blob.size
  }

  /** Exactly `size` bytes, valid until the next call. */
  take(size: number): Buffer {
    if (size > this.remaining) throw new TarError('a tar that ends in the middle of a member')
    if (size > chunkSize) throw new TarError(`an extended header of ${size} bytes`)
    if (this.#end - this.#start < size) this.#fill(size)
    const bytes = this.#buffer.subarray(this.#start, this.#start + size)
    this.#start += size
    this.remaining -= size
    return bytes
  }

  /** Up to `size` bytes, at least one. */
  some(size: number): Buffer {
    if (this.remaining === 0) throw new TarError('a tar that ends in the middle of a member')
    if (this.#start === this.#end) this.#fill(1)
    return this.take(Math.min(size, this.#end - this.#start))
  }

  skip(size: number): void {
    for (let left = size; left > 0;) left -= this.some(left).length
  }

  finish(unchecked: boolean): void {
    this.skip(this.remaining)
    const sha256 = this.#hash.digest('hex')
    if (sha256 !== this.#blob.sha256 && !unchecked) throw new BlobError(`sha256 ${sha256}`)
  }

  #fill(atLeast: number): void {
    this.#buffer.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    while (this.#end < atLeast) {
      const left = Math.min(chunkSize - this.#end, this.#blob.size - this.#position)
      const read =
        left === 0 ? 0 : readSync(this.#blob.fd, this.#buffer, this.#end, left, this.#position)
      if (read === 0) throw new BlobError(`${this.#position} bytes`)
      this.#hash.update(this.#buffer.subarray(this.#end, this.#end + read))
      this.#end += read
      this.#position += read
    }
  }
}

const newFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW

/** The folder being filled. What was made is remembered, so no path is ever resolved through a link. */
class Tree {
  readonly entries = new Map<string, TarHeader['type']>([['', 'directory']])
  readonly #folder: string
  readonly #options: UnpackOptions
  readonly #times: (readonly [Buffer, number])[] = []

  constructor(folder: string, options: UnpackOptions) {
    this.#folder = folder
    this.#options = options
  }

  add(header: TarHeader, source: Source): void {
    const path = this.#pathOf(header.name)
    if (path === '' || this.#options.without?.has(path)) return source.skip(header.size)
    this.#makeParents(path)
    const known = this.entries.get(path)
    if (known === 'directory' && header.type === 'directory') return
    if (known !== undefined) throw new TarError(`${JSON.stringify(path)} twice`)
    this.entries.set(path, header.type)
    this.#make(path, header, source)
  }

  finish(): void {
    for (const [path, mtime] of this.#times.toReversed()) utimesSync(path, mtime, mtime)
  }

  #make(path: string, header: TarHeader, source: Source): void {
    const at = this.#on(path)
    if (header.type === 'directory') {
      this.#makeDirectory(at)
      this.#times.push([at, header.mtime])
    } else if (header.type === 'symlink') {
      symlinkSync(Buffer.from(header.linkname, 'latin1'), at)
      if (this.#options.owner !== 0) lchownSync(at, this.#options.owner, this.#options.owner)
      lutimesSync(at, header.mtime, header.mtime)
    } else if (header.type === 'hardlink') {
      const target = this.#pathOf(header.linkname)
      if (this.entries.get(target) !== 'file' && this.entries.get(target) !== 'hardlink')
        throw new TarError(`${JSON.stringify(path)}, a hard link to something that is not a file`)
      linkSync(this.#on(target), at)
    } else {
      this.#writeFile(at, header, source)
    }
  }

  #writeFile(at: Buffer, header: TarHeader, source: Source): void {
    const fd = openSync(at, newFile, header.executable ? 0o755 : 0o644)
    try {
      for (let left = header.size; left > 0;) {
        const bytes = source.some(left)
        for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
        left -= bytes.length
      }
      futimesSync(fd, header.mtime, header.mtime)
    } finally {
      closeSync(fd)
    }
    if (this.#options.owner !== 0) chownSync(at, this.#options.owner, this.#options.owner)
  }

  #makeDirectory(at: Buffer): void {
    mkdirSync(at, 0o755)
    if (this.#options.owner !== 0) chownSync(at, this.#options.owner, this.#options.owner)
  }

  #makeParents(path: string): void {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash)
      const type = this.entries.get(parent)
      if (type === undefined) {
        this.#makeDirectory(this.#on(parent))
        this.entries.set(parent, 'directory')
      } else if (type !== 'directory') {
        throw new TarError(`${JSON.stringify(path)} below a ${type}`)
      }
    }
  }

  #pathOf(name: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.')
    if (name.startsWith('/') || parts.includes('..') || name.includes('\0'))
      throw new TarError(`the unsafe name ${JSON.stringify(name)}`)
    return parts.join('/')
  }

  #on(path: string): Buffer {
    return Buffer.from(`${this.#folder}/${path}`, 'latin1')
  }
}
