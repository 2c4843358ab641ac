import {
  provenanceStatement,
  type BuildDefinition,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import { encodeCanonical, type Json, type JsonObject } from '#document'
import type { BlobStore } from '#materials'
import type { BuildOutput, Execution, StepRecord } from '../execute/records.ts'
import { stepJson } from '../execute/records.ts'
import { observedParameters } from './observed.ts'

/** Who builds, and what it is made of. */
export interface BuilderIdentity {
  readonly id: string
  /** Of the components: `sallyport`, `node`. */
  readonly version: Readonly<Record<string, string>>
}

export interface RunMetadata {
  readonly invocationId: string
  readonly startedOn: string
  readonly finishedOn: string
}

type Succeeded = Extract<Execution, { kind: 'succeeded' }>

/**
 * Writes the provenance of a build that succeeded. Every field has one writer; they are listed in this module's README
 * and held to by its tests. What steps wrote is here only as digests that the orchestrator computed.
 */
export async function writeProvenance(
  build: {
    readonly definition: BuildDefinition
    readonly execution: Succeeded
    readonly builder: BuilderIdentity
    readonly metadata: RunMetadata
    /** The package URL of the product, from the recipe. */
    readonly package: string
    /** Of the product, from the source commit. */
    readonly version?: string
  },
  blobs: BlobStore,
): Promise<Statement> {
  const { definition, execution, builder, metadata } = build
  return provenanceStatement({
    subject: execution.outputs.map((output) => subjectOf(output, build)),
    buildDefinition: {
      ...definition,
      internalParameters: internalParametersOf(definition, execution),
    },
    runDetails: {
      builder: { id: builder.id, version: builder.version, builderDependencies: [] },
      metadata: { ...metadata },
      byproducts: await byproductsOf(execution.steps, blobs),
    },
  })
}

/** The package URL is how a policy knows whose artifact it is: a file name says little, and anybody can choose it. */
function subjectOf(
  output: BuildOutput,
  product: { readonly package: string; readonly version?: string },
): ResourceDescriptor {
  const { name, sha256, sha512, mediaType } = output
  const { version } = product
  return {
    name,
    uri:
      version === undefined ? product.package : `${product.package}@${encodeURIComponent(version)}`,
    digest: { sha256, sha512 },
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(version === undefined ? {} : { annotations: { version } }),
  }
}

/** The planned parameters stay as they were; what was observed is put beside them, never over them. */
function internalParametersOf(definition: BuildDefinition, execution: Succeeded): JsonObject {
  const planned = definition.internalParameters
  const observed = observedParameters(execution.steps, execution.platform)
  return {
    ...observed.top,
    ...planned,
    sallyport_platform: { ...observed.platform, ...object(planned['sallyport_platform']) },
    sallyport_sandbox: { ...observed.sandbox, ...object(planned['sallyport_sandbox']) },
  }
}

function object(value: Json | undefined): JsonObject {
  return value as JsonObject
}

/** Per step: its record, with inputs and outputs by digest, and its log; both are in the blob store. */
async function byproductsOf(
  steps: readonly StepRecord[],
  blobs: BlobStore,
): Promise<ResourceDescriptor[]> {
  const byproducts: ResourceDescriptor[] = []
  for (const step of steps) {
    const record = await blobs.put(encodeCanonical(stepJson(step)))
    byproducts.push(
      {
        name: `steps/${step.id}/record`,
        digest: { sha256: record.sha256 },
        mediaType: 'application/vnd.sallyport.step+json',
        annotations: stepAnnotations(step),
      },
      {
        name: `steps/${step.id}/log`,
        digest: { sha256: step.log.sha256 },
        mediaType: 'text/plain',
        annotations: { size: step.log.size, truncated: step.log.truncated },
      },
    )
  }
  const networks = steps.map(({ id, network }): Json => ({
    step: id,
    ...(network as unknown as JsonObject),
  }))
  const probes = steps.map(({ id, probes: list }): Json => ({
    step: id,
    probes: list.map((probe) => ({ ...probe })),
  }))
  for (const [name, report] of [
    ['network', networks],
    ['probes', probes],
  ] as const) {
    const { sha256 } = await blobs.put(encodeCanonical(report))
    byproducts.push({ name: `${name}-report`, digest: { sha256 }, mediaType: 'application/json' })
  }
  return byproducts
}

/** PRV-01: what the step took in and gave out. The packages of its registry are among the resolvedDependencies. */
function stepAnnotations(step: StepRecord): JsonObject {
  const inputs = step.inputs.filter(({ name }) => name.startsWith('/'))
  return {
    step: step.id,
    instance: step.instance,
    startedOn: step.startedAt,
    finishedOn: step.finishedAt,
    inputs: Object.fromEntries(inputs.map(({ name, sha256 }) => [name, sha256])),
    outputs: Object.fromEntries(step.outputs.map(({ path, sha256 }) => [path, sha256])),
    discarded: step.undeclared.length,
  }
}
