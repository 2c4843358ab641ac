import type { Provenance } from '#attestation'
import { isObject } from '#document'
import { isUnset, named, others, type BuildType, type External } from './rules/external.ts'
import { buildkitBuilds } from './rules/buildkit-builds.ts'
import { cloudBuilds } from './rules/cloud-builds.ts'
import { githubBuilds } from './rules/github-builds.ts'
import { otherBuilds } from './rules/other-builds.ts'
import { tektonBuilds } from './rules/tekton-builds.ts'

export { isUnset, type BuildType, type External, type ExternalParameter } from './rules/external.ts'

/** Fields of `source` that `from` and `refs` compare, or that only say which version of it was built. */
const sourceFields = new Set(['uri', 'ref', 'digest', 'commit', 'revision'])

export const recipeBuildType = 'https://sallyport.dev/buildtypes/recipe/v1'

const recipeV1: BuildType = {
  isOf: (uri) => uri === recipeBuildType,
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
      ...(isEntry || isUnset(entryPoint) ? [] : named({ entryPoint: entryPoint ?? null }, '')),
      ...named(parameters, 'parameters'),
      ...named(rest, ''),
    ],
  }
}

const knownTypes: readonly BuildType[] = [
  recipeV1,
  { isOf: (uri) => uri === '', read: readAny },
  ...githubBuilds,
  ...cloudBuilds,
  ...tektonBuilds,
  ...buildkitBuilds,
  ...otherBuilds,
]

/** The build types whose parameters are understood without a rule naming them. */
export function knownBuildType(uri: string): BuildType | undefined {
  return knownTypes.find((type) => type.isOf(uri))
}

export function buildTypeOf(uri: string): BuildType {
  return knownBuildType(uri) ?? { isOf: (other) => other === uri, read: readAny }
}
