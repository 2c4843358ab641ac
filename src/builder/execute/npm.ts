import { createReadStream } from 'node:fs'
import { quote } from '#error'
import { deriveNpm, parseMaterialsLock, readTar, type NpmEntry, type Storage } from '#materials'
import type { NpmPackage } from '#worker'
import { incomplete, type Input, type Plan } from '../definition/plan.ts'
import { blobOf } from './inputs.ts'

/**
 * What the registry inside the sandbox serves: the dependencies among the inputs, each as the native lock in the source
 * describes it. All of it comes from the inputs themselves, so a rebuild has the same registry as the build.
 */
export async function npmPackages(plan: Plan, storage: Storage): Promise<readonly NpmPackage[]> {
  const file = plan.lock.name
  const lock = parseMaterialsLock(await storage.blobs.read(plan.lock.sha256), { file })
  const manifests = await readManifests(plan, lock, storage)
  const packages: NpmPackage[] = []
  for (const input of plan.inputs.filter(({ roles }) => roles.includes('dependency'))) {
    const entry = lock.entries.find(
      (one): one is NpmEntry => one.type === 'npm' && one.id === input.name,
    )
    const manifest = manifests.get(input.name)
    if (entry === undefined || entry.sha256 !== input.sha256 || manifest === undefined)
      throw notLocked(input, entry)
    const { name, version, integrity } = entry
    packages.push({ name, version, integrity, manifest, tarball: await blobOf(input, storage) })
  }
  return packages
}

async function readManifests(
  plan: Plan,
  lock: ReturnType<typeof parseMaterialsLock>,
  storage: Storage,
): Promise<ReadonlyMap<string, NpmPackage['manifest']>> {
  const source = await blobOf(plan.source, storage)
  const files = await readFiles(source.path, new Set(lock.nativeLocks.map(({ path }) => path)))
  // Which scripts may run was settled when the lock was checked.
  const allowScripts = lock.entries.map(({ id }) => id.replace(/^npm:/, ''))
  const derived = [...files].flatMap(([path, bytes]) =>
    deriveNpm(bytes, { file: path, platform: lock.platform, allowScripts }),
  )
  return new Map(derived.map(({ id, manifest }) => [id, manifest]))
}

const maxLockBytes = 64 * 1024 ** 2

/** Some files of a tar archive. */
export async function readFiles(
  archive: string,
  paths: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const chunks = new Map<string, Uint8Array[]>()
  await readTar(createReadStream(archive) as AsyncIterable<Buffer>, {
    what: 'the source',
    onEntry: ({ kind, path, size }) => {
      if (kind !== 'file' || !paths.has(path) || size > maxLockBytes) return undefined
      const parts: Uint8Array[] = []
      chunks.set(path, parts)
      return (chunk) => parts.push(Buffer.from(chunk))
    },
  })
  return new Map([...chunks].map(([path, parts]) => [path, Buffer.concat(parts)]))
}

function notLocked(input: Input, entry: NpmEntry | undefined): Error {
  return incomplete(
    `resolvedDependencies ${quote(input.name)}`,
    `an entry of the lock and of a native lock with sha256 ${input.sha256}`,
    entry === undefined ? 'no such entry' : `sha256 ${entry.sha256}`,
  )
}
