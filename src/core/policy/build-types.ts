import type { Provenance } from '#attestation'
import type { Json, JsonObject } from '#document'

/** One thing that the requester of a build could choose. */
export interface ExternalParameter {
  readonly name: string
  readonly value: Json
}

/** What the requester of a build could choose, sorted by what a rule compares it with. */
export interface External {
  /** Path of the build instructions in the source. */
  readonly recipe?: string
  /** Everything else: each must be allowed by name. */
  readonly parameters: readonly ExternalParameter[]
}

/** How one build type writes what its requesters can choose. */
export interface BuildType {
  readonly uri: string
  /** The recipe that is built when a rule names none. */
  readonly defaultRecipe?: string
  readonly read: (provenance: Provenance) => External
}

/** Fields of `source` that `from` and `refs` compare, or that only say which version of it was built. */
const sourceFields = new Set(['uri', 'ref', 'digest', 'commit', 'revision'])

const recipeV1: BuildType = {
  uri: 'https://sallyport.dev/buildtypes/recipe/v1',
  defaultRecipe: 'sallyport.build.json',
  read: ({ externalParameters }) => {
    const { source, recipe, parameters, ...rest } = externalParameters
    const path = isObject(recipe) ? recipe['path'] : undefined
    return {
      ...(typeof path === 'string' ? { recipe: path } : {}),
      parameters: [
        ...others(source, sourceFields, 'source'),
        ...others(recipe, new Set(typeof path === 'string' ? ['path'] : []), 'recipe'),
        ...named(parameters, 'parameters'),
        ...named(rest, ''),
      ],
    }
  },
}

/** A token, which states no build type; and everything that a rule names by its `buildType`. */
function readAny({ externalParameters }: Provenance): External {
  const { source, entryPoint, parameters, ...rest } = externalParameters
  const isEntry = typeof entryPoint === 'string' && entryPoint !== ''
  return {
    ...(isEntry ? { recipe: entryPoint } : {}),
    parameters: [
      ...(typeof source === 'string' ? [] : others(source, sourceFields, 'source')),
      ...(isEntry ? [] : named({ entryPoint: entryPoint ?? null }, '')),
      ...named(parameters, 'parameters'),
      ...named(rest, ''),
    ],
  }
}

const knownTypes: readonly BuildType[] = [recipeV1, { uri: '', read: readAny }]

/** The build types whose parameters are understood without a rule naming them. */
export function knownBuildType(uri: string): BuildType | undefined {
  return knownTypes.find((type) => type.uri === uri)
}

export function buildTypeOf(uri: string): BuildType {
  return knownBuildType(uri) ?? { uri, read: readAny }
}

export const recipeBuildType = recipeV1.uri

/** Fields of an object that nothing else compares. */
function others(
  value: Json | undefined,
  compared: ReadonlySet<string>,
  path: string,
): ExternalParameter[] {
  if (!isObject(value)) return isUnset(value) ? [] : [{ name: path, value: value ?? null }]
  const rest = Object.entries(value).filter(([key]) => !compared.has(key))
  return rest
    .filter(([, item]) => !isUnset(item))
    .map(([key, item]) => ({ name: `${path}.${key}`, value: item }))
}

/** The members of an object by their own names; anything but an object by the name it stands under. */
function named(value: Json | undefined, path: string): ExternalParameter[] {
  if (!isObject(value)) return isUnset(value) ? [] : [{ name: path, value: value ?? null }]
  return Object.entries(value)
    .filter(([, item]) => !isUnset(item))
    .map(([name, item]) => ({ name, value: item }))
}

/** SLSA (V10): null, empty and unset are the same. */
export function isUnset(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
