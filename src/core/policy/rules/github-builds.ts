import type { Provenance } from '#attestation'
import type { Json, JsonObject } from '#document'
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

const generator = 'https://github.com/slsa-framework/slsa-github-generator'

/** `artifact attestations` of GitHub, npm from version 10 on, and everything else that describes a whole workflow. */
const workflow: BuildType = {
  isOf: anyOf(
    'https://actions.github.io/buildtypes/workflow/v1',
    'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
  ),
  read: ({ externalParameters }) => readWorkflow(externalParameters),
}

/** The generators of the SLSA project that sign provenance v1 for reusable workflows. */
const delegator: BuildType = {
  isOf: anyOf(`${generator}/delegator-generic@v0`, `${generator}/delegator-lowperms-generic@v0`),
  read: ({ externalParameters }) => readWorkflow(externalParameters),
  tagOn: ({ internalParameters }) => tagOnOf(internalParameters['GITHUB_EVENT_PAYLOAD']),
}

/** The generators of the SLSA project that sign provenance v0.2, for files, containers and Go programs. */
const generators: BuildType = {
  isOf: anyOf(`${generator}/generic@v1`, `${generator}/container@v1`, `${generator}/go@v1`),
  read: (provenance) => ({
    ...entryPointOf(textOf(provenance.externalParameters['entryPoint'])),
    parameters: [...restOf(provenance.externalParameters), ...dispatched(provenance)],
  }),
  // The Go builder names the image of the machine beside the materials.
  isMachine: (uri) =>
    /^https:\/\/github\.com\/actions\/(?:virtual-environments|runner-images)\/releases\/tag\/[\w./-]+$/.test(
      uri,
    ),
  tagOn: ({ internalParameters }) =>
    tagOnOf(member(internalParameters['environment'], 'github_event_payload')),
}

/** A program in a container, by a configuration file in the source. */
const containerBased: BuildType = {
  isOf: anyOf(
    'https://slsa.dev/container-based-build/v0.1?draft',
    'https://slsa.dev/container-based-build/v0.1',
  ),
  read: ({ externalParameters }) => {
    // `buildConfig` is what the builder read from `configPath` in the source: nobody else chooses it.
    const { source, builderImage, configPath, buildConfig, ...rest } = externalParameters
    const isRead = textOf(configPath) !== undefined
    return {
      parameters: [
        ...others(source, sourceFields, 'source'),
        ...others(builderImage, new Set(['digest']), 'builderImage'),
        ...named({ configPath: configPath ?? null }, ''),
        // Without a file that it comes from, somebody has chosen it.
        ...(isRead ? [] : named({ buildConfig: buildConfig ?? null }, '')),
        ...named(rest, ''),
      ],
    }
  },
}

/** npm up to version 9, in provenance v0.2. */
const npm: BuildType = {
  isOf: anyOf(
    'https://github.com/npm/cli/gha/v2',
    'https://github.com/npm/cli/gha@v1',
    'https://github.com/npm/cli/gha@v0',
  ),
  read: ({ externalParameters, internalParameters }) => ({
    ...entryPointOf(textOf(externalParameters['entryPoint'])),
    parameters: [
      ...restOf(externalParameters),
      ...prefixed(member(internalParameters['environment'], 'inputs'), 'inputs'),
    ],
  }),
}

export const githubBuilds: readonly BuildType[] = [
  workflow,
  delegator,
  generators,
  containerBased,
  npm,
]

const sourceFields = new Set(['uri', 'ref', 'digest'])

function anyOf(...uris: readonly string[]): BuildType['isOf'] {
  return (uri) => uris.includes(uri)
}

/** `workflow: {repository, ref, path}`, and what a person may have typed in: `inputs`; `vars` are settings. */
function readWorkflow(external: JsonObject): External {
  const { workflow: place, inputs, vars, ...rest } = external
  const recipe = textOf(member(place, 'path'))
  return {
    ...(recipe === undefined ? {} : { recipe }),
    parameters: [
      ...others(place, new Set(['repository', 'ref', 'path']), 'workflow'),
      ...prefixed(inputs, 'inputs'),
      ...prefixed(vars, 'vars'),
      ...named(rest, ''),
    ],
  }
}

/** What v0.2 calls parameters, and whatever else stands there; `source` and `entryPoint` are compared as such. */
function restOf(external: JsonObject): readonly ExternalParameter[] {
  return [
    ...others(external['source'], sourceFields, 'source'),
    ...named(external['parameters'], 'parameters'),
  ]
}

/** What a person typed in when starting the workflow by hand: the generators keep it in the event. */
function dispatched({ internalParameters }: Provenance): readonly ExternalParameter[] {
  const event = member(internalParameters['environment'], 'github_event_payload')
  return prefixed(member(event, 'inputs'), 'inputs')
}

function prefixed(value: Parameters<typeof named>[0], path: string): readonly ExternalParameter[] {
  if (isUnset(value)) return []
  return others(value, new Set(), path)
}

/** GitHub's events say on which branch a tag was pushed, or a release was made. */
function tagOnOf(event: Json | undefined): string | undefined {
  const base = textOf(member(event, 'base_ref'))
  const target = textOf(member(member(event, 'release'), 'target_commitish'))
  if (base !== undefined) return base.startsWith('refs/heads/') ? base : undefined
  // A release of a commit is on no branch that anybody names.
  if (target === undefined || /^[0-9a-f]{40}$/.test(target)) return undefined
  return `refs/heads/${target.replace(/^refs\/heads\//, '')}`
}

/** `owner/repository/.github/workflows/file.yml@refs/…`, or the path of the file alone. */
function entryPointOf(entryPoint: string | undefined): Pick<External, 'recipe'> {
  if (entryPoint === undefined) return {}
  const [, path] =
    /^[^/@\s]+\/[^/@\s]+\/(\.github\/workflows\/[^@\s]+)@refs\/\S+$/.exec(entryPoint) ?? []
  return { recipe: path ?? entryPoint }
}
