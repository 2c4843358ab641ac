import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { quote, SallyportError, type Problem } from '#error'
import type { StoredBlob } from '../blob-store.ts'
import { hashFile, openHashes, type Digests } from '../hash.ts'
import { recall, remember, withFolder, type Storage } from '../workspace.ts'
import { integrityOf, sha512Of } from './integrity.ts'
import type { Registry } from './registry.ts'
import type { Transport } from './http.ts'

/** Where verified bytes came from. */
export type Provenience =
  | { readonly from: 'store' }
  | { readonly from: 'archive' }
  | { readonly from: 'npm-cache' }
  | ({ readonly from: 'registry' } & Transport)

export interface WantedTarball {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly integrity: string
  /** Known from the materials lock; unknown when the lock is being made. */
  readonly locked?: StoredBlob
}

export interface Obtained extends StoredBlob {
  readonly provenience: Provenience
}

// Without a lock nothing says how large a package may be; the largest of the public registry are below this.
const largestUnlocked = 2 * 1024 ** 3

/**
 * Gets a tarball into the blob store: from the store itself, from npm's cache, or from the registry. Wherever from, the
 * bytes have the SHA-512 of the native lock and the SHA-256 and size of the materials lock, or they do not get in.
 *
 * @throws SallyportError MATERIAL_ALTERED, MATERIAL_UNAVAILABLE
 */
export async function obtainTarball(
  wanted: WantedTarball,
  storage: Storage,
  registry: () => Promise<Registry>,
  cache: () => Promise<string | undefined>,
): Promise<Obtained> {
  const stored = await fromStore(wanted, storage)
  if (stored !== undefined) return { ...stored, provenience: { from: 'store' } }
  return withFolder(storage.workspace, async (folder) => {
    const path = join(folder, 'tarball')
    const cached = await fromCache(wanted, await cache(), path)
    const taken = cached ?? (await fromRegistry(wanted, await registry(), path))
    verify(wanted, taken)
    const blob = await storage.blobs.putFile(path, taken.sha256)
    await noteIntegrity(storage, blob.sha256, wanted.integrity)
    return { ...blob, provenience: taken.provenience }
  })
}

interface Taken extends Digests {
  readonly provenience: Provenience
}

/** The store knows content by SHA-256 only; that it is also what the native lock means has to be seen once. */
async function fromStore(wanted: WantedTarball, storage: Storage): Promise<StoredBlob | undefined> {
  const { locked } = wanted
  if (locked === undefined || !(await storage.blobs.has(locked.sha256))) return undefined
  const known = await recall(storage.workspace, 'integrity', locked.sha256, z.string())
  if (known !== wanted.integrity) {
    const path = storage.blobs.path(locked.sha256)
    const found = await hashFile(path)
    verify(wanted, { ...found, provenience: { from: 'store' } })
    await noteIntegrity(storage, locked.sha256, wanted.integrity)
  }
  return locked
}

async function noteIntegrity(storage: Storage, sha256: string, integrity: string): Promise<void> {
  await remember(storage.workspace, 'integrity', sha256, integrity)
}

/** npm's cache names content by its SHA-512; whatever else may write there, the bytes are hashed here. */
async function fromCache(
  wanted: WantedTarball,
  cache: string | undefined,
  path: string,
): Promise<Taken | undefined> {
  const hex = sha512Of(wanted.integrity)
  if (cache === undefined || hex === undefined) return undefined
  const content = [hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)].join('/')
  const source = await open(
    join(cache, '_cacache/content-v2/sha512', content),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  ).catch(() => undefined)
  if (source === undefined) return undefined
  try {
    if (!(await source.stat()).isFile()) return undefined
    const chunks = source.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>
    const copied = await copyHashing(chunks, path, limitOf(wanted))
    if (copied !== undefined && copied.sha512 === hex)
      return { ...copied, provenience: { from: 'npm-cache' } }
  } finally {
    await source.close()
  }
  // A damaged cache entry is as good as none: the registry is asked.
  await rm(path, { force: true })
  return undefined
}

async function fromRegistry(
  wanted: WantedTarball,
  registry: Registry,
  path: string,
): Promise<Taken> {
  return registry.tarball(wanted, async (body, transport) => {
    await rm(path, { force: true })
    const copied = await copyHashing(body, path, limitOf(wanted))
    if (copied === undefined) throw tooLong(wanted)
    return { ...copied, provenience: { from: 'registry', ...transport } }
  })
}

function limitOf(wanted: WantedTarball): number {
  return wanted.locked?.size ?? largestUnlocked
}

/** Copies to a new file; undefined when there is more than allowed. */
async function copyHashing(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  limit: number,
): Promise<Digests | undefined> {
  const file = await open(path, 'wx', 0o600)
  const hashes = openHashes()
  try {
    for await (const chunk of chunks) {
      if (hashes.size + chunk.length > limit) return undefined
      hashes.update(chunk)
      await writeWhole(file, chunk)
    }
  } finally {
    await file.close()
  }
  return hashes.digest()
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;)
    done += (await file.write(chunk, done, chunk.length - done)).bytesWritten
}

function verify(wanted: WantedTarball, taken: Taken): void {
  const { locked } = wanted
  const found: Problem[] = []
  if (sha512Of(wanted.integrity) !== taken.sha512)
    found.push(altered(wanted, wanted.integrity, integrityOf(taken.sha512), taken))
  if (locked !== undefined && locked.sha256 !== taken.sha256)
    found.push(altered(wanted, `sha256 ${locked.sha256}`, `sha256 ${taken.sha256}`, taken))
  if (locked !== undefined && locked.size !== taken.size)
    found.push(altered(wanted, `${locked.size} bytes`, `${taken.size} bytes`, taken))
  SallyportError.throwAll(found)
}

function altered(wanted: WantedTarball, expected: string, found: string, taken: Taken): Problem {
  const { provenience } = taken
  const place =
    provenience.from === 'registry' ? quote(provenience.origin) : `the ${provenience.from}`
  return {
    code: 'MATERIAL_ALTERED',
    where: `${wanted.id} from ${place}`,
    expected,
    found,
    fix: `Find out whether the lock or ${place} was changed; if the lock is wrong, run \`sallyport lock\` and review the difference`,
  }
}

function tooLong(wanted: WantedTarball): SallyportError {
  return new SallyportError({
    code: 'MATERIAL_ALTERED',
    where: wanted.id,
    expected: `at most ${limitOf(wanted)} bytes`,
    found: 'more',
    fix: 'Find out what the registry gives; if the lock is wrong, run `sallyport lock` and review the difference',
  })
}
