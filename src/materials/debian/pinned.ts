import { z } from 'zod'
import { quote, SallyportError, type Problem } from '#error'
import { forEach } from '../each.ts'
import { hashFile } from '../hash.ts'
import type { Material } from '../fetch.ts'
import { rootDigest, type DebEntry, type MaterialsLock } from '../lock/lock.ts'
import { openSpool } from '../tar/spool.ts'
import { recall, remember, withFolder, type Storage } from '../workspace.ts'
import { assembleTree, type PackageTree } from './assemble.ts'
import { closureOf, universeOf, type DebPackage } from './closure.ts'
import { readDebControl, readDebTree } from './deb.ts'
import { followToArchive, renewRoot, type LockedDebs, type PinnedRootOptions } from './follow.ts'
import type { Root } from './root.ts'
import { rootRule } from './root-rule.ts'

/**
 * Makes the system root from the locked Debian packages. Every .deb has the SHA-256 of the lock, and an index that
 * Debian's archive signed lists that very digest; both are seen once and kept, so that the same root can be made again
 * without any network. The packages' own dependencies must be satisfied by the lock, and nothing else may be in it.
 *
 * @throws SallyportError PINNED_ROOT_UNAVAILABLE, ROOT_*, MATERIAL_ALTERED, LOCK_ROOT
 */
export async function pinnedRoot(lock: MaterialsLock, options: PinnedRootOptions): Promise<Root> {
  const debs = lock.entries.filter((entry): entry is DebEntry => entry.type === 'deb')
  const { root } = lock
  if (root === undefined || debs.length === 0) throw noRoot()
  const digest = rootDigest(lock)
  const { chain, fetched } = await followToArchive({ debs, root, digest }, options)
  const materials = debs.map((entry): Material => {
    const { sha256, size } = entry
    const provenience = fetched.has(sha256)
      ? ({ from: 'archive' } as const)
      : ({ from: 'store' } as const)
    return { entry, sha256, size, path: options.blobs.path(sha256), provenience }
  })
  const made = await assembleRoot({ debs, root, digest }, options)
  return { kind: 'pinned', ...made, rule: rootRule, materials, archive: chain }
}

// Raised when the same packages would give another root.
const rootVersion = 2

const noteSchema = z.strictObject({
  tar: z.strictObject({ sha256: z.string(), size: z.number() }),
  manifest: z.strictObject({ sha256: z.string(), size: z.number() }),
})

/**
 * Unpacks locked .debs that lie in the blob store into one root. Whether Debian's archive vouches for them is not asked
 * here: a rebuild, which has their digests from a signed statement, uses this alone.
 */
export async function assembleRoot(
  wanted: LockedDebs,
  storage: Storage,
): Promise<Pick<Root, 'tar' | 'manifest' | 'packages'>> {
  const packages = wanted.debs.map(({ name, version, architecture, purl, sha256 }) => ({
    name,
    version,
    architecture,
    purl,
    sha256,
  }))
  const key = `${rootVersion}-${wanted.digest}`
  const known = await recall(storage.workspace, 'root', key, noteSchema)
  if (known !== undefined && (await bothThere(known, storage))) return { ...known, packages }
  const made = await unpack(wanted, storage)
  const note = { tar: { ...made.tar }, manifest: { ...made.manifest } }
  await remember(storage.workspace, 'root', key, note)
  return { ...note, packages }
}

async function bothThere(known: z.infer<typeof noteSchema>, { blobs }: Storage): Promise<boolean> {
  return (await blobs.has(known.tar.sha256)) && (await blobs.has(known.manifest.sha256))
}

async function unpack(
  wanted: LockedDebs,
  storage: Storage,
): Promise<Awaited<ReturnType<typeof assembleTree>>> {
  return withFolder(storage.workspace, async (folder) => {
    const { architecture } = wanted.root
    const controls = await forEach(wanted.debs, 4, async (deb) => {
      const path = storage.blobs.path(deb.sha256)
      await checkDeb(deb, path)
      return readDebControl(path, architecture, folder)
    })
    checkWhole(wanted, controls)
    const spool = openSpool(folder)
    try {
      const trees: PackageTree[] = []
      for (const { id, name, sha256 } of wanted.debs) {
        const path = storage.blobs.path(sha256)
        trees.push({ name, entries: await readDebTree(path, { what: id, spool, folder }) })
      }
      return await assembleTree(trees, storage)
    } finally {
      spool.close()
    }
  })
}

/** The store is not believed either: a .deb is hashed again before dpkg-deb reads it. */
async function checkDeb(deb: DebEntry, path: string): Promise<void> {
  const found = await hashFile(path)
  if (found.sha256 === deb.sha256 && found.size === deb.size) return
  throw new SallyportError({
    code: 'MATERIAL_ALTERED',
    where: deb.id,
    expected: `sha256 ${deb.sha256}, ${deb.size} bytes`,
    found: `sha256 ${found.sha256}, ${found.size} bytes`,
    fix: `Remove ${quote(path)} and find out who writes to the blob store; it will be fetched again`,
  })
}

/** What the packages say they need is what the lock has: no less, no more. */
function checkWhole(wanted: LockedDebs, controls: readonly DebPackage[]): void {
  const problems: Problem[] = []
  for (const [index, deb] of wanted.debs.entries()) {
    const control = controls[index]
    if (
      control?.name !== deb.name ||
      control.version !== deb.version ||
      control.architecture !== deb.architecture
    )
      problems.push(otherPackage(deb, control))
  }
  SallyportError.throwAll(problems)
  const whole = closureOf(wanted.root.debian, universeOf(controls, 'the materials lock'))
  const needed = new Set(whole.map(({ name }) => name))
  SallyportError.throwAll(wanted.debs.filter(({ name }) => !needed.has(name)).map(notNeeded))
}

function otherPackage(deb: DebEntry, control: DebPackage | undefined): Problem {
  return {
    code: 'ROOT_PACKAGE_DAMAGED',
    where: deb.id,
    expected: `a package that says it is ${deb.name} ${deb.version} for ${deb.architecture}`,
    found: quote(`${control?.name} ${control?.version} for ${control?.architecture}`),
    fix: renewRoot,
  }
}

function notNeeded(deb: DebEntry): Problem {
  return {
    code: 'LOCK_ENTRY_EXTRA',
    where: deb.id,
    expected: "only what the recipe's root.debian needs",
    found: 'a package that nothing needs',
    fix: renewRoot,
  }
}

function noRoot(): SallyportError {
  return new SallyportError({
    code: 'LOCK_ROOT',
    where: 'root',
    expected: 'locked Debian packages',
    found: 'none',
    fix: 'Add "root": {"debian": [...]} to the recipe and run `sallyport lock --root`',
  })
}
