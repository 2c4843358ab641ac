import type { Provenance, ProvenanceSource, ResourceDescriptor } from '#attestation'
import type { Json } from '#document'
import {
  isObject,
  isUnset,
  member,
  named,
  others,
  textOf,
  type BuildType,
  type ExternalParameter,
} from './external.ts'

/** Google Cloud Build, started by a trigger. */
const cloudBuild: BuildType = {
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

/**
 * Tekton Chains, provenance v1. The pipeline comes from a repository of its own (`buildConfigSource`); what was built is
 * the one other Git repository among the dependencies.
 */
const tekton: BuildType = {
  isOf: (uri) =>
    uri === 'https://tekton.dev/chains/v2/slsa' ||
    uri === 'https://tekton.dev/chains/v2/slsa-tekton',
  read: ({ externalParameters }) => {
    const { runSpec, buildConfigSource, ...rest } = externalParameters
    const recipe = textOf(member(buildConfigSource, 'path'))
    // Where a pipeline came from is resolved into buildConfigSource; without that, the reference itself is judged.
    const resolved = recipe === undefined ? [] : ['pipelineRef', 'taskRef']
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...others(buildConfigSource, new Set(['ref', 'path']), 'buildConfigSource'),
        ...tektonParams(member(runSpec, 'params')),
        ...others(runSpec, new Set(['params', ...resolved]), 'runSpec'),
        ...named(rest, ''),
      ],
    }
  },
  source: ({ resolvedDependencies }) =>
    onlyRepository(resolvedDependencies.filter(({ name }) => !definitions.has(name ?? ''))),
}

const definitions = new Set(['pipeline', 'task', 'pipelineTask'])

function tektonParams(value: Json | undefined): readonly ExternalParameter[] {
  if (isUnset(value)) return []
  if (!Array.isArray(value)) return [{ name: 'params', value: value ?? null }]
  return value.map((item: Json, index) => ({
    name: `params.${textOf(member(item, 'name')) ?? index}`,
    value: member(item, 'value') ?? null,
  }))
}

/** GitLab's runner, which names its version in the build type. `source` is the address of the project. */
const gitlabRunner: BuildType = {
  isOf: (uri) =>
    /^https:\/\/gitlab\.com\/gitlab-org\/gitlab-runner\/-\/blob\/v?\d[\w.-]{0,40}\/PROVENANCE\.md$/.test(
      uri,
    ),
  read: ({ externalParameters }) => {
    const { source, entryPoint, variables, parameters, ...rest } = externalParameters
    const recipe = textOf(entryPoint)
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...(typeof source === 'string' ? [] : others(source, new Set(['uri', 'digest']), 'source')),
        ...gitlabVariables(variables),
        ...gitlabVariables(parameters),
        ...named(rest, ''),
      ],
    }
  },
  source: gitlabSource,
}

/** npm on GitLab, in provenance v0.2. */
const npmGitlab: BuildType = {
  isOf: (uri) => uri === 'https://github.com/npm/cli/gitlab/v0alpha1',
  read: ({ externalParameters }) => {
    const { source, entryPoint, parameters, ...rest } = externalParameters
    const recipe = textOf(entryPoint)
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...others(source, new Set(['uri', 'ref', 'digest']), 'source'),
        ...gitlabVariables(parameters),
        ...named(rest, ''),
      ],
    }
  },
}

export const otherBuilds: readonly BuildType[] = [cloudBuild, tekton, gitlabRunner, npmGitlab]

/**
 * Variables that GitLab sets by itself are not the requester's. The runner names the others without their value: what is
 * empty there is not unset, so it has to be allowed as the empty text that it is written as.
 */
function gitlabVariables(value: Json | undefined): readonly ExternalParameter[] {
  if (isUnset(value)) return []
  if (!isObject(value)) return [{ name: 'variables', value: value ?? null }]
  return Object.entries(value)
    .filter(([name]) => !/^(?:CI|CI_[A-Z0-9_]+|GITLAB_[A-Z0-9_]+|RUNNER_[A-Z0-9_]+)$/.test(name))
    .map(([name, item]) => ({ name: `variables.${name}`, value: item }))
}

function gitlabSource({
  externalParameters,
  resolvedDependencies,
  source,
}: Provenance): ProvenanceSource | undefined {
  const address = textOf(externalParameters['source'])
  if (address === undefined || address.startsWith('git+')) return source
  const own = resolvedDependencies.filter(({ uri }) => uri === address)
  const [first, ...more] = own
  return { uri: `git+${address}`, digest: more.length === 0 ? (first?.digest ?? {}) : {} }
}

/** The one Git repository; undefined when there are several, because guessing would let one pass for another. */
function onlyRepository(dependencies: readonly ResourceDescriptor[]): ProvenanceSource | undefined {
  const found = dependencies.filter(
    ({ uri, digest = {} }) =>
      uri !== undefined && (uri.startsWith('git+') || digest['gitCommit'] !== undefined),
  )
  const [first, ...more] = found
  if (first?.uri === undefined || more.some(({ uri }) => uri !== first.uri)) return undefined
  const [, uri = first.uri, ref] = /^(git\+[^@]+:\/\/[^@]+)@(refs\/.+)$/.exec(first.uri) ?? []
  return { uri, digest: first.digest ?? {}, ...(ref === undefined ? {} : { ref }) }
}
