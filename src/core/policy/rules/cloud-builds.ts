import type { Provenance, ProvenanceSource } from '#attestation'
import type { Json } from '#document'
import {
  isUnset,
  member,
  named,
  others,
  textOf,
  type BuildType,
  type ExternalParameter,
} from './external.ts'

/** Google Cloud Build, started by a trigger, in provenance v1. */
const worker: BuildType = {
  isOf: (uri) => uri === 'https://cloud.google.com/build/gcb-buildtypes/google-worker/v1',
  read: ({ externalParameters }) => {
    const { buildConfigSource, substitutions, ...rest } = externalParameters
    const recipe = textOf(member(buildConfigSource, 'path'))
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...others(buildConfigSource, new Set(['repository', 'ref', 'path']), 'buildConfigSource'),
        ...others(substitutions, new Set(), 'substitutions'),
        ...named(rest, ''),
      ],
    }
  },
}

const old = 'https://cloudbuild.googleapis.com/'
/** With a file of the source as recipe; a build of version 0.2 names itself as its type. */
const byFile = [`${old}CloudBuildYaml@v0.1`, `${old}GoogleHostedWorker@v0.2`]
/** With steps that whoever started the build wrote down. */
const bySteps = `${old}CloudBuildSteps@v0.1`

/** What a build file says itself, or the service adds: nobody chooses it who starts the build. */
const fromFile = new Set(['@type', 'id', 'steps', 'options', 'sourceProvenance', 'substitutions'])
const fromService = new Set(['@type', 'id', 'sourceProvenance', 'substitutions'])

/** Google Cloud Build in provenance v0.1. */
const workerV01: BuildType = {
  isOf: (uri) => byFile.includes(uri) || uri === bySteps,
  read: ({ buildType, externalParameters }) => {
    const { entryPoint, parameters, source: _source, ...rest } = externalParameters
    const recipe = textOf(entryPoint)
    const own = buildType === bySteps || recipe === undefined ? fromService : fromFile
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...userSubstitutions(member(parameters, 'substitutions')),
        ...others(parameters, own, 'arguments'),
        ...named(rest, ''),
      ],
    }
  },
  source: sourceV01,
}

export const cloudBuilds: readonly BuildType[] = [worker, workerV01]

/** Substitutions of users begin with `_`; the service sets the others from the trigger and its commit. */
function userSubstitutions(value: Json | undefined): readonly ExternalParameter[] {
  if (isUnset(value)) return []
  return others(value, new Set(), 'substitutions').filter(
    ({ name }) => name === 'substitutions' || name.startsWith('substitutions._'),
  )
}

/** The one material, by its web address; which branch or tag it was stands in the substitutions. */
function sourceV01({
  externalParameters,
  resolvedDependencies,
}: Provenance): ProvenanceSource | undefined {
  const [material, ...more] = resolvedDependencies
  if (material?.uri?.startsWith('https://') !== true || more.length > 0) return undefined
  const ref = refOf(member(externalParameters['parameters'], 'substitutions'))
  return {
    uri: `git+${material.uri}`,
    digest: material.digest ?? {},
    ...(ref === undefined ? {} : { ref }),
  }
}

function refOf(substitutions: Json | undefined): string | undefined {
  const tag = textOf(member(substitutions, 'TAG_NAME'))
  const branch = textOf(member(substitutions, 'BRANCH_NAME'))
  if (tag !== undefined) return `refs/tags/${tag}`
  return branch === undefined ? undefined : `refs/heads/${branch}`
}
