import type { Problem } from '#error'
import { quote } from '#error'
import type { Provenance } from './provenance-types.ts'

/** The fields of provenance that a build type may imply instead of stating them. */
export type ImpliableField =
  'source' | 'externalParameters' | 'internalParameters' | 'resolvedDependencies' | 'finishedOn'

/**
 * What the published definitions of build types fix by themselves. A field that stands here may be missing
 * from provenance of that type; no other may.
 */
export const buildTypes: ReadonlyMap<string, readonly ImpliableField[]> = new Map([
  ['https://sallyport.dev/buildtypes/recipe/v1', []],
  // The workflow file in the source is the whole command, and the source is stated. The definition knows no end: GitHub
  // attests while the run goes on, so that no attestation of it ever has one.
  ['https://actions.github.io/buildtypes/workflow/v1', ['internalParameters', 'finishedOn']],
  [
    'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
    ['internalParameters', 'finishedOn'],
  ],
] as const)

/** PRV-06: every input has a location, for rules about where it is from, and a digest, for what it is. */
export function checkInputs(provenance: Provenance): readonly Problem[] {
  return provenance.resolvedDependencies.flatMap(({ name, uri = '', digest = {} }, index) => {
    const missing = [
      ...(uri === '' ? ['uri'] : []),
      ...(Object.keys(digest).length === 0 ? ['digest'] : []),
    ]
    if (missing.length === 0) return []
    const label = name ?? (uri === '' ? undefined : uri)
    const shown = label === undefined ? '' : ` of ${quote(label, 120)}`
    return [
      {
        code: 'ATTESTATION_INPUT_UNIDENTIFIED' as const,
        where: `provenance.resolvedDependencies[${index}]`,
        expected: 'uri and digest of every input',
        found: `no ${missing.join(' and no ')}${shown}`,
        fix: `Configure the builder ${quote(provenance.builderId, 200)} to record ${missing.join(' and ')} of every input, and build again`,
      },
    ]
  })
}

/**
 * PRV-12: a field may be missing only where the definition of the build type fixes it.
 *
 * @param definitions what each build type implies; an unknown build type implies nothing
 */
export function checkOmissions(
  provenance: Provenance,
  definitions: ReadonlyMap<string, readonly ImpliableField[]> = buildTypes,
): readonly Problem[] {
  const { buildType, builderId } = provenance
  const implied = definitions.get(buildType) ?? []
  return omitted(provenance)
    .filter((name) => !implied.includes(name))
    .map((name) => ({
      code: 'ATTESTATION_FIELD_OMITTED' as const,
      where: `provenance.${name}`,
      expected: `${name}, which the build type ${quote(buildType, 200)} does not imply`,
      found: 'nothing',
      fix: `Configure the builder ${quote(builderId, 200)} to record ${name}, and build again`,
    }))
}

function omitted(provenance: Provenance): readonly ImpliableField[] {
  const { source, externalParameters, internalParameters, resolvedDependencies } = provenance
  const isEmpty = (object: object): boolean => Object.keys(object).length === 0
  const missing: readonly [ImpliableField, boolean][] = [
    ['source', source === undefined || isEmpty(source.digest)],
    ['externalParameters', isEmpty(externalParameters)],
    ['internalParameters', isEmpty(internalParameters)],
    ['resolvedDependencies', resolvedDependencies.length === 0],
    ['finishedOn', provenance.finishedOn === undefined],
  ]
  return missing.filter(([, isMissing]) => isMissing).map(([name]) => name)
}
