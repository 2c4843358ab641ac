import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

/** Tarballs that were fetched, by the sha512 of their bytes, and what was known of each version then. */
export interface TarballStore {
  /** How many bytes there are with this digest, as far as is known. */
  sizeOf(sha512: string): number | undefined
  /** The bytes with this digest; what has other bytes by now is thrown away. */
  read(sha512: string): Promise<Uint8Array | undefined>
  /** The same bytes again, a piece at a time: somebody slow need not hold them all in memory. */
  stream(sha512: string): Promise<Readable | undefined>
  /** Keeps bytes; the oldest in use make room. What cannot be kept is fetched again. */
  keep(sha512: string, bytes: Uint8Array): Promise<void>
  /** What was remembered under a name; never believed more than an answer of the registry. */
  recall(name: string): Promise<Uint8Array | undefined>
  remember(name: string, bytes: Uint8Array): Promise<void>
}

const isDigest = /^[0-9a-f]{128}$/

/** Opens a folder that nobody else writes to. Half-written files of before are gone when it resolves. */
export async function openTarballStore(
  folder: string,
  { maxBytes, onError }: { readonly maxBytes: number; readonly onError: (error: unknown) => void },
): Promise<TarballStore> {
  const tarballs = join(folder, 'tarballs')
  const versions = join(folder, 'versions')
  for (const path of [tarballs, versions]) await mkdir(path, { recursive: true, mode: 0o700 })
  const sizes = await measure(tarballs)
  const known = await measure(versions)
  const quietly = async (deed: () => Promise<void>): Promise<void> => deed().catch(onError)
  return {
    sizeOf: (sha512) => sizes.get(sha512),
    async read(sha512) {
      const path = join(tarballs, checked(sha512))
      const bytes = await readIfThere(path)
      if (bytes === undefined) return undefined
      if (createHash('sha512').update(bytes).digest('hex') !== sha512) {
        sizes.delete(sha512)
        await quietly(() => rm(path, { force: true }))
        return undefined
      }
      touch(sizes, sha512, bytes.length)
      const now = new Date()
      await quietly(() => utimes(path, now, now))
      return bytes
    },
    async stream(sha512) {
      try {
        // Opened here: what makes room afterwards takes nothing from whoever reads.
        const file = await open(join(tarballs, checked(sha512)), 'r')
        return file.createReadStream()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async keep(sha512, bytes) {
      if (bytes.length > maxBytes / 4) return
      await quietly(async () => {
        await writeWhole(tarballs, checked(sha512), bytes)
        touch(sizes, sha512, bytes.length)
        await makeRoom(tarballs, sizes, maxBytes)
      })
    },
    recall: (name) => readIfThere(join(versions, fileOf(name))),
    async remember(name, bytes) {
      await quietly(async () => {
        await writeWhole(versions, fileOf(name), bytes)
        touch(known, fileOf(name), bytes.length)
        await makeRoom(versions, known, maxBytes / 4)
      })
    },
  }
}

function checked(sha512: string): string {
  if (!isDigest.test(sha512)) throw new TypeError('not a sha512')
  return sha512
}

function fileOf(name: string): string {
  return createHash('sha512').update(name).digest('hex')
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whoever reads sees all of it or nothing. */
async function writeWhole(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    await rename(temporary, join(folder, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** What is there, the one that was used least recently first. */
async function measure(folder: string): Promise<Map<string, number>> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name)
      if (isDigest.test(name)) {
        const { size, mtimeMs } = await stat(path)
        return [{ name, size, mtimeMs }]
      }
      await rm(path, { force: true, recursive: true })
      return []
    }),
  )
  const found = files.flat().toSorted((a, b) => a.mtimeMs - b.mtimeMs)
  return new Map(found.map(({ name, size }) => [name, size]))
}

function touch(sizes: Map<string, number>, name: string, size: number): void {
  sizes.delete(name)
  sizes.set(name, size)
}

async function makeRoom(folder: string, sizes: Map<string, number>, max: number): Promise<void> {
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  for (const [name, size] of sizes) {
    if (total <= max) return
    sizes.delete(name)
    total -= size
    await rm(join(folder, name), { force: true })
  }
}
