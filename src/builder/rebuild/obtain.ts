import { sha256Hex } from '#document'
import { quote, SallyportError } from '#error'
import {
  assembleRoot,
  fetchMaterials,
  measureRoot,
  parseMaterialsLock,
  pinnedRoot,
  type DebEntry,
  type MaterialsLock,
  type Storage,
} from '#materials'
import { fetchCommit } from '#source'
import { incomplete, type Input, type Plan } from '../definition/plan.ts'
import { readFiles } from '../execute/npm.ts'
import { parseRecipe } from '../recipe/parse.ts'
import type { Recipe } from '../recipe/schema.ts'
import type { GatherOptions } from '../gather.ts'

export interface ObtainOptions {
  /** Whether what is not in the blob store may be fetched from where the provenance says; it has the digest or is refused. */
  readonly fetch: boolean
  readonly materials?: GatherOptions['materials']
  readonly archive?: Extract<GatherOptions['root'], { kind: 'pinned' }>['archive']
}

export interface Obtained {
  readonly recipe: Recipe
  readonly lock: MaterialsLock
}

/**
 * Brings every input that a definition names into the blob store, by digest. Recipe and lock must be those of the source
 * commit, and the packages those of the lock: provenance that names others, or leaves one out, is refused.
 */
export async function obtainInputs(
  plan: Plan,
  options: ObtainOptions,
  storage: Storage,
): Promise<Obtained> {
  await obtainSource(plan, options, storage)
  const { recipe, lock } = await readFromSource(plan, storage)
  checkPackages(plan, lock)
  await obtainPackages(plan, lock, options, storage)
  await obtainRoot(plan, { recipe, lock }, options, storage)
  return { recipe, lock }
}

async function obtainSource({ source, request }: Plan, options: ObtainOptions, storage: Storage) {
  if (await storage.blobs.has(source.sha256)) return
  if (!options.fetch) throw notThere(source)
  const commit = source.descriptor.digest?.['gitCommit'] ?? ''
  const { repository } = request
  const snapshot = await fetchCommit({ repository, revision: commit, ...storage })
  if (snapshot.archive.sha256 !== source.sha256) throw otherBytes(source, snapshot.archive.sha256)
}

/** The recipe and the lock are read from the source itself: what the provenance says of them is only compared. */
async function readFromSource(plan: Plan, storage: Storage): Promise<Obtained> {
  const { recipePath } = plan.request
  const archive = storage.blobs.path(plan.source.sha256)
  const recipeBytes = (await readFiles(archive, new Set([recipePath]))).get(recipePath)
  const recipe = parseRecipe(same(plan.recipe, recipeBytes, recipePath), { file: recipePath })
  const lockBytes = (await readFiles(archive, new Set([recipe.lock]))).get(recipe.lock)
  const lock = parseMaterialsLock(same(plan.lock, lockBytes, recipe.lock), { file: recipe.lock })
  for (const bytes of [recipeBytes, lockBytes])
    if (bytes !== undefined) await storage.blobs.put(bytes)
  return { recipe, lock }
}

function same(input: Input, bytes: Uint8Array | undefined, path: string): Uint8Array {
  if (bytes === undefined)
    throw contradiction(input.name, `the file ${quote(path)} in the source`, 'no such file')
  const found = sha256Hex(bytes)
  if (found === input.sha256) return bytes
  throw contradiction(input.name, `sha256 ${input.sha256}`, `sha256 ${found} in the source commit`)
}

/** The lock's packages are the provenance's packages, in both directions. */
function checkPackages(plan: Plan, lock: MaterialsLock): void {
  const pinned = plan.planned.sallyport_sandbox.root === 'pinned'
  const wanted = lock.entries
    .filter(({ type }) => type === 'npm' || pinned)
    .map(({ id, sha256 }) => `${id} ${sha256}`)
  const listed = plan.inputs
    .filter(({ roles }) =>
      roles.some((role) => isPackage(role) || (pinned && role === 'root-package')),
    )
    .map(({ name, sha256 }) => `${name} ${sha256}`)
  const missing = wanted.find((one) => !listed.includes(one))
  if (missing !== undefined)
    throw incomplete(
      'resolvedDependencies',
      `${quote(missing)}, as the lock has it`,
      'no such input',
    )
  const extra = listed.find((one) => !wanted.includes(one))
  if (extra === undefined) return
  throw contradiction('resolvedDependencies', 'only packages that the lock has', quote(extra))
}

function isPackage(role: string): boolean {
  return role === 'dependency' || role === 'toolchain'
}

async function obtainPackages(
  plan: Plan,
  lock: MaterialsLock,
  options: ObtainOptions,
  storage: Storage,
): Promise<void> {
  for (const input of plan.inputs.filter(({ roles }) => roles.some(isPackage)))
    if (!options.fetch && !(await storage.blobs.has(input.sha256))) throw notThere(input)
  await fetchMaterials(lock, { ...options.materials, ...storage })
}

/** A pinned root is made again from its packages; a measured one only where the same files are installed. */
async function obtainRoot(
  plan: Plan,
  { recipe, lock }: Obtained,
  options: ObtainOptions,
  storage: Storage,
): Promise<void> {
  const { root } = plan
  if (await storage.blobs.has(root.sha256)) return
  const made = await makeRoot(plan, { recipe, lock }, options, storage)
  if (made !== root.sha256) throw otherBytes(root, made)
}

async function makeRoot(
  { planned, root, inputs }: Plan,
  { recipe, lock }: Obtained,
  options: ObtainOptions,
  storage: Storage,
): Promise<string> {
  if (planned.sallyport_sandbox.root === 'measured') {
    if (!options.fetch) throw notThere(root)
    const { platform } = recipe
    return (await measureRoot(recipe.root.debian, { platform, ...storage })).tar.sha256
  }
  const packages = inputs.filter(({ roles }) => roles.includes('root-package'))
  const present = await Promise.all(packages.map(({ sha256 }) => storage.blobs.has(sha256)))
  if (present.every(Boolean) && lock.root !== undefined) {
    const debs = lock.entries.filter((entry): entry is DebEntry => entry.type === 'deb')
    const wanted = {
      debs,
      root: lock.root,
      digest: sha256Hex(debs.map(({ id, sha256 }) => `${id} ${sha256}\n`).join('')),
    }
    return (await assembleRoot(wanted, storage)).tar.sha256
  }
  if (!options.fetch) throw notThere(root)
  const { archive } = options
  return (await pinnedRoot(lock, { ...(archive === undefined ? {} : { archive }), ...storage })).tar
    .sha256
}

function notThere({ name, sha256 }: Input): SallyportError {
  return new SallyportError({
    code: 'BUILD_MATERIAL_MISSING',
    where: quote(name),
    expected: `the blob sha256 ${sha256} in the store`,
    found: 'no such blob, and fetching is off',
    fix: 'Put the blob into the store, or rebuild with the network',
  })
}

function otherBytes(input: Input, found: string): SallyportError {
  return new SallyportError({
    code: 'REBUILD_INCOMPLETE',
    where: quote(input.name),
    expected: `sha256 ${input.sha256} from ${quote(input.uri)}`,
    found: `sha256 ${found}`,
    fix: `Get the blob ${input.sha256} from who built it, and put it into the store`,
  })
}

export function contradiction(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'REBUILD_CONTRADICTION',
    where,
    expected,
    found,
    fix: 'Refuse this provenance, and ask who signed it how it came about',
  })
}
