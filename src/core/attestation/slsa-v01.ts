import type { Json, JsonObject } from '#document'
import { compact, field, optional, readName, readObject, readText, required } from './field.ts'
import { readResources } from './provenance-fields.ts'
import type { Provenance } from './provenance-types.ts'
import type { ResourceDescriptor } from './resource-descriptor.ts'
import { readMetadata } from './slsa-v02.ts'
import { sourceOf } from './source.ts'
import type { Statement } from './statement.ts'

/**
 * SLSA provenance v0.1, translated as its successors prescribe: `recipe.type` is the build type, the material that
 * `definedInMaterial` points at is the source, `entryPoint` and `arguments` were the requester's, `environment` the
 * builder's. https://slsa.dev/spec/v0.1/provenance
 */
export function readSlsaV01({ predicate }: Statement): Provenance {
  const where = 'statement.predicate'
  const builder = required(predicate, 'builder', where, readObject)
  const recipe = required(predicate, 'recipe', where, readObject)
  const place = `${where}.recipe`
  const resolvedDependencies = readResources(predicate, 'materials', where).map(withCommit)
  const externalParameters = compact<JsonObject>({
    source: sourceJson(definedIn(field(recipe, 'definedInMaterial'), resolvedDependencies)),
    entryPoint: optional(recipe, 'entryPoint', place, readText),
    parameters: optional(recipe, 'arguments', place, (value) => value),
  })
  return compact<Provenance>({
    format: 'slsa-v0.1',
    buildType: required(recipe, 'type', place, readName),
    builderId: required(builder, 'id', `${where}.builder`, readName),
    builderVersion: {},
    builderDependencies: [],
    externalParameters,
    internalParameters: compact<JsonObject>({
      environment: optional(recipe, 'environment', place, (value) => value),
    }),
    resolvedDependencies,
    source: sourceOf(externalParameters, resolvedDependencies),
    byproducts: [],
    ...readMetadata(optional(predicate, 'metadata', where, readObject) ?? {}, `${where}.metadata`),
  })
}

/** Google Cloud Build once wrote the commit into the address: `https://host/repository/commit/…`. */
function withCommit(material: ResourceDescriptor): ResourceDescriptor {
  const { uri = '', digest } = material
  const [, repository, sha1] = /^(https:\/\/[^?#]+)\/commit\/([0-9a-f]{40})$/.exec(uri) ?? []
  if (repository === undefined || sha1 === undefined || digest !== undefined) return material
  return { ...material, uri: repository, digest: { sha1 } }
}

/** The material that the recipe comes from; an index that leads nowhere names none. */
function definedIn(
  index: Json | undefined,
  materials: readonly ResourceDescriptor[],
): ResourceDescriptor | undefined {
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) return undefined
  return materials[index]
}

function sourceJson(material: ResourceDescriptor | undefined): JsonObject | undefined {
  if (material?.uri === undefined) return undefined
  return compact<JsonObject>({ uri: material.uri, digest: material.digest })
}
