import { predicateTypes, readProvenance, type BuildDefinition, type Statement } from '#attestation'
import { quote, SallyportError } from '#error'

/**
 * The build definition of a provenance statement, as it was signed.
 *
 * @throws SallyportError REBUILD_NOT_A_RECIPE for statements that are not SLSA provenance v1
 */
export function readDefinition(statement: Statement): BuildDefinition {
  if (statement.predicateType !== predicateTypes.slsaProvenanceV1) {
    throw new SallyportError({
      code: 'REBUILD_NOT_A_RECIPE',
      where: 'predicateType',
      expected: quote(predicateTypes.slsaProvenanceV1),
      found: quote(statement.predicateType),
      fix: 'Give the provenance of the build',
    })
  }
  const { buildType, externalParameters, internalParameters, resolvedDependencies } =
    readProvenance(statement)
  return { buildType, externalParameters, internalParameters, resolvedDependencies }
}
