import { quote, SallyportError, type Problem } from '#error'
import {
  checkLock,
  fetchMaterials,
  lintCommands,
  parseMaterialsLock,
  toTree,
  type FetchMaterialsOptions,
  type MaterialsLock,
  type NativeLock,
  type Storage,
  type StoredBlob,
} from '#materials'
import { fetchCommit, type AllowedSource, type SourceSnapshot } from '#source'
import type { Gathered } from './definition/define.ts'
import { evaluateRecipe } from './recipe/evaluate.ts'
import { parseRecipe } from './recipe/parse.ts'
import type { Recipe } from './recipe/schema.ts'
import type { SettledRequest } from './request.ts'
import { readManifest } from './manifest.ts'
import { obtainRoot, type RootOptions } from './root.ts'

export interface GatherOptions {
  /** `pinned` is never replaced by `measured` here: whoever asked decides. */
  readonly root: RootOptions
  /** The builder's own list of repositories and refs; without one, any may be built. */
  readonly allowedSources?: readonly AllowedSource[]
  /**
   * What `#source` has fetched already in this process. It is used only when it is exactly what is asked for, and never
   * when the builder has a list of its own: then the list is checked before anything is contacted.
   */
  readonly fetched?: SourceSnapshot
  /** How packages are reached; default is what this machine's npm is configured to. */
  readonly materials?: Omit<FetchMaterialsOptions, keyof Storage>
  /** Told of the commit, its recipe and its lock, before anything else is fetched. */
  readonly onInstructions?: (instructions: Instructions) => void
}

/** A commit's recipe and lock, held against each other: all that is decided before anything else is fetched. */
export interface Instructions {
  readonly source: SourceSnapshot
  readonly recipe: Recipe
  readonly recipeBytes: Uint8Array
  readonly lock: MaterialsLock
  readonly lockBytes: Uint8Array
}

/**
 * Fetches everything that a build needs, verified, into the blob store: source first, then what recipe and lock of that
 * commit ask for. No code of the source runs, and nothing is taken from a working copy.
 *
 * @throws SallyportError SOURCE_…, RECIPE_…, BUILD_…, LOCK_…, NPM_…, MATERIAL_…, ROOT_…
 */
export async function gather(
  request: SettledRequest,
  options: GatherOptions,
  storage: Storage,
): Promise<Gathered & { readonly findings: readonly Problem[] }> {
  const source = await fetchSource(request, options, storage)
  const instructions = await readInstructions(request, source)
  options.onInstructions?.(instructions)
  const { recipe, lock } = instructions
  const evaluated = evaluateRecipe(recipe, request.parameters)
  const [materials, root] = await both(
    fetchMaterials(lock, { ...options.materials, ...storage }),
    obtainRoot(options.root, { recipe, lock }, storage),
  )
  const trees = new Map<string, StoredBlob>()
  for (const { material } of recipe.toolchains) {
    const found = materials.find(({ entry }) => entry.id === material)
    if (found !== undefined) trees.set(material, await toTree(found, storage))
  }
  return {
    request,
    source,
    recipe,
    evaluated,
    recipeBlob: await storage.blobs.put(instructions.recipeBytes),
    lockBlob: await storage.blobs.put(instructions.lockBytes),
    root,
    materials,
    trees,
    findings: await lint(instructions, request.recipePath),
  }
}

/** Waits for both, also when one has failed: nothing is still being fetched when the failure is told. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

async function fetchSource(
  request: SettledRequest,
  options: GatherOptions,
  storage: Storage,
): Promise<SourceSnapshot> {
  const { repository, revision, ref } = request
  const { allowedSources, fetched } = options
  const isAsked =
    fetched?.uri === repository &&
    fetched.commit === revision &&
    (ref === undefined || fetched.refs.includes(ref))
  if (fetched !== undefined && isAsked && allowedSources === undefined) return fetched
  return fetchCommit({
    repository,
    revision,
    ...(ref === undefined ? {} : { refs: [ref] }),
    ...(allowedSources === undefined ? {} : { allowed: allowedSources }),
    workspace: storage.workspace,
    blobs: storage.blobs,
  })
}

/** Reads recipe and lock from the commit, and holds each against what it speaks of. */
export async function readInstructions(
  { recipePath }: Pick<SettledRequest, 'recipePath'>,
  source: SourceSnapshot,
): Promise<Instructions> {
  const recipeBytes = await source.file(recipePath)
  if (recipeBytes === undefined) throw noRecipe(recipePath, source)
  const recipe = parseRecipe(recipeBytes, { file: recipePath })
  SallyportError.throwAll(checkPlatform(recipe, recipePath))
  const lockBytes = await source.file(recipe.lock)
  if (lockBytes === undefined) throw noLock(recipe, recipePath, source)
  const lock = parseMaterialsLock(lockBytes, { file: recipe.lock })
  checkLock(lock, {
    file: recipe.lock,
    platform: recipe.platform,
    nativeLocks: await nativeLocks(lock, source),
    toolchains: recipe.toolchains.map(({ material }) => material),
    debian: lock.root === undefined ? [] : recipe.root.debian,
    allowScripts: recipe.steps.flatMap(({ scripts = [] }) => scripts),
  })
  return { source, recipe, recipeBytes, lock, lockBytes }
}

// Where a package manager looks by itself: a lock at one of these places counts although the materials lock is silent.
const usualLocks = ['package-lock.json', 'npm-shrinkwrap.json'] as const

async function nativeLocks(lock: MaterialsLock, source: SourceSnapshot): Promise<NativeLock[]> {
  const paths = [...new Set([...lock.nativeLocks.map(({ path }) => path), ...usualLocks])].sort()
  const found: NativeLock[] = []
  for (const path of paths) {
    const bytes = await source.file(path)
    if (bytes !== undefined) found.push({ path, bytes })
  }
  return found
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

function checkPlatform(recipe: Recipe, file: string): Problem[] {
  const here = `${process.platform}/${architectures[process.arch] ?? process.arch}`
  if (recipe.platform === here) return []
  return [
    {
      code: 'RECIPE_PLATFORM',
      where: `${file}: platform`,
      expected: `${quote(here)}, this machine`,
      found: quote(recipe.platform),
      fix: `Build it on a machine with ${recipe.platform}`,
    },
  ]
}

/** What a reviewer should look at in the commands, those of package.json included. The sandbox holds whatever they do. */
async function lint({ recipe, source }: Instructions, file: string): Promise<readonly Problem[]> {
  const manifest = await readManifest(source)
  return recipe.steps.flatMap((step, index) =>
    lintCommands(step.run, manifest.scripts).map((finding) => ({
      ...finding,
      where: `${file}: steps[${index}].${finding.where ?? 'run'}`,
    })),
  )
}

function noRecipe(path: string, source: SourceSnapshot): SallyportError {
  return new SallyportError({
    code: 'RECIPE_MISSING',
    where: `${quote(source.uri)} commit ${source.commit}`,
    expected: `the recipe ${quote(path)}`,
    found: 'no such file',
    fix: `Commit a recipe as ${path} (docs/buildtypes/recipe-v1.md says what it holds), or name the one that is there`,
  })
}

function noLock(recipe: Recipe, file: string, source: SourceSnapshot): SallyportError {
  return new SallyportError({
    code: 'BUILD_LOCK_MISSING',
    where: `${quote(source.uri)} commit ${source.commit}`,
    expected: `the materials lock ${quote(recipe.lock)}, which ${file} names`,
    found: 'no such file',
    fix: `Run \`sallyport lock\`, review ${recipe.lock}, and commit it`,
  })
}
