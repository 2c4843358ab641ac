import { quote } from '#error'
import { refuse } from './field.ts'
import { readJwtProvenance } from './jwt-provenance.ts'
import { predicateTypes } from './predicate-types.ts'
import type { Provenance } from './provenance-types.ts'
import { readSlsaV01 } from './slsa-v01.ts'
import { readSlsaV02 } from './slsa-v02.ts'
import { readSlsaV1 } from './slsa-v1.ts'
import type { Statement } from './statement.ts'

const readers: ReadonlyMap<string, (statement: Statement) => Provenance> = new Map([
  [predicateTypes.slsaProvenanceV1, readSlsaV1],
  [predicateTypes.slsaProvenanceV02, readSlsaV02],
  [predicateTypes.slsaProvenanceV01, readSlsaV01],
  [predicateTypes.jwtProvenance, readJwtProvenance],
])

/** Whether `readProvenance` knows statements of this predicate type. */
export function isProvenanceType(predicateType: string): boolean {
  return readers.has(predicateType)
}

/**
 * Reads SLSA provenance v1, v0.2 or v0.1, or a JWT presented by `jwtStatement`, into one view. Unknown fields are
 * ignored (SLSA's monotonic principle); `null`, empty and missing are the same.
 *
 * @throws SallyportError ATTESTATION_PREDICATE_TYPE for other statements, else ATTESTATION_… with the path
 */
export function readProvenance(statement: Statement): Provenance {
  const read = readers.get(statement.predicateType)
  if (read !== undefined) return read(statement)
  throw refuse(
    'ATTESTATION_PREDICATE_TYPE',
    'statement.predicateType',
    `one of ${[...readers.keys()].map((type) => quote(type)).join(', ')}`,
    quote(statement.predicateType),
    'Pass the provenance of the artifact, which its builder wrote',
  )
}
