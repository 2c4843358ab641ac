import type { Provenance, ProvenanceSource } from '#attestation'
import { isObject, type Json } from '#document'
import {
  isUnset,
  named,
  others,
  textOf,
  type BuildType,
  type ExternalParameter,
} from './external.ts'

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

export const otherBuilds: readonly BuildType[] = [gitlabRunner, npmGitlab]

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
