import type { JsonObject } from '#document'
import type { Material } from '../fetch.ts'
import type { NpmPackage } from './derive.ts'

/** One version as the worker's loopback registry serves it. */
export interface NpmRegistryEntry {
  readonly name: string
  readonly version: string
  readonly integrity: string
  readonly tarball: { readonly path: string; readonly sha256: string; readonly size: number }
  /** The version's object in a packument, without `dist.tarball`. */
  readonly manifest: JsonObject
}

/**
 * What the worker's registry serves: exactly the dependencies of the native locks, with what those locks say of them.
 *
 * @param packages what `checkLock` (or `deriveNpm`) gave
 */
export function npmRegistryEntries(
  materials: readonly Material[],
  packages: readonly NpmPackage[],
): readonly NpmRegistryEntry[] {
  const manifests = new Map(packages.map(({ id, manifest }) => [id, manifest]))
  return materials.flatMap(({ entry, path, sha256, size }) => {
    const manifest = manifests.get(entry.id)
    if (entry.type !== 'npm' || !entry.roles.includes('dependency')) return []
    if (manifest === undefined) throw new TypeError(`no package of a native lock is ${entry.id}`)
    const { name, version, integrity } = entry
    return [{ name, version, integrity, tarball: { path, sha256, size }, manifest }]
  })
}
