import type { Provenance, ProvenanceSource } from '#attestation'
import type { Json } from '#document'
import {
  isUnset,
  member,
  named,
  others,
  textOf,
  type BuildType,
  type External,
  type ExternalParameter,
} from './external.ts'

/** BuildKit, as `docker buildx build --provenance` and `docker build` run it, in provenance v0.2. */
const buildkitV02: BuildType = {
  isOf: (uri) => uri === 'https://mobyproject.org/buildkit@v1',
  read: ({ externalParameters, completeness }) => {
    const { source, entryPoint, parameters, ...rest } = externalParameters
    return readBuild({
      config: { source: source ?? null, path: entryPoint ?? null },
      request: parameters,
      isComplete: completeness?.['parameters'] === true,
      rest: named(rest, ''),
    })
  },
  source: ({ externalParameters, resolvedDependencies }) =>
    contextOf(externalParameters['source'], resolvedDependencies),
}

/** The same in provenance v1. */
const buildkitV1: BuildType = {
  isOf: (uri) =>
    uri === 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
  read: ({ externalParameters, completeness }) => {
    const { configSource, request, ...rest } = externalParameters
    return readBuild({
      config: { source: configSource ?? null, path: member(configSource, 'path') ?? null },
      request,
      isComplete: completeness?.['request'] === true,
      rest: [
        ...others(configSource, new Set(['uri', 'digest', 'path']), 'configSource'),
        ...named(rest, ''),
      ],
    })
  },
  source: ({ externalParameters, resolvedDependencies }) =>
    contextOf(externalParameters['configSource'], resolvedDependencies),
}

export const buildkitBuilds: readonly BuildType[] = [buildkitV02, buildkitV1]

interface Build {
  readonly config: { readonly source: Json; readonly path: Json }
  readonly request: Json | undefined
  readonly isComplete: boolean
  readonly rest: readonly ExternalParameter[]
}

function readBuild({ config, request, isComplete, rest }: Build): External {
  const recipe = textOf(config.path)
  const folder = splitContext(textOf(member(config.source, 'uri')) ?? '').folder
  return {
    ...(recipe === undefined ? {} : { recipe }),
    parameters: [
      // What is left out with `mode=min` may be anything, so that has to be allowed too.
      ...(isComplete ? [] : [{ name: 'request', value: 'incomplete' }]),
      ...(folder === undefined ? [] : [{ name: 'source.folder', value: folder }]),
      ...others(member(request, 'args'), new Set(), 'args'),
      ...(['secrets', 'ssh', 'locals'] as const).flatMap((key) => listed(request, key)),
      ...others(request, new Set(['args', 'secrets', 'ssh', 'locals']), 'request'),
      ...rest,
    ],
  }
}

/** `[{id}]` or `[{name}]`: what the client lent to the build, each by its name. */
function listed(request: Json | undefined, key: string): readonly ExternalParameter[] {
  const list = member(request, key)
  if (isUnset(list)) return []
  if (!Array.isArray(list)) return [{ name: key, value: list ?? null }]
  return (list as readonly Json[]).map((item, index) => {
    const name = textOf(member(item, 'id')) ?? textOf(member(item, 'name')) ?? String(index)
    return { name: `${key}.${name}`, value: true }
  })
}

/**
 * The Git repository that is the context. With a context from the client's machine there is none: what the client says
 * about it (`vcs`) nobody has checked, and so it is no source.
 */
function contextOf(
  config: Json | undefined,
  dependencies: Provenance['resolvedDependencies'],
): ProvenanceSource | undefined {
  const address = textOf(member(config, 'uri'))
  if (address === undefined) return undefined
  const { uri, ref } = splitContext(address)
  const digests = dependencies.filter((one) => one.uri === address).map((one) => one.digest ?? {})
  const [digest, ...more] = digests
  const isOne = more.every((other) => JSON.stringify(other) === JSON.stringify(digest))
  return { uri, digest: isOne ? (digest ?? {}) : {}, ...(ref === undefined ? {} : { ref }) }
}

/** `https://host/path.git#ref:folder`. A commit in the place of the ref is none. */
function splitContext(address: string): {
  readonly uri: string
  readonly ref?: string
  readonly folder?: string
} {
  const [base = '', fragment = ''] = address.split(/#(.*)/s)
  const [ref = '', folder = ''] = fragment.split(/:(.*)/s)
  const isCommit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)
  return {
    uri: base.startsWith('git+') ? base : `git+${base}`,
    ...(ref === '' || isCommit ? {} : { ref }),
    ...(folder === '' ? {} : { folder }),
  }
}
