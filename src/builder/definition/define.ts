import type { BuildDefinition, ResourceDescriptor } from '#attestation'
import type { Json, JsonObject } from '#document'
import type { Material, Root, StoredBlob } from '#materials'
import { provenanceFormat, recipeBuildType } from '#signer'
import type { SourceSnapshot } from '#source'
import type { EvaluatedRecipe } from '../recipe/evaluate.ts'
import type { Recipe } from '../recipe/schema.ts'
import { externalParametersOf, type SettledRequest } from '../request.ts'
import { environmentOf, stepEnvironment } from './environment.ts'
import { limitsOf } from './limits.ts'
import type { InputRole } from './plan.ts'

/** Everything the orchestrator fetched and checked before a build, from which its definition is made. */
export interface Gathered {
  readonly request: SettledRequest
  readonly source: SourceSnapshot
  readonly recipe: Recipe
  readonly evaluated: EvaluatedRecipe
  readonly recipeBlob: StoredBlob
  readonly lockBlob: StoredBlob
  readonly root: Root
  /** The npm packages of the lock, verified. */
  readonly materials: readonly Material[]
  /** By material id: the tree that is mounted for a toolchain. */
  readonly trees: ReadonlyMap<string, StoredBlob>
}

/**
 * Writes down a build before it is made: SLSA's BuildDefinition without what can only be observed. Every value comes from
 * the request, the commit, the recipe, the lock or the fetcher; no worker has run yet.
 */
export function defineBuild(gathered: Gathered): BuildDefinition {
  const { request, source, evaluated } = gathered
  return {
    buildType: recipeBuildType,
    externalParameters: externalParametersOf(request, {
      uri: source.uri,
      parameters: evaluated.parameters,
    }),
    internalParameters: plannedParametersOf({
      recipe: gathered.recipe,
      evaluated,
      root: gathered.root.kind,
      commitTime: source.commitTime,
      trees: new Map([...gathered.trees].map(([id, { sha256 }]) => [id, sha256])),
    }),
    resolvedDependencies: [
      sourceInput(source, request),
      fileInput('recipe', request.recipePath, gathered.recipeBlob),
      fileInput('lock', gathered.recipe.lock, gathered.lockBlob),
      ...rootInputs(gathered.root),
      ...gathered.materials.map(materialInput),
    ],
  }
}

/** What the planned part of `internalParameters` is a function of; a rebuild makes it again and compares. */
export interface Planning {
  readonly recipe: Recipe
  readonly evaluated: EvaluatedRecipe
  readonly root: Root['kind']
  readonly commitTime: number
  /** By material id: the digest of the tree that is mounted for a toolchain. */
  readonly trees: ReadonlyMap<string, string>
}

export function plannedParametersOf(planning: Planning): JsonObject {
  const { recipe, evaluated, root, commitTime, trees } = planning
  const [os = '', architecture = ''] = recipe.platform.split('/')
  return {
    sallyport_format: provenanceFormat,
    sallyport_platform: { os, architecture },
    sallyport_sandbox: { root, network: 'none' },
    sallyport_env: environmentOf(recipe, commitTime),
    sallyport_mounts: recipe.toolchains.map(({ at, material }) => ({
      at,
      material,
      tree: { sha256: trees.get(material) ?? '' },
    })),
    sallyport_steps: evaluated.steps.map((step) => ({
      id: step.id,
      run: step.run,
      cwd: step.cwd,
      env: stepEnvironment(step),
      inputs: step.inputs,
      npm: step.npm,
      outputs: step.outputs.map(({ path, type }) => ({ path, type })),
    })),
    sallyport_outputs: recipe.outputs.map(({ step, path, mediaType }) => ({
      step,
      path,
      name: path.split('/').at(-1) ?? path,
      ...(mediaType === undefined ? {} : { mediaType }),
    })),
    sallyport_limits: { ...limitsOf(recipe) },
  }
}

/** The ref is the one asked for, or else the one that the revision named; it was seen to contain the commit. */
function sourceInput(source: SourceSnapshot, request: SettledRequest): ResourceDescriptor {
  const ref = request.ref ?? source.ref
  return {
    name: 'source',
    uri: ref === undefined ? source.uri : `${source.uri}@${ref}`,
    digest: { gitCommit: source.commit, gitTree: source.tree, sha256: source.archive.sha256 },
    mediaType: 'application/x-tar',
    annotations: {
      ...annotations(['source'], source.archive.size),
      committedAt: source.committedAt,
      authoredAt: source.authoredAt,
    },
  }
}

/** A file of the source that decides about the build; its place is where every step finds it. */
function fileInput(role: 'recipe' | 'lock', path: string, blob: StoredBlob): ResourceDescriptor {
  return {
    name: role,
    uri: `file:///build/${path}`,
    digest: { sha256: blob.sha256 },
    mediaType: 'application/json',
    annotations: { ...annotations([role], blob.size), path },
  }
}

/** The tree that is mounted at `/`, and the packages it is made of: the .debs when it is pinned, their files when it is measured. */
function rootInputs(root: Root): ResourceDescriptor[] {
  return [
    {
      name: 'root',
      uri: `https://sallyport.dev/roots/${root.kind}/v1`,
      digest: { sha256: root.tar.sha256 },
      mediaType: 'application/x-tar',
      annotations: {
        ...annotations(['root'], root.tar.size),
        rule: root.rule,
        manifest: { sha256: root.manifest.sha256 },
      },
    },
    ...root.packages.map(({ name, version, architecture, sha256 }): ResourceDescriptor => ({
      name: `deb:${name}@${version}`,
      uri: debianPurl(name, version, architecture),
      digest: { sha256 },
      annotations: {
        ...annotations(['root-package']),
        purl: debianPurl(name, version, architecture),
        digestOf: root.kind === 'pinned' ? 'package' : 'installed-files',
      },
    })),
  ]
}

function debianPurl(name: string, version: string, architecture: string): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`
}

function materialInput({ entry, sha256, size }: Material): ResourceDescriptor {
  const common = { name: entry.id, uri: entry.purl }
  const about = { ...annotations(entry.roles, size), purl: entry.purl }
  if (entry.type !== 'npm') return { ...common, digest: { sha256 }, annotations: about }
  const sha512 = Buffer.from(entry.integrity.slice('sha512-'.length), 'base64').toString('hex')
  return {
    ...common,
    digest: { sha256, sha512 },
    mediaType: 'application/gzip',
    annotations: {
      ...about,
      integrity: entry.integrity,
      ...(entry.derivedFrom === undefined
        ? {}
        : { derivedFrom: `${entry.derivedFrom.lock}#${entry.derivedFrom.pointer}` }),
    },
  }
}

function annotations(roles: readonly InputRole[], size?: number): Record<string, Json> {
  return { roles, ...(size === undefined ? {} : { size }) }
}
