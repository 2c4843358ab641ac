import { forEach } from './each.ts'
import type { LockEntry, MaterialsLock, NpmEntry } from './lock/lock.ts'
import { openSupply, type SupplyOptions } from './npm/supply.ts'
import type { Provenience } from './npm/obtain.ts'
import type { Storage } from './workspace.ts'

/** A locked input whose verified bytes lie in the blob store. */
export interface Material {
  readonly entry: LockEntry
  readonly sha256: string
  readonly size: number
  /** Where the bytes lie on the host. Who uses them hashes them again. */
  readonly path: string
  /** Where the bytes came from this time, and how (MAT-35). */
  readonly provenience: Provenience
}

/** One more material is there. */
export interface Progress {
  readonly id: string
  readonly done: number
  readonly total: number
  readonly size: number
  readonly provenience: Provenience
}

/** What `fetchMaterials` needs, and how the machine's registries are reached. */
export interface FetchMaterialsOptions extends Storage, SupplyOptions {
  readonly onProgress?: (progress: Progress) => void
}

/** How many downloads run at a time. */
export const fetchWidth = 16

/**
 * Brings every locked npm package (dependencies and toolchains) into the blob store, verified against both digests of
 * the lock, and says where each lies. Touches no network, and does not even ask npm for its configuration, when all is
 * there. The packages of a pinned root are fetched by `pinnedRoot`.
 *
 * @throws SallyportError MATERIAL_*, NPM_CONFIG
 */
export async function fetchMaterials(
  lock: MaterialsLock,
  options: FetchMaterialsOptions,
): Promise<readonly Material[]> {
  const entries = lock.entries.filter((entry): entry is NpmEntry => entry.type === 'npm')
  const supply = openSupply(options, options)
  let done = 0
  try {
    return await forEach(entries, fetchWidth, async (entry) => {
      const { sha256, size, provenience } = await supply.obtain({ ...entry, locked: entry })
      done += 1
      options.onProgress?.({ id: entry.id, done, total: entries.length, size, provenience })
      return { entry, sha256, size, path: options.blobs.path(sha256), provenience }
    })
  } finally {
    await supply.close()
  }
}
