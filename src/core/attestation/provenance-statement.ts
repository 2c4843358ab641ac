import type { JsonObject } from '#document'
import { compact } from './field.ts'
import { predicateTypes } from './predicate-types.ts'
import { readProvenance } from './provenance.ts'
import { descriptorJson, type ResourceDescriptor } from './resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from './statement.ts'

/** What a builder says about a build: the parts of SLSA provenance v1, with the specification's names. */
export interface ProvenanceParts {
  readonly subject: readonly ResourceDescriptor[]
  readonly buildDefinition: BuildDefinition
  readonly runDetails: RunDetails
}

export interface BuildDefinition {
  readonly buildType: string
  readonly externalParameters: JsonObject
  readonly internalParameters: JsonObject
  readonly resolvedDependencies: readonly ResourceDescriptor[]
}

export interface RunDetails {
  readonly builder: {
    readonly id: string
    readonly version: Readonly<Record<string, string>>
    readonly builderDependencies: readonly ResourceDescriptor[]
  }
  readonly metadata: {
    readonly invocationId: string
    readonly startedOn: string
    readonly finishedOn: string
  }
  readonly byproducts: readonly ResourceDescriptor[]
}

/**
 * Makes an in-toto Statement v1 with SLSA provenance v1. The order of dependencies is kept.
 *
 * @throws SallyportError when what was given is not provenance that `readProvenance` accepts
 */
export function provenanceStatement(parts: ProvenanceParts): Statement {
  const { buildDefinition, runDetails } = parts
  const statement: Statement = {
    _type: statementTypes.v1,
    subject: parts.subject,
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: {
        buildType: buildDefinition.buildType,
        externalParameters: buildDefinition.externalParameters,
        internalParameters: buildDefinition.internalParameters,
        resolvedDependencies: buildDefinition.resolvedDependencies.map(descriptorJson),
      },
      runDetails: {
        builder: {
          id: runDetails.builder.id,
          version: runDetails.builder.version,
          builderDependencies: runDetails.builder.builderDependencies.map(descriptorJson),
        },
        metadata: compact<JsonObject>({ ...runDetails.metadata }),
        byproducts: runDetails.byproducts.map(descriptorJson),
      },
    },
  }
  readProvenance(statement)
  encodeStatement(statement)
  return statement
}
