import type { JsonObject } from '#document'
import { compact, optional, readName, readObject, readText, required } from './field.ts'
import { readResources, readVersions } from './provenance-fields.ts'
import type { Provenance } from './provenance-types.ts'
import { sourceOf } from './source.ts'
import type { Statement } from './statement.ts'
import { readTime } from './time.ts'

/** SLSA provenance v1.                                            https://slsa.dev/spec/v1.2/build-provenance */
export function readSlsaV1({ predicate }: Statement): Provenance {
  const where = 'statement.predicate'
  const definition = required(predicate, 'buildDefinition', where, readObject)
  const run = required(predicate, 'runDetails', where, readObject)
  return compact<Provenance>({
    format: 'slsa-v1',
    ...readDefinition(definition, `${where}.buildDefinition`),
    ...readRun(run, `${where}.runDetails`),
  })
}

function readDefinition(object: JsonObject, where: string) {
  const externalParameters = optional(object, 'externalParameters', where, readObject) ?? {}
  const resolvedDependencies = readResources(object, 'resolvedDependencies', where)
  return {
    buildType: required(object, 'buildType', where, readName),
    externalParameters,
    internalParameters: optional(object, 'internalParameters', where, readObject) ?? {},
    resolvedDependencies,
    source: sourceOf(externalParameters, resolvedDependencies),
  }
}

function readRun(object: JsonObject, where: string) {
  const builder = required(object, 'builder', where, readObject)
  const metadata = optional(object, 'metadata', where, readObject) ?? {}
  return {
    builderId: required(builder, 'id', `${where}.builder`, readName),
    builderVersion: optional(builder, 'version', `${where}.builder`, readVersions) ?? {},
    builderDependencies: readResources(builder, 'builderDependencies', `${where}.builder`),
    // BuildKit spells it as the Go library once did.
    invocationId:
      optional(metadata, 'invocationId', `${where}.metadata`, readText) ??
      optional(metadata, 'invocationID', `${where}.metadata`, readText),
    startedOn: optional(metadata, 'startedOn', `${where}.metadata`, readTime),
    finishedOn: optional(metadata, 'finishedOn', `${where}.metadata`, readTime),
    byproducts: readResources(object, 'byproducts', where),
    completeness: optional(metadata, 'buildkit_completeness', `${where}.metadata`, readObject),
  }
}
