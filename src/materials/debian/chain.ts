import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { recall, remember, withFolder, type Storage } from '../workspace.ts'
import type { Archive } from './archive.ts'
import type { DebEntry } from '../lock/lock.ts'

const releaseSchema = z.strictObject({
  origin: z.string(),
  suite: z.string(),
  codename: z.string(),
  version: z.string(),
  date: z.string(),
  inRelease: z.strictObject({ sha256: z.string(), size: z.number() }),
  signers: z.array(z.string()),
})

const chainSchema = z.strictObject({
  releases: z.array(releaseSchema),
  debs: z.record(
    z.string(),
    z.strictObject({ release: z.number(), index: z.string(), indexSha256: z.string() }),
  ),
})

/**
 * How each locked .deb was followed from an archive's signature: which signed release (kept in the blob store) lists
 * which index, and that index the .deb. Found once per set of packages.
 */
export type ArchiveChain = z.infer<typeof chainSchema>

export async function recallChain(
  storage: Storage,
  digest: string,
): Promise<ArchiveChain | undefined> {
  return recall(storage.workspace, 'archive-chain', digest, chainSchema)
}

/** Follows every .deb to a signed release; those that no index lists any more are left out. */
export async function makeChain(
  archive: Archive,
  debs: readonly DebEntry[],
  storage: Storage,
): Promise<{ readonly chain: ArchiveChain; readonly unlisted: readonly DebEntry[] }> {
  const inReleases = await keepReleases(archive, storage)
  const distinct = [...new Set(archive.indexes.map(({ release }) => release))]
  const unlisted: DebEntry[] = []
  const links: ArchiveChain['debs'] = {}
  for (const deb of debs) {
    const index = archive.indexes.find(({ packages }) =>
      isListed(packages.withDigest(deb.sha256), deb),
    )
    if (index === undefined) unlisted.push(deb)
    else
      links[deb.sha256] = {
        release: distinct.indexOf(index.release),
        index: index.path,
        indexSha256: index.sha256,
      }
  }
  const releases = distinct.map(({ origin, suite, codename, version, date, sha256, signers }) => ({
    origin,
    suite,
    codename,
    version,
    date,
    inRelease: { sha256, size: inReleases.get(sha256) ?? 0 },
    signers: [...signers],
  }))
  return { chain: { releases, debs: links }, unlisted }
}

export async function rememberChain(
  storage: Storage,
  digest: string,
  chain: ArchiveChain,
): Promise<void> {
  await remember(storage.workspace, 'archive-chain', digest, chain)
}

async function keepReleases(
  archive: Archive,
  storage: Storage,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (const file of archive.releaseFiles) {
    await withFolder(storage.workspace, async (folder) => {
      await mkdir(folder, { recursive: true })
      const copy = join(folder, 'InRelease')
      await copyFile(file, copy)
      const { sha256, size } = await storage.blobs.putFile(copy)
      sizes.set(sha256, size)
    })
  }
  return sizes
}

function isListed(
  found: { name: string; version: string; architecture: string; size: number } | undefined,
  deb: DebEntry,
): boolean {
  return (
    found !== undefined &&
    found.name === deb.name &&
    found.version === deb.version &&
    found.architecture === deb.architecture &&
    found.size === deb.size
  )
}
