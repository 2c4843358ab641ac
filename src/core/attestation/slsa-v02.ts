import type { JsonObject } from '#document'
import { readDigestSet } from './digest-set.ts'
import { compact, field, optional, readName, readObject, readText, required } from './field.ts'
import { readResources } from './provenance-fields.ts'
import type { Provenance } from './provenance-types.ts'
import { sourceOf } from './source.ts'
import type { Statement } from './statement.ts'
import { readTime } from './time.ts'

/**
 * SLSA provenance v0.2, translated as its successor prescribes: `configSource` is the source, `entryPoint` and
 * `parameters` were the requester's, `environment` and `buildConfig` the builder's.
 * https://slsa.dev/spec/v1.0/provenance#migrating-from-02
 */
export function readSlsaV02({ predicate }: Statement): Provenance {
  const where = 'statement.predicate'
  const builder = required(predicate, 'builder', where, readObject)
  const invocation = optional(predicate, 'invocation', where, readObject) ?? {}
  const externalParameters = readExternal(invocation, `${where}.invocation`)
  const resolvedDependencies = readResources(predicate, 'materials', where)
  return compact<Provenance>({
    format: 'slsa-v0.2',
    buildType: required(predicate, 'buildType', where, readName),
    builderId: required(builder, 'id', `${where}.builder`, readName),
    builderVersion: {},
    builderDependencies: [],
    externalParameters,
    internalParameters: compact<JsonObject>({
      environment: optional(invocation, 'environment', `${where}.invocation`, readObject),
      buildConfig: optional(predicate, 'buildConfig', where, (value) => value),
    }),
    resolvedDependencies,
    source: sourceOf(externalParameters, resolvedDependencies),
    byproducts: [],
    ...readMetadata(optional(predicate, 'metadata', where, readObject) ?? {}, `${where}.metadata`),
  })
}

function readExternal(invocation: JsonObject, where: string): JsonObject {
  const config = optional(invocation, 'configSource', where, readObject) ?? {}
  const place = `${where}.configSource`
  const uri = optional(config, 'uri', place, readText)
  const digest = optional(config, 'digest', place, readDigestSet)
  return compact<JsonObject>({
    source: uri === undefined ? undefined : compact<JsonObject>({ uri, digest }),
    entryPoint: optional(config, 'entryPoint', place, readText),
    parameters: optional(invocation, 'parameters', where, (value) => value),
  })
}

/** `metadata` of v0.1 and v0.2. */
export function readMetadata(metadata: JsonObject, where: string) {
  // The specification says buildInvocationId; the Go library that most builders use writes buildInvocationID.
  const key =
    field(metadata, 'buildInvocationId') === undefined ? 'buildInvocationID' : 'buildInvocationId'
  return {
    invocationId: optional(metadata, key, where, readText),
    startedOn: optional(metadata, 'buildStartedOn', where, readTime),
    finishedOn: optional(metadata, 'buildFinishedOn', where, readTime),
    completeness: optional(metadata, 'completeness', where, readObject),
  }
}
