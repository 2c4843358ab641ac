import type { Provenance, ProvenanceSource, ResourceDescriptor } from '#attestation'
import { isObject, type Json } from '#document'
import {
  isUnset,
  member,
  named,
  others,
  textOf,
  type BuildType,
  type ExternalParameter,
} from './external.ts'

/**
 * Tekton Chains, provenance v1. The pipeline comes from a repository of its own (`buildConfigSource`); what was built is
 * the one other Git repository among the dependencies.
 */
const tektonV1: BuildType = {
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
        ...listedParams(member(runSpec, 'params')),
        ...others(runSpec, new Set(['params', ...resolved]), 'runSpec'),
        ...named(rest, ''),
      ],
    }
  },
  source: ({ resolvedDependencies }) =>
    onlyRepository(resolvedDependencies.filter(({ name }) => !definitions.has(name ?? ''))),
}

const definitions = new Set(['pipeline', 'task', 'pipelineTask'])

/** Chains, provenance v0.2: `configSource` is where the task or pipeline is from, and not what was built. */
const tektonV02: BuildType = {
  isOf: (uri) =>
    /^tekton\.dev\/(?:v1beta1|v1)\/(?:TaskRun|PipelineRun)$/.test(uri) ||
    uri === 'https://tekton.dev/attestations/chains@v2' ||
    uri === 'https://tekton.dev/attestations/chains/pipelinerun@v2',
  read: ({ externalParameters }) => {
    const { source, entryPoint, parameters, ...rest } = externalParameters
    const recipe = textOf(entryPoint)
    return {
      ...(recipe === undefined ? {} : { recipe }),
      parameters: [
        ...others(source, new Set(['digest']), 'configSource'),
        ...mappedParams(parameters),
        ...named(rest, ''),
      ],
    }
  },
  source: ({ externalParameters, resolvedDependencies }) => {
    const config = textOf(member(externalParameters['source'], 'uri'))
    return onlyRepository(resolvedDependencies.filter(({ uri }) => uri !== config))
  },
}

export const tektonBuilds: readonly BuildType[] = [tektonV1, tektonV02]

function listedParams(value: Json | undefined): readonly ExternalParameter[] {
  if (isUnset(value)) return []
  if (!Array.isArray(value)) return [{ name: 'params', value: value ?? null }]
  return value.map((item: Json, index) => ({
    name: `params.${textOf(member(item, 'name')) ?? index}`,
    value: member(item, 'value') ?? null,
  }))
}

/** By name; older versions wrap each value in the type that Tekton gave it. */
function mappedParams(value: Json | undefined): readonly ExternalParameter[] {
  return others(value, new Set(), 'params').map(({ name, value: item }) => ({
    name,
    value: unwrap(item),
  }))
}

const wrapped = { string: 'stringVal', array: 'arrayVal', object: 'objectVal' } as const

function unwrap(value: Json): Json {
  const type = textOf(member(value, 'type'))
  if (type !== 'string' && type !== 'array' && type !== 'object') return value
  const key = wrapped[type]
  const isPlain =
    isObject(value) && Object.keys(value).every((one) => one === 'type' || one === key)
  return isPlain ? (member(value, key) ?? null) : value
}

/** The one Git repository; undefined when there are several, because guessing would let one pass for another. */
function onlyRepository(
  dependencies: Provenance['resolvedDependencies'],
): ProvenanceSource | undefined {
  const found = dependencies.filter(isRepository)
  const [first, ...more] = found
  if (first?.uri === undefined || more.some(({ uri }) => uri !== first.uri)) return undefined
  const [, uri = first.uri, ref] = /^(git\+[^@]+:\/\/[^@]+)@(refs\/.+)$/.exec(first.uri) ?? []
  return { uri, digest: first.digest ?? {}, ...(ref === undefined ? {} : { ref }) }
}

function isRepository({ uri, digest = {} }: ResourceDescriptor): boolean {
  return uri !== undefined && (uri.startsWith('git+') || digest['gitCommit'] !== undefined)
}
