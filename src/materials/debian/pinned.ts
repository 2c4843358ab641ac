import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { quote, SallyportError, type Problem } from '#error'
import { forEach } from '../each.ts'
import { hashFile } from '../hash.ts'
import type { Material, Progress } from '../fetch.ts'
import { rootDigest, type DebEntry, type MaterialsLock } from '../lock/lock.ts'
import { openSpool } from '../tar/spool.ts'
import { recall, remember, withFolder, type Storage } from '../workspace.ts'
import { openArchive, type Archive, type ArchiveOptions } from './archive.ts'
import { assembleTree, type PackageTree } from './assemble.ts'
import { makeChain, recallChain, rememberChain, type ArchiveChain } from './chain.ts'
import { closureOf, universeOf, type DebPackage } from './closure.ts'
import { readDebControl, readDebTree } from './deb.ts'
import type { Root } from './root.ts'
import { rootRule } from './root-rule.ts'

export interface PinnedRootOptions extends Storage {
  readonly archive?: ArchiveOptions
  readonly onProgress?: (progress: Progress) => void
}

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
  const { chain, fetched } = await chainFor(debs, { digest, root }, options)
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

interface Wanted {
  readonly debs: readonly DebEntry[]
  readonly root: NonNullable<MaterialsLock['root']>
  readonly digest: string
}

async function chainFor(
  debs: readonly DebEntry[],
  { digest, root }: Omit<Wanted, 'debs'>,
  options: PinnedRootOptions,
): Promise<{ readonly chain: ArchiveChain; readonly fetched: ReadonlySet<string> }> {
  const known = await recallChain(options, digest)
  const present = await Promise.all(debs.map(({ sha256 }) => options.blobs.has(sha256)))
  const missing = debs.filter((_, index) => !present[index])
  if (known !== undefined && missing.length === 0) return { chain: known, fetched: new Set() }
  return withFolder(options.workspace, async (folder) => {
    const suites = [root.suite, `${root.suite}-updates`, `${root.suite}-security`]
    const archive = await openArchive(
      { suites, architecture: root.architecture, folder },
      options.archive ?? {},
    )
    const { chain, unlisted } = await makeChain(archive, debs, options)
    SallyportError.throwAll(unlisted.map(goneFromArchive))
    await fetchDebs(missing, archive, options)
    await rememberChain(options, digest, chain)
    return { chain, fetched: new Set(missing.map(({ sha256 }) => sha256)) }
  })
}

/** Downloads .debs with the archive's own apt into the blob store, each with the digest that is wanted. */
export async function fetchDebs(
  debs: readonly DebEntry[],
  archive: Archive,
  options: PinnedRootOptions,
): Promise<void> {
  if (debs.length === 0) return
  await withFolder(options.workspace, async (into) => {
    const names = debs.map(({ name, version, architecture }) =>
      architecture === 'all' ? `${name}=${version}` : `${name}:${architecture}=${version}`,
    )
    const { failure } = await archive.apt.download(names, into)
    const found = new Map<string, string>()
    for (const file of await readdir(into)) {
      const path = join(into, file)
      found.set((await hashFile(path)).sha256, path)
    }
    SallyportError.throwAll(
      debs.filter(({ sha256 }) => !found.has(sha256)).map((deb) => notFetched(deb, failure)),
    )
    for (const [index, { id, sha256, size }] of debs.entries()) {
      await options.blobs.putFile(found.get(sha256) ?? '', sha256)
      const provenience = { from: 'archive' } as const
      options.onProgress?.({ id, done: index + 1, total: debs.length, size, provenience })
    }
  })
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
  wanted: Wanted,
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
  wanted: Wanted,
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
function checkWhole(wanted: Wanted, controls: readonly DebPackage[]): void {
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

const renew = 'Run `sallyport lock --root`, review what changed, and commit the lock'

function otherPackage(deb: DebEntry, control: DebPackage | undefined): Problem {
  return {
    code: 'ROOT_PACKAGE_DAMAGED',
    where: deb.id,
    expected: `a package that says it is ${deb.name} ${deb.version} for ${deb.architecture}`,
    found: quote(`${control?.name} ${control?.version} for ${control?.architecture}`),
    fix: renew,
  }
}

function notNeeded(deb: DebEntry): Problem {
  return {
    code: 'LOCK_ENTRY_EXTRA',
    where: deb.id,
    expected: "only what the recipe's root.debian needs",
    found: 'a package that nothing needs',
    fix: renew,
  }
}

function goneFromArchive({ id, name, version, architecture, sha256 }: DebEntry): Problem {
  return {
    code: 'PINNED_ROOT_UNAVAILABLE',
    where: id,
    expected: `${name} ${version} for ${architecture} (sha256 ${sha256}) in an index that Debian signs today`,
    found: 'no index that lists it: the archive has moved on',
    fix: `${renew}; until then, run \`sallyport build --root measured\``,
  }
}

function notFetched(deb: DebEntry, failure: string | undefined): Problem {
  return {
    ...goneFromArchive(deb),
    found: failure === undefined ? 'other bytes under that name' : quote(failure, 300),
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
