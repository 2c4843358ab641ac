import type { Provenance } from '#attestation'
import type { Json, JsonObject } from '#document'
import { builderIds, recipeBuildType } from '#signer'
import type { RebuildResult } from './rebuild.ts'

export type PropertyName = 'hermetic' | 'reproducible' | 'verifiable' | 'ephemeral'

/** One property of a build, with what it rests on. None of them follows from another. */
export interface Property {
  readonly name: PropertyName
  readonly holds: 'yes' | 'no' | 'unknown'
  /** Sentences with real values, each of them a fact of the provenance or of the rebuild. */
  readonly evidence: readonly string[]
}

/**
 * Says which properties a build has, each by itself: a build that gives the same bytes twice may still fetch what it likes,
 * and a hermetic one may still differ. `unknown` is no quiet yes.
 */
export function propertiesOf(provenance: Provenance, rebuilt?: RebuildResult): readonly Property[] {
  const isOurs = provenance.buildType === recipeBuildType
  return [
    { name: 'hermetic', ...(isOurs ? hermetic(provenance) : notSaid(provenance)) },
    { name: 'reproducible', ...reproducible(rebuilt) },
    { name: 'verifiable', ...verifiable(provenance) },
    { name: 'ephemeral', ...(isOurs ? ephemeral(provenance) : notSaid(provenance)) },
  ]
}

type Judged = Omit<Property, 'name'>

function hermetic({ internalParameters, resolvedDependencies }: Provenance): Judged {
  const sandbox = object(internalParameters['sallyport_sandbox'])
  const network = object(internalParameters['sallyport_network'])
  const probes = object(internalParameters['sallyport_probes'])
  const undigested = resolvedDependencies.filter(({ digest }) => digest?.['sha256'] === undefined)
  const failed = Number(probes['failed'] ?? Number.NaN)
  const passed = Number(probes['passed'] ?? 0)
  const isHermetic =
    sandbox['network'] === 'none' && undigested.length === 0 && passed > 0 && failed === 0
  return {
    holds: isHermetic ? 'yes' : 'no',
    evidence: [
      `network in the sandbox: ${text(sandbox['network'])}; attempts, all blocked: ${text(network['attempts'])}`,
      `inputs: ${resolvedDependencies.length}, of which ${undigested.length} without SHA-256`,
      `system root: ${text(sandbox['root'])}`,
      `probes of the sandbox: ${passed} held, ${text(probes['failed'])} did not`,
    ],
  }
}

function reproducible(rebuilt: RebuildResult | undefined): Judged {
  if (rebuilt === undefined) return { holds: 'unknown', evidence: ['it was not rebuilt'] }
  return {
    holds: rebuilt.verdict === 'reproduced' ? 'yes' : 'no',
    evidence: rebuilt.outputs.map(({ name, expected = 'nothing', found = 'nothing' }) =>
      expected === found
        ? `${name}: sha256 ${found} again`
        : `${name}: sha256 ${expected} became ${found}`,
    ),
  }
}

/** Whether the provenance is enough to check the build, by its builder or by doing it again. */
function verifiable({ builderId, buildType, resolvedDependencies, source }: Provenance): Judged {
  const complete = resolvedDependencies.every(
    ({ uri, digest }) => (uri ?? '') !== '' && Object.keys(digest ?? {}).length > 0,
  )
  const commit = source?.digest['gitCommit']
  const isVerifiable = complete && commit !== undefined && builderId !== ''
  return {
    holds: isVerifiable ? 'yes' : 'no',
    evidence: [
      `builder: ${builderId === '' ? 'not stated' : builderId}, build type: ${buildType === '' ? 'not stated' : buildType}`,
      `source commit: ${commit ?? 'not stated'}`,
      complete
        ? 'every input has a location and a digest'
        : 'an input has no location or no digest',
      ...(builderId === builderIds.workstationMeasured || builderId === builderIds.workstationPinned
        ? ['built on a workstation: its owner could have changed the builder']
        : []),
    ],
  }
}

function ephemeral({ byproducts }: Provenance): Judged {
  const instances = byproducts.flatMap(({ annotations }) => {
    const instance = annotations?.['instance']
    return typeof instance === 'string' ? [instance] : []
  })
  const isEphemeral = instances.length > 0 && new Set(instances).size === instances.length
  return {
    holds: isEphemeral ? 'yes' : 'no',
    evidence: [
      `sandboxes, each for one step: ${instances.length === 0 ? 'not stated' : instances.join(', ')}`,
    ],
  }
}

function notSaid({ buildType }: Provenance): Judged {
  return { holds: 'unknown', evidence: [`provenance of build type ${buildType} does not say`] }
}

function object(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {}
}

function text(value: Json | undefined): string {
  return value === undefined
    ? 'not stated'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
}
